package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// largeBytes is how much the tests of this file read where nothing stops them
// before. KUBECTL_DS_LARGE_BYTES sets it, to a gigabyte or more.
var largeBytes int64 = 24 << 20

func init() {
	if n, err := strconv.ParseInt(os.Getenv("KUBECTL_DS_LARGE_BYTES"), 10, 64); err == nil {
		largeBytes = n
	}
}

// endless is a prefix and then one piece for ever.
func endless(prefix, piece string) io.Reader {
	return io.MultiReader(strings.NewReader(prefix), &repeat{piece: bytes.Repeat([]byte(piece), 1+4096/len(piece))})
}

type repeat struct {
	piece []byte
	n     int64
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.piece[r.n%int64(len(r.piece)):])
	r.n += int64(n)
	return n, nil
}

func TestEndlessInputIsStopped(t *testing.T) {
	defer func(item, yaml, pending, whole int64) {
		maxItem, maxYAML, maxPending, maxWhole = item, yaml, pending, whole
	}(maxItem, maxYAML, maxPending, maxWhole)
	maxItem, maxYAML, maxPending, maxWhole = 1<<20, 2<<20, 2<<20, 1<<18
	for name, c := range map[string]struct {
		in   io.Reader
		want string
	}{
		"white space at the start":  {endless("", " "), "more than 1 MiB of white space"},
		"lines at the start":        {endless("", "\n"), "more than 1 MiB of white space"},
		"white space in a document": {endless(`{"kind":`, " "), "larger than 1 MiB"},
		"white space between items": {endless(`{"kind":"List","items":[`+nodeA, " "), "larger than 1 MiB"},
		"white space at the end":    {endless(nodeA, "\n"), "larger than 1 MiB"},
		"a string in an item":       {endless(`{"kind":"List","items":[{"a":"`, "x"), "larger than 1 MiB"},
		"a key":                     {endless(`{"`, "x"), "larger than 1 MiB"},
		"a kind":                    {endless(`{"kind":"`, "x"), "larger than 1 MiB"},
		"a number":                  {endless(`{"kind":"List","items":[{"a":1`, "0"), "larger than 1 MiB"},
		"an object":                 {endless(`{"kind":"List","items":[{"a":[0`, ",0"), "larger than 1 MiB"},
		"fields beside the items":   {&fields{}, "larger than 1 MiB"},
		"items of a kind not known": {endless(`{"items":[{}`, `,{"metadata":{"name":"a"}}`), "more than 2 MiB of items come before the kind"},
		"a YAML document":           {endless("", "- a\n"), "larger than 2 MiB, too large to be parsed; make the capture with -o json"},
		"an item of a YAML list":    {endless("items:\n- a:\n", "    - a\n"), "a part of it is larger than 1 MiB"},
		"a line of a YAML list":     {endless("items:\n- a: ", "x"), "a part of it is larger than 1 MiB"},
		"the fields of a YAML list": {endless("items:\n- a: b\nb:\n", " - a\n"), "a part of it is larger than 1 MiB"},
		"a YAML line":               {endless("a: ", "x"), "larger than 2 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(context.Background(), Stdin, c.in, snapshot.Scope{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// fields is an object with ever more fields.
type fields struct {
	bytes.Buffer
	n int
}

func (f *fields) Read(p []byte) (int, error) {
	if f.n == 0 {
		f.WriteString("{")
	}
	for f.Len() < 4096 {
		f.n++
		_, _ = fmt.Fprintf(f, `"field-%d":"value",`, f.n) // a Buffer never fails
	}
	return f.Buffer.Read(p)
}

func TestGzipBombIsStopped(t *testing.T) {
	defer func(n int64) { maxSparse = n }(maxSparse)
	maxSparse = 1 << 20
	for name, in := range map[string]string{
		"white space":   gz(strings.Repeat(" ", 4<<20)),
		"items":         gz(`{"kind":"List","items":[` + strings.Repeat(`{"kind":"A"},`, 1<<18) + `{}]}`),
		"YAML comments": gz(strings.Repeat("#\n", 2<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(context.Background(), Stdin, strings.NewReader(in), snapshot.Scope{})
			if err == nil || !strings.Contains(err.Error(), "gzip expands") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("a real capture is not taken for one", func(t *testing.T) {
		item := fatPod(t, true)
		plain, err := io.ReadAll(&generated{item: item, n: 800})
		if err != nil {
			t.Fatal(err)
		}
		packed := gz(string(plain))
		s, err := Read(context.Background(), Stdin, strings.NewReader(packed), snapshot.Scope{})
		if err != nil || len(s.Pods) != 800 {
			t.Fatalf("got %v; %d bytes of %d, which is 1:%d", err, len(packed), len(plain), len(plain)/len(packed))
		}
		t.Logf("pods that differ in nothing but their names pack 1:%d", len(plain)/len(packed))
	})
}

// The memory that a capture needs is that of its compact records: the garbage
// of decoding is bounded by one item, whatever the capture's size.
func TestLargeCaptureNeedsLittleMemory(t *testing.T) {
	item := fatPod(t, true)
	pods := int(largeBytes / int64(len(item(0))))
	readString(t, podX, snapshot.Scope{}) // what is made once is not counted
	before := heap()
	s, err := Read(context.Background(), Stdin, &generated{item: item, n: pods}, snapshot.Scope{})
	if err != nil || len(s.Pods) != pods {
		t.Fatalf("got %v and not %d pods", err, pods)
	}
	per := retained(before, s) / int64(pods)
	t.Logf("%d pods of %d bytes: %d bytes each are kept", pods, len(item(0)), per)
	if per > 800 {
		t.Errorf("a healthy pod keeps %d bytes, want a few hundred", per)
	}
}

func TestLargeYAMLNeedsLittleMemory(t *testing.T) {
	item, err := yaml.JSONToYAML(fatPod(t, false)(1))
	if err != nil {
		t.Fatal(err)
	}
	one := yamlItems([]string{string(item)})[len("items:\n"):]
	pods := int(largeBytes / 4 / int64(len(one)))
	before := heap()
	peak := before
	in := &pieces{head: "apiVersion: v1\nitems:\n", tail: "kind: List\n", n: pods, piece: func(i int) string {
		if i == pods-1 {
			peak = heap()
		}
		return strings.ReplaceAll(one, "000001", fmt.Sprintf("%06d", i))
	}}
	s, err := Read(context.Background(), Stdin, in, snapshot.Scope{})
	if err != nil || len(s.Pods) != pods {
		t.Fatalf("got %v and not %d pods", err, pods)
	}
	t.Logf("%d MiB of YAML: the heap grew by %d KiB", int64(pods*len(one))>>20, int64(peak-before)>>10)
	if grown := int64(peak) - int64(before); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MiB before the end", grown>>20)
	}
}

// pieces is a text made while it is read.
type pieces struct {
	head, tail string
	piece      func(int) string
	n, i       int
	buf        bytes.Buffer
}

func (p *pieces) Read(b []byte) (int, error) {
	for p.buf.Len() == 0 {
		switch {
		case p.i == 0 && p.head != "":
			p.buf.WriteString(p.head)
			p.head = ""
			continue
		case p.i < p.n:
			p.buf.WriteString(p.piece(p.i))
		case p.i == p.n:
			p.buf.WriteString(p.tail)
		default:
			return 0, io.EOF
		}
		p.i++
	}
	return p.buf.Read(b)
}

func TestLargeCaptureOfOtherKinds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	one := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"` + strings.Repeat("x", 100_000) + `"}}`)
	before := heap()
	s, err := Read(context.Background(), Stdin, io.MultiReader(strings.NewReader(nodeA),
		&generated{item: func(int) []byte { return one }, n: int(largeBytes / int64(len(one)))}), snapshot.Scope{})
	if err != nil || len(s.Nodes) != 1 {
		t.Fatal(err)
	}
	if kept := retained(before, s); kept > 1<<20 {
		t.Errorf("%d bytes are kept of objects that nobody wants", kept)
	}
}
