package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var word = rapid.SampledFrom([]string{"a", "b", "node-1", "größe", "x\u202ey", "<&>", "quote\"", "esc\x1b[2J", "very-long-" + strings.Repeat("n", 60)})

var maybeWord = rapid.OneOf(rapid.Just(""), word)

var second = rapid.Map(rapid.Int64Range(1, 4e9), func(s int64) snapshot.Time { return snapshot.Time(s) })

var maybeSecond = rapid.OneOf(rapid.Just(snapshot.Time(0)), second)

var labelMap = rapid.MapOfN(word, maybeWord, 0, 4)

// A snapshot as a reader makes it: its strings come from objects, so that no
// two objects of one kind have one name.
func drawSnapshot(t *rapid.T) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		Source: snapshot.Source{
			Context: maybeWord.Draw(t, "context"), Server: "https://example.com:6443", ServerVersion: "v1.37.2",
			ClusterUID: types.UID(maybeWord.Draw(t, "cluster")), TakenAtInferred: rapid.Bool().Draw(t, "inferred"),
			TakenAt: time.Unix(int64(second.Draw(t, "taken")), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
		},
		AllPods: rapid.Bool().Draw(t, "allPods"),
	}
	in := &snapshot.Interner{}
	for i := range rapid.IntRange(0, 3).Draw(t, "nodes") {
		s.Nodes = append(s.Nodes, drawNode(t, i))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "daemonsets") {
		d := drawDaemonSet(t, i)
		s.DaemonSets = append(s.DaemonSets, d)
		s.Revisions = append(s.Revisions, revisionOf(d))
		if rapid.Bool().Draw(t, "namespace read") {
			s.Namespaces = append(s.Namespaces, snapshot.Namespace{
				Name: d.Namespace, Terminating: rapid.Bool().Draw(t, "terminating"),
				NodeSelector: maybeWord.Draw(t, "ns selector"), Enforce: maybeWord.Draw(t, "enforce"),
			})
		}
		if rapid.Bool().Draw(t, "held") {
			s.Leases = append(s.Leases, drawLease(t, d))
		}
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "pods") {
		s.Pods = append(s.Pods, drawPod(t, in, i))
	}
	for range rapid.IntRange(0, 3).Draw(t, "events") {
		s.Events = append(s.Events, snapshot.Event{
			Namespace: maybeWord.Draw(t, "ns"), Kind: maybeWord.Draw(t, "kind"), Name: maybeWord.Draw(t, "name"), UID: types.UID(maybeWord.Draw(t, "uid")),
			FieldPath: maybeWord.Draw(t, "path"), Reason: word.Draw(t, "reason"), Message: maybeWord.Draw(t, "message"),
			Count: rapid.Int32Range(1, 1<<31-1).Draw(t, "count"), Last: maybeSecond.Draw(t, "last"),
		})
	}
	for _, n := range rapid.SliceOfNDistinct(word, 0, 2, rapid.ID).Draw(t, "full") {
		if s.FullNodes == nil {
			s.FullNodes = map[string]bool{}
		}
		s.FullNodes[n] = true
	}
	drawFailures(t, s)
	s.Sort()
	return s
}

func drawLease(t *rapid.T, d *appsv1.DaemonSet) snapshot.Lease {
	l := snapshot.Lease{Namespace: d.Namespace, Name: snapshot.RolloutLease(d.Name), Gone: rapid.Bool().Draw(t, "no lease")}
	if !l.Gone {
		l.Holder, l.Renewed = maybeWord.Draw(t, "holder"), maybeSecond.Draw(t, "renewed")
		l.Duration = time.Duration(rapid.Int32Range(0, 1<<31-1).Draw(t, "duration")) * time.Second
	}
	return l
}

func drawFailures(t *rapid.T, s *snapshot.Snapshot) {
	count := map[string]int{
		snapshot.ResourceNodes: len(s.Nodes), snapshot.ResourceDaemonSets: len(s.DaemonSets), snapshot.ResourceRevisions: len(s.Revisions),
		snapshot.ResourcePods: len(s.Pods), snapshot.ResourceEvents: len(s.Events), snapshot.ResourceNamespaces: len(s.Namespaces),
	}
	for _, r := range resources {
		switch rapid.IntRange(0, 3).Draw(t, "failure") {
		case 0:
			if count[r.name] == 0 {
				s.Incomplete = append(s.Incomplete, snapshot.ReadFailure{Group: r.group, Resource: r.name, Error: "not in the capture", Absent: true})
			}
		case 1:
			s.Incomplete = append(s.Incomplete, snapshot.ReadFailure{
				Verb: "list", Group: r.group, Resource: r.name, Namespace: maybeWord.Draw(t, "ns"), Error: maybeWord.Draw(t, "error"),
				Forbidden: rapid.Bool().Draw(t, "forbidden"),
			})
		}
	}
}

func drawNode(t *rapid.T, i int) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: fmt.Sprintf("%s-%d", word.Draw(t, "node"), i), UID: types.UID(maybeWord.Draw(t, "uid")), Labels: labelMap.Draw(t, "labels"),
		CreationTimestamp: timeOf(maybeSecond.Draw(t, "created")),
	}}
	n.Spec.Unschedulable = rapid.Bool().Draw(t, "unschedulable")
	for range rapid.IntRange(0, 2).Draw(t, "taints") {
		taint := corev1.Taint{Key: word.Draw(t, "key"), Value: maybeWord.Draw(t, "value"), Effect: corev1.TaintEffectNoExecute}
		if at := maybeSecond.Draw(t, "added"); at != 0 {
			added := timeOf(at)
			taint.TimeAdded = &added
		}
		n.Spec.Taints = append(n.Spec.Taints, taint)
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Message: maybeWord.Draw(t, "message"),
		LastHeartbeatTime: timeOf(maybeSecond.Draw(t, "beat"))}}
	return n
}

func drawDaemonSet(t *rapid.T, i int) *appsv1.DaemonSet {
	c := corev1.Container{Name: "c", Args: []string{rapid.SampledFrom([]string{"", "-x", "--level=" + snapshot.Redacted, snapshot.Redacted + "-2"}).Draw(t, "arg")}}
	c.Env = []corev1.EnvVar{{Name: "A", Value: snapshot.Redacted}, {Name: "B", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}}}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprintf("ns-%d", i), Name: word.Draw(t, "ds"), UID: types.UID(fmt.Sprintf("ds-%d", i)), Labels: labelMap.Draw(t, "labels"),
			Annotations: map[string]string{appsv1.DeprecatedTemplateGeneration: "3"}, Generation: rapid.Int64().Draw(t, "generation"),
		},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labelMap.Draw(t, "selector")},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labelMap.Draw(t, "labels")}, Spec: corev1.PodSpec{Containers: []corev1.Container{c}}},
		},
	}
}

func revisionOf(d *appsv1.DaemonSet) *appsv1.ControllerRevision {
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-1", UID: "r-" + d.UID,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))},
		},
		Data:     runtime.RawExtension{Raw: []byte(`{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null},"spec":{"containers":[{"name":"c\u003c"}],"priority":2000001000}}}}`)},
		Revision: d.Generation,
	}
}

func drawPod(t *rapid.T, in *snapshot.Interner, i int) snapshot.Pod {
	p := snapshot.Pod{
		Namespace: word.Draw(t, "ns"), Name: fmt.Sprintf("%s-%d", word.Draw(t, "pod"), i), UID: types.UID(maybeWord.Draw(t, "uid")),
		ResourceVersion: maybeWord.Draw(t, "rv"), Node: maybeWord.Draw(t, "node"), Target: maybeWord.Draw(t, "target"), Nominated: maybeWord.Draw(t, "nominated"),
		Labels: labelMap.Draw(t, "labels"), Phase: rapid.SampledFrom([]corev1.PodPhase{"", corev1.PodPending, corev1.PodRunning, corev1.PodFailed}).Draw(t, "phase"),
		Ready: rapid.Bool().Draw(t, "ready"), ReadySince: maybeSecond.Draw(t, "since"), Created: maybeSecond.Draw(t, "created"),
		Deleted: maybeSecond.Draw(t, "deleted"), Restarts: rapid.Int32Range(0, 1<<31-1).Draw(t, "restarts"), Priority: rapid.Int32().Draw(t, "priority"),
		Requests: &snapshot.Requests{
			MilliCPU: rapid.Int64Range(0, 1e9).Draw(t, "cpu"), Memory: rapid.Int64Range(0, 1<<50).Draw(t, "memory"),
			EphemeralStorage: rapid.Int64Range(0, 1<<50).Draw(t, "storage"),
		},
	}
	for _, name := range []corev1.ResourceName{"example.com/gpu", "hugepages-2Mi"} {
		if rapid.Bool().Draw(t, string(name)) {
			p.Requests.Extended = append(p.Requests.Extended, snapshot.Extended{Name: name, Value: rapid.Int64Range(0, 1<<62).Draw(t, "value")})
		}
	}
	if rapid.Bool().Draw(t, "owned") {
		p.Owner = &snapshot.Owner{Kind: maybeWord.Draw(t, "kind"), Name: maybeWord.Draw(t, "name"), UID: types.UID(maybeWord.Draw(t, "uid"))}
	}
	var ports []snapshot.HostPort
	for range rapid.IntRange(0, 2).Draw(t, "ports") {
		ports = append(ports, snapshot.HostPort{IP: rapid.SampledFrom([]string{"", "127.0.0.1", "::"}).Draw(t, "ip"),
			Protocol: rapid.SampledFrom([]corev1.Protocol{"TCP", "UDP", "SCTP"}).Draw(t, "protocol"), Port: rapid.Int32Range(1, 65535).Draw(t, "port")})
	}
	if ports != nil {
		p.HostPorts = &ports
	}
	if !p.Well() && rapid.Bool().Draw(t, "full") {
		full := minimalPod(&p)
		full.TypeMeta, full.Annotations = metav1.TypeMeta{}, nil
		full.Spec.SchedulerName = maybeWord.Draw(t, "scheduler")
		full.Status.Message = maybeWord.Draw(t, "message")
		return in.Pod(asSent(t, full))
	}
	return p
}

// asSent is p as an API server sends it: with its quantities in their
// canonical form.
func asSent(t *rapid.T, p *corev1.Pod) *corev1.Pod {
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out := &corev1.Pod{}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	if b, err = json.Marshal(out); err != nil {
		t.Fatal(err)
	}
	out = &corev1.Pod{}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		var b bytes.Buffer
		opts := Options{Gzip: rapid.Bool().Draw(t, "gzip")}
		if err := Write(&b, s, opts); err != nil {
			t.Fatalf("Write: %v", err)
		}
		got, err := Read(context.Background(), Stdin, bytes.NewReader(b.Bytes()), snapshot.Scope{})
		if err != nil {
			t.Fatalf("Read: %v\n%s", err, b.Bytes())
		}
		want := *s
		want.Source.From = Stdin
		if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("Read(Write(s)) is not s (-want +got):\n%s", diff)
		}
		var again bytes.Buffer
		if err := Write(&again, got, opts); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatalf("Write(Read(Write(s))) differs from Write(s): %v\n%s", err, cmp.Diff(b.String(), again.String()))
		}
	})
}

func TestOrderDoesNotMatterToWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		var sorted, shuffled bytes.Buffer
		if err := Write(&sorted, s, Options{}); err != nil {
			t.Fatal(err)
		}
		mixed := *s
		mixed.Nodes = rapid.Permutation(s.Nodes).Draw(t, "nodes")
		mixed.DaemonSets = rapid.Permutation(s.DaemonSets).Draw(t, "daemonsets")
		mixed.Pods = rapid.Permutation(s.Pods).Draw(t, "pods")
		mixed.Events = rapid.Permutation(s.Events).Draw(t, "events")
		mixed.Incomplete = rapid.Permutation(s.Incomplete).Draw(t, "incomplete")
		before := slices.Clone(mixed.Pods)
		if err := Write(&shuffled, &mixed, Options{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sorted.Bytes(), shuffled.Bytes()) {
			t.Fatalf("the order of the snapshot shows:\n%s\n%s", sorted.Bytes(), shuffled.Bytes())
		}
		if !cmp.Equal(before, mixed.Pods) {
			t.Fatal("Write has changed the snapshot")
		}
	})
}

func TestWellPodsLoseTheirObject(t *testing.T) {
	p := minimalPod(&snapshot.Pod{Namespace: "x", Name: "p", Phase: corev1.PodRunning, Ready: true, Restarts: 3})
	p.Annotations = nil
	p.TypeMeta = metav1.TypeMeta{}
	in := &snapshot.Interner{}
	s := &snapshot.Snapshot{Pods: []snapshot.Pod{in.FullPod(p)}}
	var b bytes.Buffer
	if err := Write(&b, s, Options{}); err != nil {
		t.Fatal(err)
	}
	got := readString(t, b.String(), snapshot.Scope{})
	if want := []snapshot.Pod{in.Pod(p)}; !cmp.Equal(want, got.Pods) || got.Pods[0].Full != nil {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got.Pods))
	}
}

func TestCaptureIsAListThatBeginsWithTheHeader(t *testing.T) {
	s := &snapshot.Snapshot{Nodes: []*corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}},
		Source:  snapshot.Source{Context: "prod", TakenAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		AllPods: true, Incomplete: []snapshot.ReadFailure{{Resource: "events", Error: "not in the capture", Absent: true}}}
	var b bytes.Buffer
	if err := Write(&b, s, Options{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	want := []string{
		`{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":""},"items":[`,
		`{"kind":"Capture","apiVersion":"kubectl-ds.github.io/v1alpha1","metadata":{"name":"capture"},"source":{"context":"prod","takenAt":"2026-01-02T03:04:05Z"},` +
			`"read":["nodes","daemonsets","controllerrevisions","pods","namespaces"],"incomplete":[{"resource":"events","error":"not in the capture","absent":true}],"allPods":true},`,
	}
	if diff := cmp.Diff(want, lines[:2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(lines) != 5 || lines[3] != "]}" {
		t.Errorf("want one line an object, got %q", lines)
	}
}

// fullDisk takes some bytes and no more.
type fullDisk struct{ room int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

func TestWriteErrorsAreReported(t *testing.T) {
	s := readString(t, list("List", everything...), snapshot.Scope{})
	for _, opts := range []Options{{}, {Gzip: true}} {
		for _, room := range []int{0, 20} {
			if err := Write(&fullDisk{room}, s, opts); !errors.Is(err, errFull) {
				t.Errorf("room %d, gzip %v: got %v, want %v", room, opts.Gzip, err, errFull)
			}
		}
	}
}
