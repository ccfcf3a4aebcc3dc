package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func gz(s string) string {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write([]byte(s))
	_ = zw.Close()
	return b.String()
}

// billion is a document of a few lines that stands for 10^9 words.
func billion() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n")
	for i := 1; i < 10; i++ {
		p := string(rune('0' + i - 1))
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*a"+p+",", 10), ",") + "]\n")
	}
	return b.String()
}

func TestBadInput(t *testing.T) {
	complete := list("List", everything...)
	for name, c := range map[string]struct {
		in   string
		want []string // parts of the message
	}{
		"empty":                           {"", []string{"the input is empty", Command}},
		"white space":                     {" \n\t ", []string{"the input is empty", Command}},
		"comments":                        {"# nothing\n", []string{"holds no objects", Command}},
		"an empty list":                   {list("List"), []string{"holds no objects", Command}},
		"empty gzip data":                 {gz(""), []string{"the input is empty"}},
		"cut inside an item":              {complete[:700], []string{"truncated", "ends at byte 700", "take it again"}},
		"cut between items":               {`{"kind":"List","items":[` + nodeA, []string{"truncated"}},
		"cut after a comma":               {`{"kind":"List","items":[` + nodeA + ",", []string{"truncated"}},
		"cut after the items":             {strings.TrimSuffix(complete, "}"), []string{"truncated"}},
		"cut after the brace":             {"{", []string{"truncated", "byte 1"}},
		"cut behind a byte order mark":    {"\ufeff\n{", []string{"truncated", "ends at byte 5"}},
		"cut gzip data":                   {gz(complete)[:200], []string{"truncated", "byte 200"}},
		"cut gzip header":                 {gz(complete)[:5], []string{"damaged gzip"}},
		"damaged gzip data":               {gz(complete)[:100] + "\xff\xff\xff\xff" + gz(complete)[104:], []string{"gzip data", "take the capture again"}},
		"a ConfigMap":                     {other, []string{"found 1 of kind ConfigMap", Command}},
		"a list of Deployments":           {list("List", strings.Repeat(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"}},`, 2)+other), []string{"2 of kind Deployment.apps, 1 of kind ConfigMap", Command}},
		"a typed list of another kind":    {`{"apiVersion":"v1","kind":"ConfigMapList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`, []string{"2 of kind ConfigMap"}},
		"a Status":                        {`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized"}`, []string{"found 1 of kind Status"}},
		"HTML":                            {"<!DOCTYPE html><html>", []string{"HTML", Command}},
		"HTML after white space":          {"\n\n  <html>", []string{"HTML"}},
		"a table":                         {"NAME   STATUS   ROLES\na      Ready    <none>\n", []string{"no Kubernetes object"}},
		"a sentence":                      {"No resources found\n", []string{"found the text", "No resources found", Command}},
		"an error of kubectl":             {"error: the server doesn't have a resource type \"nodess\"\n", []string{"item 1 has no kind"}},
		"binary":                          {"\x7fELF\x02\x01\x00\x00", []string{"binary"}},
		"protobuf of Kubernetes":          {"k8s\x00\x0a\x0b", []string{"binary"}},
		"UTF-16 of PowerShell":            {"\xff\xfe{\x00", []string{"UTF-16", "Out-File -Encoding utf8"}},
		"Latin-1":                         {"name: M\xfcller\n", []string{"binary"}},
		"a bare string":                   {"[\"a\"]", []string{"item 1", "is \"\\\"a\\\"\" and not an object"}},
		"a bare number after objects":     {nodeA + " 17", []string{"bare value \"17\""}},
		"null":                            {list("List", "null"), []string{"item 1", "not an object"}},
		"no kind at all":                  {`{"metadata":{"name":"x"}}`, []string{"item 1 has no kind", Command}},
		"a list without a kind":           {`{"items":[{"metadata":{"name":"x"}}]}`, []string{"neither the items nor their list have a kind"}},
		"items of a kind that is no list": {`{"items":[{"metadata":{"name":"x"}}],"kind":"Pod"}`, []string{"neither the items nor their list have a kind"}},
		"kind is a number":                {`{"kind":5}`, []string{"field kind", "not a string"}},
		"kind of an item is a number":     {list("List", nodeA, `{"kind":5}`), []string{"item 2", "cannot unmarshal number", "correct it or take"}},
		"items are an object":             {`{"kind":"List","items":{}}`, []string{"items at byte", "not an array"}},
		"JSON that is not":                {`{"kind":"List","items":[{"a":1,}]}`, []string{"not valid JSON, in the value that begins at byte 24", "take the capture again"}},
		"a missing comma":                 {list("List", nodeA+podX), []string{"not valid JSON"}},
		"logs between the documents":      {nodeA + "\n==== START logs for container c ====\n", []string{"cluster-info dump", "--output-directory"}},
		"YAML separators in JSON":         {nodeA + "\n---\n" + podX, []string{"not valid JSON"}},
		"a document with a key twice":     {`{"kind":"List","kind":"PodList","items":[]}`, []string{`the key "kind" twice`}},
		"a document with items twice":     {`{"kind":"List","items":[` + nodeA + `],"items":[]}`, []string{`the key "items" twice`}},
		"an item with a key twice":        {list("List", strings.Replace(nodeA, `"name":"a"`, `"name":"a","name":"b"`, 1)), []string{"item 1 (Node b)", `duplicate field "metadata.name"`}},
		"a label twice":                   {list("List", strings.Replace(dsX, `"team":"red"`, `"team":"red","team":"blue"`, 1)), []string{"item 1 (DaemonSet x/d)", "duplicate field"}},
		"a YAML key twice":                {"kind: Node\nkind: Pod\n", []string{"YAML document 1", `key "kind" already set`}},
		"wrong type of a field":           {list("List", nodeA, strings.Replace(podX, `"nodeName":"a"`, `"nodeName":["a"]`, 1)), []string{"item 2 (Pod x/d-a)", "cannot unmarshal array", "spec.nodeName", "correct it or take the capture again"}},
		"wrong type of the name":          {list("List", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":5}}`), []string{"item 1 (Pod)", "cannot unmarshal number"}},
		"wrong quantity":                  {list("List", strings.Replace(podX, "100m", "lots", 1)), []string{"item 1 (Pod x/d-a)", "quantit"}},
		"wrong time":                      {list("List", strings.Replace(nodeA, "2026-01-01T10:00:00Z", "yesterday", 1)), []string{"item 1 (Node a)", "yesterday"}},
		"no name":                         {list("List", `{"apiVersion":"v1","kind":"Node","metadata":{}}`), []string{"item 1 (Node): metadata.name is missing"}},
		"wrong apiVersion":                {`{"kind":"Pod","apiVersion":"a/b/c","metadata":{"name":"p"}}`, []string{"item 1 (Pod p)", "a/b/c"}},
		"a version before apps/v1":        {`{"kind":"DaemonSet","apiVersion":"extensions/v1beta1","metadata":{"name":"p"}}`, []string{"extensions/v1beta1 is not read", Command}},
		"a version after ours":            {`{"kind":"Capture","apiVersion":"kubectl-ds.github.io/v2"}`, []string{"kubectl-ds.github.io/v2 is not known", "update the plugin"}},
		"two headers":                     {strings.Repeat(`{"kind":"Capture","apiVersion":"kubectl-ds.github.io/v1alpha1"}`, 2), []string{"two headers", "pass one of them"}},
		"two clusters":                    {list("List", nodeA, strings.Replace(nodeA, `"na"`, `"nb"`, 1)), []string{"two objects Node a with different UIDs", "pass one of them"}},
		"control characters in names":     {list("List", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a\u001b[2J","namespace":["x"]}}`), []string{`item 1 (Pod "a\x1b[2J")`}},
		"control characters in kinds":     {`{"apiVersion":"v1","kind":"A\u001b\nB"}`, []string{`1 of kind "A\x1b\nB"`}},
		"lists nested":                    {strings.Repeat(`{"kind":"List","apiVersion":"v1","items":[`, 9) + strings.Repeat("]}", 9), []string{"nested too deeply"}},
		"deep JSON":                       {`{"kind":"List","items":[` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "]}", []string{"not valid JSON", "max depth"}},
		"deep JSON objects":               {strings.Repeat(`{"a":`, 100_000), []string{"not valid JSON", "max depth"}},
		"deep arrays at the top":          {strings.Repeat("[", 100_000), []string{"not valid JSON", "max depth"}},
		"deep YAML":                       {"a: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), []string{"YAML document 1", "not valid YAML", "depth"}},
		"deep YAML blocks":                {strings.Repeat("- ", 100_000) + "a", []string{"not valid YAML", "depth"}},
		"YAML that is not":                {"a: b: c\n", []string{"YAML document 1", "not valid YAML"}},
		"a broken second document":        {"kind: Node\napiVersion: v1\nmetadata: {name: a}\n---\na: [\n", []string{"YAML document 2"}},
		"a billion laughs":                {billion(), []string{"YAML document 1", "alias"}},
		"one long string often":           {"a: &a " + strings.Repeat("x", 10_000) + "\nb: [" + strings.Repeat("*a,", 10_000) + "]\n", []string{"aliases"}},
		"documents behind a break that only YAML knows": {"kind: Node\u2028---\nkind: Pod\n", []string{"unusual line ends"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(context.Background(), Stdin, strings.NewReader(c.in), snapshot.Scope{})
			if err == nil || s != nil {
				t.Fatalf("got snapshot %v and error %v; want an error alone", s, err)
			}
			msg := err.Error()
			if !strings.HasPrefix(msg, "read capture from standard input: ") || strings.Contains(msg, "\n") || len(msg) > 600 {
				t.Errorf("not one clear line: %q", msg)
			}
			for _, part := range c.want {
				if !strings.Contains(msg, part) {
					t.Errorf("%q is not in %q", part, msg)
				}
			}
		})
	}
}

// Long YAML lists are read in pieces, and nothing bad may slip between them.
func TestBadLongYAML(t *testing.T) {
	defer func(n int64) { maxWhole = n }(maxWhole)
	maxWhole = 40
	const head = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: a\n"
	if s := readString(t, head+"kind: List\n", snapshot.Scope{}); len(s.Nodes) != 1 {
		t.Fatalf("got %d nodes from the good one", len(s.Nodes))
	}
	for name, c := range map[string]struct {
		in   string
		want string
	}{
		"cut inside an item":             {head + "- kind: Pod\n  metadata:\n    name: \"a", "item 2: not valid YAML"},
		"an item that is no mapping":     {head + "- 7\nkind: List\n", "item 2"},
		"a key twice in an item":         {head + "  kind: Pod\nkind: List\n", "already set"},
		"a key twice in the list":        {head + "apiVersion: v2\nkind: List\n", "twice"},
		"items twice":                    {head + "kind: List\nitems:\n- {}\n", "twice"},
		"items twice, the second inline": {head + "kind: List\nitems: []\n", "twice"},
		"an alias to another item":       {head + "  x: &x {}\n- kind: *x\nkind: List\n", "unknown anchor"},
		"an alias bomb in an item":       {head + "- a: &a " + strings.Repeat("x", 10_000) + "\n  b: [" + strings.Repeat("*a,", 10_000) + "]\nkind: List\n", "aliases"},
		"quotes over a dash":             {head + "- kind: \"A\n- B\"\nkind: List\n", "not valid YAML"},
		"a tail that is no mapping":      {head + "nonsense\n", "no Kubernetes object"},
		"an unusual separator":           {head + "- kind: A\r---\nkind: List\n", "unusual line ends"},
		"no kind":                        {"apiVersion: v1\nitems:\n- metadata:\n    name: some name that is long\n", "neither the items nor their list have a kind"},
		"a kind that is no list":         {"apiVersion: v1\nitems:\n- metadata:\n    name: some name that is long\nkind: Pod\n", "neither the items nor their list have a kind"},
		"something else that has items":  {"apiVersion: v1\nkind: Quiz\nitems:\n- metadata:\n    name: some name that is long\n", "item 1 has no kind"},
		"an item of the wrong type":      {head + "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p\n  spec: 7\nkind: List\n", "item 2 (Pod p)"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(context.Background(), Stdin, strings.NewReader(c.in), snapshot.Scope{})
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, %v; want %q", s, err, c.want)
			}
		})
	}
}

func TestAliasesWithinBoundsAreRead(t *testing.T) {
	s := readString(t, "apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n  labels: &l {x: z}\n  annotations: *l\n", snapshot.Scope{})
	if s.Nodes[0].Annotations["x"] != "z" {
		t.Errorf("annotations are %v", s.Nodes[0].Annotations)
	}
}

func TestBadPaths(t *testing.T) {
	dir := t.TempDir()
	// Root may read what nobody else may, but not a link that leads to itself.
	if err := os.Symlink("loop.json", filepath.Join(dir, "loop.json")); err != nil {
		t.Fatal(err)
	}
	write1(t, filepath.Join(dir, "logs", "x.txt"), "a log")
	write1(t, filepath.Join(dir, "other", "services.json"), list("ServiceList"))
	for name, c := range map[string]struct{ path, want string }{
		"a file that is not there":         {filepath.Join(dir, "nope.json"), "file does not exist"},
		"a file that cannot be opened":     {filepath.Join(dir, "loop.json"), "loop.json: "},
		"a folder without captures":        {filepath.Join(dir, "logs"), "cluster-info dump --all-namespaces --output-directory"},
		"a folder with nothing of use":     {filepath.Join(dir, "other"), "no objects"},
		"standard input that is not there": {Stdin, "no standard input"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(context.Background(), c.path, nil, snapshot.Scope{})
			if err == nil || s != nil {
				t.Fatalf("got %v, %v; want an error alone", s, err)
			}
			if msg := err.Error(); !strings.Contains(msg, c.want) || strings.Count(msg, c.path) > 2 || strings.Contains(msg, "\n") {
				t.Errorf("got %q, want %q in it", msg, c.want)
			}
		})
	}
}

// brokenReader fails as a network file system does.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("stale handle") }

func TestReadErrorsAreReported(t *testing.T) {
	for name, in := range map[string]io.Reader{
		"at once":      brokenReader{},
		"inside JSON":  io.MultiReader(strings.NewReader(list("List", nodeA)[:100]+strings.Repeat(" ", 100_000)), brokenReader{}),
		"between JSON": io.MultiReader(strings.NewReader(list("List", nodeA)+strings.Repeat(" ", 100_000)), brokenReader{}),
		"inside YAML":  io.MultiReader(strings.NewReader("a: b\n"+strings.Repeat("# x\n", 100_000)), brokenReader{}),
		"inside gzip":  io.MultiReader(strings.NewReader(gz(list("List", everything...))[:100]), brokenReader{}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(context.Background(), Stdin, in, snapshot.Scope{})
			if err == nil || !strings.Contains(err.Error(), "stale handle") {
				t.Errorf("got %v, want the error of the reader", err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := Read(ctx, Stdin, strings.NewReader(list("List", everything...)), snapshot.Scope{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
	t.Run("in the middle of a stream without end", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		item := []byte(podX)
		g := &generated{n: 1 << 40, item: func(i int) []byte {
			if i == 1000 {
				cancel()
			}
			return item
		}}
		_, err := Read(ctx, Stdin, g, snapshot.Scope{})
		if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "truncated") {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
	t.Run("while standard input says nothing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		pr, pw := io.Pipe()
		defer func() { _ = pw.Close() }()
		go func() {
			_, _ = pw.Write([]byte(`{"kind":`)) // returns when it has been read
			cancel()
		}()
		_, err := Read(ctx, Stdin, pr, snapshot.Scope{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	})
}

func TestCancelBetweenItemsThatHadToWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := newCollector(ctx, snapshot.Scope{})
	d := &document{kind: "PodList"}
	if err := d.pending.add([]byte(bare(podX))); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := newStream(c, strings.NewReader(""), 0, 0).endList(d); !errors.Is(err, context.Canceled) || c.items != 0 {
		t.Errorf("got %v after %d items, want %v", err, c.items, context.Canceled)
	}
}
