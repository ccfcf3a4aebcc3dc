package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const (
	nodeA = `{"apiVersion":"v1","kind":"Node","metadata":{"name":"a","uid":"na","creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[{"manager":"kubelet"}]},
		"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2026-01-01T10:00:00Z"}],"images":[{"names":["big"]}]}}`
	dsX = `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"namespace":"x","name":"d","uid":"dx","labels":{"team":"red"}},
		"spec":{"selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},"spec":{"containers":[{"name":"c"}]}}}}`
	dsY  = `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"namespace":"y","name":"d","uid":"dy"},"spec":{"selector":{},"template":{"spec":{"containers":null}}}}`
	revX = `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"namespace":"x","name":"d-1","uid":"rx","ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"d","uid":"dx","controller":true}]},
		"data":{"spec": {"template": {"b": "<1>", "a": 12345678901234567}}},"revision":3}`
	revY   = `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"namespace":"y","name":"d-1","uid":"ry","ownerReferences":[{"kind":"DaemonSet","name":"d","uid":"dy","controller":true}]},"revision":1}`
	revSts = `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"namespace":"x","name":"s-1","uid":"rs","ownerReferences":[{"kind":"StatefulSet","name":"s","uid":"sx","controller":true}]},"revision":1}`
	podX   = `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"x","name":"d-a","uid":"px","ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"d","uid":"dx","controller":true}]},
		"spec":{"nodeName":"a","containers":[{"name":"c","resources":{"requests":{"cpu":"100m"}}}]},
		"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T09:00:00Z"}],"containerStatuses":[{"name":"c","restartCount":2}]}}`
	podY    = `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"y","name":"d-a","uid":"py"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Pending"}}`
	eventX  = `{"apiVersion":"v1","kind":"Event","metadata":{"namespace":"x","name":"e1"},"involvedObject":{"kind":"Pod","namespace":"x","name":"d-a","uid":"px"},"type":"Warning","reason":"BackOff","message":"m","count":4,"lastTimestamp":"2026-01-01T11:00:00Z"}`
	eventOK = `{"apiVersion":"v1","kind":"Event","metadata":{"namespace":"x","name":"e2"},"involvedObject":{"kind":"Pod"},"type":"Normal","reason":"Pulled"}`
	nsX     = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x","uid":"nx"},"status":{"phase":"Terminating"}}`
	nsY     = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"y","uid":"ny"}}`
	nsSys   = `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"cluster"}}`
	other   = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"x","name":"cm"},"data":{"items":"1"}}`
)

var everything = []string{nodeA, dsX, dsY, revX, revY, revSts, podX, podY, eventX, eventOK, nsX, nsY, nsSys, other}

func list(kind string, items ...string) string {
	return `{"apiVersion":"v1","kind":"` + kind + `","metadata":{"resourceVersion":""},"items":[` + strings.Join(items, ",") + `]}`
}

func readString(t *testing.T, in string, scope snapshot.Scope) *snapshot.Snapshot {
	t.Helper()
	s, err := Read(context.Background(), Stdin, strings.NewReader(in), scope)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return s
}

func TestOneCaptureInEveryForm(t *testing.T) {
	want := readString(t, list("List", everything...), snapshot.Scope{})
	if len(want.Nodes) != 1 || len(want.DaemonSets) != 2 || len(want.Revisions) != 2 || len(want.Pods) != 2 ||
		len(want.Events) != 1 || len(want.Namespaces) != 2 || len(want.Incomplete) != 0 {
		t.Fatalf("got %d nodes, %d daemonsets, %d revisions, %d pods, %d events, %d namespaces, incomplete %v", len(want.Nodes),
			len(want.DaemonSets), len(want.Revisions), len(want.Pods), len(want.Events), len(want.Namespaces), want.Incomplete)
	}
	var yamls []string
	typed := "apiVersion: v1\n" + yamlItems([]string{"metadata: {name: a}\nspec: {}\n"}) + "kind: NodeList\n"
	if s := readString(t, typed, snapshot.Scope{}); len(s.Nodes) != 1 {
		t.Errorf("a typed YAML list gives %d nodes", len(s.Nodes))
	}
	for _, o := range everything {
		y, err := yaml.JSONToYAML([]byte(o))
		if err != nil {
			t.Fatal(err)
		}
		yamls = append(yamls, string(y))
	}
	// What jq -S and many tools make of a list: items before kind.
	var generic any
	dec := json.NewDecoder(strings.NewReader(list("List", everything...)))
	dec.UseNumber()
	if err := dec.Decode(&generic); err != nil {
		t.Fatal(err)
	}
	indented, _ := json.MarshalIndent(generic, "", "    ")
	asYAML, _ := yaml.JSONToYAML([]byte(list("List", everything...)))

	forms := map[string]string{
		"several lists, one after another":        list("List", everything[:5]...) + "\n" + list("List", everything[5:]...),
		"objects one after another":               strings.Join(everything, "\n"),
		"a bare array":                            "[" + strings.Join(everything, ",") + "]",
		"a list in a list":                        list("List", list("List", everything...)),
		"keys in order, indented":                 string(indented),
		"a YAML list":                             string(asYAML),
		"a YAML list with its kind first":         "apiVersion: v1\nkind: List\nmetadata: {}\n" + yamlItems(yamls),
		"YAML lists with comments between":        "# one\n" + strings.Replace(yamlItems(yamls), "\n- ", "\n# two\n\n- ", 3) + "# three\nkind: List\n",
		"YAML documents":                          "# a comment\n---\n" + strings.Join(yamls, "---\n"),
		"YAML documents with ends and directives": "%YAML 1.1\n---\n" + strings.Join(yamls, "...\n---   # next\n"),
		"YAML documents with ends and no dashes":  strings.Join(yamls, "...\n"),
		"YAML with JSON documents in it":          "--- " + strings.ReplaceAll(strings.Join(everything, "\n---\n"), "\t", " "),
		"YAML with line ends of Windows":          strings.ReplaceAll(strings.Join(yamls, "---\n"), "\n", "\r\n"),
		"a byte order mark":                       "\ufeff" + list("List", everything...),
		"a byte order mark before YAML":           "\ufeff" + strings.Join(yamls, "---\n"),
		"leading white space":                     "\n \n" + list("List", everything...),
		"the same capture twice":                  list("List", everything...) + list("List", everything...),
		"lists by kind, items without kind": list("NodeList", bare(nodeA)) + strings.Replace(list("DaemonSetList", bare(dsX), bare(dsY)), `"v1"`, `"apps/v1"`, 1) +
			strings.Replace(list("ControllerRevisionList", bare(revX), bare(revY), bare(revSts)), `"v1"`, `"apps/v1"`, 1) +
			list("PodList", bare(podX), bare(podY)) + list("EventList", bare(eventX), bare(eventOK)) + list("NamespaceList", bare(nsX), bare(nsY), bare(nsSys)),
		"lists by kind, kind after the items": `{"items":[` + bare(nodeA) + `],"kind":"NodeList"}{"items":[` + bare(dsX) + `,` + bare(dsY) + `],"kind":"DaemonSetList","apiVersion":"apps/v1"}` +
			`{"apiVersion":"apps/v1","items":[` + bare(revX) + `,` + bare(revY) + `,` + bare(revSts) + `],"kind":"ControllerRevisionList"}` +
			`{"items":[` + bare(podX) + `,` + bare(podY) + `],"kind":"PodList"}{"items":[` + bare(eventX) + `],"kind":"EventList"}{"items":[` + bare(nsX) + `,` + bare(nsY) + `,` + bare(nsSys) + `],"kind":"NamespaceList"}`,
	}
	for name, in := range forms {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, readString(t, in, snapshot.Scope{})); diff != "" {
				t.Errorf("differs from the plain list (-want +got):\n%s", diff)
			}
		})
		t.Run(name+", with YAML in pieces", func(t *testing.T) {
			defer func(n int64) { maxWhole = n }(maxWhole)
			maxWhole = 30
			if diff := cmp.Diff(want, readString(t, in, snapshot.Scope{})); diff != "" {
				t.Errorf("differs from the plain list (-want +got):\n%s", diff)
			}
		})
		t.Run(name+", gzipped", func(t *testing.T) {
			var b bytes.Buffer
			zw := gzip.NewWriter(&b)
			_, _ = zw.Write([]byte(in))
			_ = zw.Close()
			if diff := cmp.Diff(want, readString(t, b.String(), snapshot.Scope{})); diff != "" {
				t.Errorf("differs from the plain list (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "capture.json")
		write1(t, path, list("List", everything...))
		s, err := Read(context.Background(), path, nil, snapshot.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Source.From != path {
			t.Errorf("From is %q, want the path", s.Source.From)
		}
		s.Source.From = Stdin
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("differs from standard input (-want +got):\n%s", diff)
		}
	})
}

// yamlItems is the items of a list, its other fields to be added before or
// behind.
func yamlItems(docs []string) string {
	out := "items:\n"
	for _, d := range docs {
		out += "- " + strings.TrimSuffix(strings.ReplaceAll(d, "\n", "\n  "), "  ")
	}
	return out
}

// bare drops the kind, as typed lists have their items.
func bare(o string) string {
	_, rest, ok := strings.Cut(o, `"metadata"`)
	if !ok {
		panic("no metadata in " + o)
	}
	return `{"metadata"` + rest
}

func write1(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsKept(t *testing.T) {
	s := readString(t, list("List", everything...), snapshot.Scope{})
	if n := s.Nodes[0]; n.Kind != "" || n.ManagedFields != nil || n.Status.Images != nil {
		t.Errorf("the node is not trimmed: kind %q, managed fields %v, images %v", n.Kind, n.ManagedFields, n.Status.Images)
	}
	well, unwell := s.Pods[0], s.Pods[1]
	if well.Full != nil || well.Owner.Name != "d" || well.Restarts != 2 || well.Requests.MilliCPU != 100 || well.Node != "a" {
		t.Errorf("the healthy pod is not compact: %+v", well)
	}
	if unwell.Full == nil {
		t.Error("the pending pod has lost its object")
	}
	if got, want := string(s.Revisions[0].Data.Raw), `{"spec":{"template":{"a":12345678901234567,"b":"\u003c1\u003e"}}}`; got != want {
		t.Errorf("revision data is %s, want it as the controller writes it: %s", got, want)
	}
	if !s.Namespaces[0].Terminating {
		t.Error("namespace x is terminating and not marked")
	}
	if s.Source.ClusterUID != "cluster" {
		t.Errorf("ClusterUID is %q, want that of kube-system", s.Source.ClusterUID)
	}
	if want := time.Date(2026, 1, 1, 11, 0, 0, 0, time.UTC); !s.Source.TakenAt.Equal(want) || !s.Source.TakenAtInferred {
		t.Errorf("TakenAt is %v, inferred %v; want the newest timestamp, %v", s.Source.TakenAt, s.Source.TakenAtInferred, want)
	}
}

func TestTimeOfACaptureThatDoesNotSay(t *testing.T) {
	const newest = "2026-03-04T05:06:07Z"
	for name, in := range map[string]string{
		"creation":               `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n","creationTimestamp":"T"}}`,
		"creation of a revision": strings.Replace(revX, `"uid":"rx"`, `"uid":"rx","creationTimestamp":"T"`, 1),
		"heartbeat":              `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"T"}]}}`,
		"transition":             `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"T"}]}}`,
		"taint":                  `{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"spec":{"taints":[{"key":"k","effect":"NoExecute","timeAdded":"T"}]}}`,
		"daemonset condition":    `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"n"},"status":{"conditions":[{"type":"X","status":"True","lastTransitionTime":"T"}]}}`,
		"pod start":              `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"},"status":{"startTime":"T"}}`,
		"pod condition":          `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"T"}]}}`,
		"container start":        `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"},"status":{"containerStatuses":[{"name":"c","state":{"running":{"startedAt":"T"}}}]}}`,
		"container end":          `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"},"status":{"initContainerStatuses":[{"name":"c","lastState":{"terminated":{"finishedAt":"T"}}}]}}`,
		"event":                  `{"apiVersion":"v1","kind":"Event","metadata":{"name":"n"},"lastTimestamp":"T"}`,
		"event time":             `{"apiVersion":"v1","kind":"Event","metadata":{"name":"n"},"eventTime":"T"}`,
		"series":                 `{"apiVersion":"v1","kind":"Event","metadata":{"name":"n"},"series":{"lastObservedTime":"T"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.Replace(in, `"T"`, `"`+newest+`"`, 1)
			in = strings.NewReplacer(`Time":"`+newest+`"}}`, `Time":"2026-03-04T05:06:07.000000Z"}}`, `eventTime":"`+newest, `eventTime":"2026-03-04T05:06:07.000000Z`).Replace(in)
			s := readString(t, list("List", everything...)+in+
				`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"goes","deletionTimestamp":"2030-01-01T00:00:00Z"}}`, snapshot.Scope{})
			if got := s.Source.TakenAt.Format(time.RFC3339); got != newest || !s.Source.TakenAtInferred {
				t.Errorf("TakenAt is %s, inferred %v; want %s", got, s.Source.TakenAtInferred, newest)
			}
		})
	}
}

func TestScope(t *testing.T) {
	red, err := labels.Parse("team=red")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		scope      snapshot.Scope
		daemonSets int
		revisions  int
		namespaces int
	}{
		"all namespaces":            {snapshot.Scope{}, 2, 2, 2},
		"one namespace":             {snapshot.Scope{Namespace: "y"}, 1, 1, 1},
		"by selector":               {snapshot.Scope{Selector: red}, 1, 1, 1},
		"a name that is not there":  {snapshot.Scope{Namespace: "y", Names: []string{"nope"}}, 0, 0, 1},
		"a namespace without a set": {snapshot.Scope{Namespace: "kube-system"}, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := readString(t, list("List", everything...), c.scope)
			if len(s.DaemonSets) != c.daemonSets || len(s.Revisions) != c.revisions || len(s.Namespaces) != c.namespaces {
				t.Errorf("got %d daemonsets, %d revisions, %d namespaces; want %d, %d, %d", len(s.DaemonSets), len(s.Revisions),
					len(s.Namespaces), c.daemonSets, c.revisions, c.namespaces)
			}
			if len(s.Pods) != 2 || len(s.Nodes) != 1 {
				t.Errorf("got %d pods and %d nodes; the scope must not touch them", len(s.Pods), len(s.Nodes))
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	absent := func(s *snapshot.Snapshot) string {
		var out []string
		for _, f := range s.Incomplete {
			if f.Absent {
				out = append(out, f.Resource)
			}
		}
		return strings.Join(out, " ")
	}
	for name, c := range map[string]struct{ in, want string }{
		"a capture of all kinds lacks nothing":            {list("List", everything...), ""},
		"only a DaemonSet":                                {dsX, "controllerrevisions events namespaces nodes pods"},
		"an empty list of a kind was read":                {dsX + list("PodList") + list("EventList"), "controllerrevisions namespaces nodes"},
		"a null list of a kind was read":                  {dsX + `{"apiVersion":"v1","kind":"PodList","items":null}`, "controllerrevisions events namespaces nodes"},
		"the header says what was read":                   {list("List", `{"apiVersion":"kubectl-ds.github.io/v1alpha1","kind":"Capture","read":["nodes","pods","daemonsets","namespaces"]}`), "controllerrevisions events"},
		"the header alone, about an empty world":          {`{"apiVersion":"kubectl-ds.github.io/v1alpha1","kind":"Capture","read":["nodes","pods","daemonsets","namespaces","events","controllerrevisions"]}`, ""},
		"the header says what is absent in its own words": {list("List", nodeA, `{"apiVersion":"kubectl-ds.github.io/v1alpha1","kind":"Capture","read":["pods","daemonsets","namespaces","events"],"incomplete":[{"resource":"controllerrevisions","absent":true,"error":"nobody asked"}]}`), "controllerrevisions"},
		"other kinds do not matter":                       {dsX + other + `{"apiVersion":"longhorn.io/v1beta2","kind":"Node","metadata":{"name":"n"}}`, "controllerrevisions events namespaces nodes pods"},
		"a Normal event shows that events were read":      {dsX + eventOK, "controllerrevisions namespaces nodes pods"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := absent(readString(t, c.in, snapshot.Scope{})); got != c.want {
				t.Errorf("absent are %q, want %q", got, c.want)
			}
		})
	}
	t.Run("one page of a list is not the list", func(t *testing.T) {
		s := readString(t, nodeA+`{"apiVersion":"v1","kind":"PodList","metadata":{"continue":"abc"},"items":[`+podX+`]}`, snapshot.Scope{})
		f, ok := s.Missing(snapshot.ResourcePods, "")
		if !ok || f.Absent || !strings.Contains(f.Error, "one page") || s.AllPods {
			t.Errorf("failure %+v (%v), AllPods %v; want pods incomplete", f, ok, s.AllPods)
		}
	})
}

func TestHeader(t *testing.T) {
	s := readString(t, list("List", everything[1:]...)+`{"apiVersion":"kubectl-ds.github.io/v1alpha1","kind":"Capture","metadata":{"name":"capture"},
		"source":{"context":"prod","server":"https://k","serverVersion":"v1.37.2","clusterUID":"u","takenAt":"2026-02-03T04:05:06.5Z"},
		"read":["nodes"],"incomplete":[{"verb":"list","resource":"pods","namespace":"z","error":"forbidden","forbidden":true}],"fullNodes":["a"],"allPods":false}`, snapshot.Scope{})
	want := snapshot.Source{Context: "prod", Server: "https://k", ServerVersion: "v1.37.2", ClusterUID: "u", From: Stdin,
		TakenAt: time.Date(2026, 2, 3, 4, 5, 6, 5e8, time.UTC)}
	if diff := cmp.Diff(want, s.Source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	failures := []snapshot.ReadFailure{{Verb: "list", Resource: "pods", Namespace: "z", Error: "forbidden", Forbidden: true}}
	if diff := cmp.Diff(failures, s.Incomplete); diff != "" {
		t.Errorf("incomplete (-want +got):\n%s", diff)
	}
	if s.AllPods || !s.PodsComplete("a") || s.PodsComplete("b") {
		t.Errorf("AllPods %v, FullNodes %v; want those of the header", s.AllPods, s.FullNodes)
	}
}

func TestAllPods(t *testing.T) {
	const says = `{"apiVersion":"kubectl-ds.github.io/v1alpha1","kind":"Capture","allPods":true}`
	for name, c := range map[string]struct {
		in    string
		scope snapshot.Scope
		want  bool
	}{
		"pods of two namespaces":                            {list("List", nodeA, podX, podY), snapshot.Scope{}, true},
		"pods of two namespaces, asked about one":           {list("List", nodeA, podX, podY), snapshot.Scope{Namespace: "x"}, true},
		"pods of one namespace, asked about all":            {list("List", nodeA, podX), snapshot.Scope{}, true},
		"pods of the one namespace asked about, with nodes": {list("List", nodeA, podX), snapshot.Scope{Namespace: "x"}, false},
		"the same, and the header says that it is all":      {list("List", nodeA, podX, says), snapshot.Scope{Namespace: "x"}, true},
		"pods of another namespace than asked about":        {list("List", nodeA, podY), snapshot.Scope{Namespace: "x"}, true},
		"no pods":                            {list("List", nodeA), snapshot.Scope{}, false},
		"a list of pods that is empty":       {nodeA + list("PodList"), snapshot.Scope{}, true},
		"the header says no":                 {list("List", nodeA, podX, podY, strings.Replace(says, "true", "false", 1)), snapshot.Scope{}, false},
		"a header that does not speak of it": {list("List", nodeA, podX, podY, strings.Replace(says, `,"allPods":true`, "", 1)), snapshot.Scope{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readString(t, c.in, c.scope).AllPods; got != c.want {
				t.Errorf("AllPods is %v, want %v", got, c.want)
			}
		})
	}
}

func TestDumpFolder(t *testing.T) {
	dir := t.TempDir()
	write1(t, filepath.Join(dir, "nodes.json"), list("NodeList", bare(nodeA)))
	for _, ns := range []string{"kube-system", "kube-public", "kube-node-lease", "x"} {
		for _, kind := range []string{"Pod", "Event", "Service"} {
			write1(t, filepath.Join(dir, ns, strings.ToLower(kind)+"s.json"), list(kind+"List"))
		}
		write1(t, filepath.Join(dir, ns, "daemonsets.json"), strings.Replace(list("DaemonSetList"), `"v1"`, `"apps/v1"`, 1))
	}
	write1(t, filepath.Join(dir, "x", "daemonsets.json"), strings.Replace(list("DaemonSetList", bare(dsX)), `"v1"`, `"apps/v1"`, 1))
	write1(t, filepath.Join(dir, "x", "pods.json"), list("PodList", bare(podX)))
	write1(t, filepath.Join(dir, "x", "d-a", "logs.txt"), "==== START logs")
	write1(t, filepath.Join(dir, "x", "d-a", "fake.json"), "not JSON, and too deep to be read")

	s, err := Read(context.Background(), dir, nil, snapshot.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Nodes) != 1 || len(s.DaemonSets) != 1 || len(s.Pods) != 1 || !s.AllPods {
		t.Errorf("got %d nodes, %d daemonsets, %d pods, AllPods %v; want 1, 1, 1, true", len(s.Nodes), len(s.DaemonSets), len(s.Pods), s.AllPods)
	}
	for resource, absent := range map[string]bool{"nodes": false, "daemonsets": false, "pods": false, "events": false, "controllerrevisions": true, "namespaces": true} {
		if _, got := s.Missing(resource, ""); got != absent {
			t.Errorf("%s missing is %v, want %v", resource, got, absent)
		}
	}

	t.Run("a dump of some namespaces does not hold all pods", func(t *testing.T) {
		if err := os.RemoveAll(filepath.Join(dir, "kube-node-lease")); err != nil {
			t.Fatal(err)
		}
		s, err := Read(context.Background(), dir, nil, snapshot.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		if s.AllPods {
			t.Error("AllPods is true")
		}
	})
	t.Run("a broken file is named", func(t *testing.T) {
		write1(t, filepath.Join(dir, "x", "events.json"), `{"kind":`)
		_, err := Read(context.Background(), dir, nil, snapshot.Scope{})
		if err == nil || !strings.Contains(err.Error(), filepath.Join("x", "events.json")) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSeriesEvents(t *testing.T) {
	s := readString(t, `{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"namespace":"x","name":"e"},"regarding":{"kind":"Pod","namespace":"x","name":"p","uid":"u","fieldPath":"spec.containers{c}"},
		"type":"Warning","reason":"Unhealthy","note":"probe failed","eventTime":"2026-01-01T00:00:00.000001Z","series":{"count":7,"lastObservedTime":"2026-01-01T01:00:00.000001Z"}}`, snapshot.Scope{})
	want := []snapshot.Event{{Namespace: "x", Kind: "Pod", Name: "p", UID: "u", FieldPath: "spec.containers{c}", Reason: "Unhealthy", Message: "probe failed",
		Count: 7, Last: snapshot.Time(time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC).Unix())}}
	if diff := cmp.Diff(want, s.Events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
