package kube

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func aLease() *Lease {
	return &Lease{
		Namespace: "monitoring", Name: "l", UID: "u", ResourceVersion: "3", Holder: "jane@host_1_x", Duration: 30 * time.Second,
		Renewed: born.Add(time.Microsecond), Epoch: 4, Run: []byte(`{"a":1}`), Intents: []byte(`{"b":2}`), Host: "h",
		Owner: &metav1.OwnerReference{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "agent", UID: "ds-uid"},
	}
}

func TestALeaseComesBackAsItWas(t *testing.T) {
	free := aLease()
	free.Holder, free.Host, free.Intents, free.Owner = "", "", []byte{}, nil
	for _, l := range []*Lease{aLease(), free} {
		obj, err := l.object()
		if err != nil {
			t.Fatal(err)
		}
		got, err := leaseOf(obj)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, got); diff != "" {
			t.Error(diff)
		}
	}
	if obj, err := free.object(); err != nil || obj.Spec.HolderIdentity != nil || len(obj.Annotations) != 1 {
		t.Errorf("a free one: %+v, %v", obj, err)
	}
}

func TestALeaseAsItIsSent(t *testing.T) {
	obj, err := aLease().object()
	if err != nil {
		t.Fatal(err)
	}
	obj.TypeMeta = metav1.TypeMeta{Kind: "Lease", APIVersion: "coordination.k8s.io/v1"}
	w, r := newWriter(t, false, func(w http.ResponseWriter, _ int) { answerJSON(w, http.StatusOK, obj) })
	out, err := w.UpdateLease(t.Context(), aLease())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(aLease(), out, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Error(diff)
	}
	if err := w.DeleteLease(t.Context(), aLease()); err != nil {
		t.Fatal(err)
	}
	const at = "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/l"
	want := []wrote{
		{"PUT " + at + "?fieldManager=kubectl-ds", runtime.ContentTypeProtobuf, string(mustJSON(t, obj))},
		{"DELETE " + at, runtime.ContentTypeProtobuf, `{"kind":"DeleteOptions","apiVersion":"coordination.k8s.io/v1","preconditions":{"uid":"u","resourceVersion":"3"}}`},
	}
	if diff := cmp.Diff(want, r.requests(), cmp.AllowUnexported(wrote{})); diff != "" {
		t.Error(diff)
	}
}

func TestALeaseThatIsNotThere(t *testing.T) {
	w, _ := newWriter(t, false, refuses(404, metav1.StatusReasonNotFound, 0, "no"))
	if l, err := w.Lease(t.Context(), "n", "l"); l != nil || err != nil {
		t.Errorf("%v, %v", l, err)
	}
	// A proxy's word is not the server's.
	w, _ = newWriter(t, false, func(w http.ResponseWriter, _ int) { http.Error(w, "404 page not found", http.StatusNotFound) })
	if l, err := w.Lease(t.Context(), "n", "l"); l != nil || err == nil {
		t.Errorf("%v, %v", l, err)
	}
}

// What somebody wrote into a Lease ends as an error that says so.
func TestALeaseThatWasEdited(t *testing.T) {
	good, err := PackRun([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]string{
		"nothing": "", "no base64": "!!", "no gzip": base64.StdEncoding.EncodeToString([]byte("plain")), "cut": good[:len(good)/2],
		"a bomb": bomb(t),
	} {
		obj := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "l", Annotations: map[string]string{rollout.RunAnnotation: run}}}
		var state *StateError
		if l, err := leaseOf(obj); !errors.As(err, &state) || l == nil || l.Run != nil {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	empty := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{rollout.RunAnnotation: good}}}
	if l, err := leaseOf(empty); err != nil || l.Holder != "" || l.Duration != 0 {
		t.Errorf("a spec of nothing: %+v, %v", l, err)
	}
}

// bomb unfolds to more than any run needs.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := make([]byte, 1<<20)
	for range maxRun>>20 + 1 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > rollout.MaxRunBytes {
		t.Fatalf("the bomb has %d bytes", b.Len())
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestPacking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.Byte()).Draw(t, "run")
		packed, err := PackRun(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := UnpackRun(packed)
		if err != nil || !bytes.Equal(in, out) {
			t.Fatalf("%v, %v", out, err)
		}
	})
}

func FuzzUnpackRun(f *testing.F) {
	good, err := PackRun([]byte(`{"a":1}`))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "!", good, good + good, good[:9]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := UnpackRun(s); err == nil && len(b) > maxRun {
			t.Errorf("%d bytes", len(b))
		}
	})
}

// A run over 5,000 nodes with names as clouds give them, all of them touched,
// fits into its Lease; one that does not is not sent.
func TestARunOfFiveThousandNodesFits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	member := func(i int) rollout.Member {
		uid := types.UID(fmt.Sprintf("%08x-1111-4222-8333-%012x", random.Uint32(), random.Uint64()>>16))
		return rollout.Member{Node: fmt.Sprintf("ip-10-%d-%d-%d.eu-central-1.compute.internal", i>>16, i>>8&255, i&255), UID: rollout.ShortUID(uid)}
	}
	lease := func(n int) *Lease {
		run := &rollout.Run{
			Version: rollout.SchemaVersion, Original: "RollingUpdate", Target: rollout.Revision{Name: "agent-h2", Hash: "h2"},
			Identity: rollout.Identity{Namespace: "n", Name: "agent", UID: "u", ID: "r1"},
			Policy:   (&rollout.Policy{}).WithDefaults(rollout.Context{Nodes: n, Archs: 1}),
		}
		run.Phase, run.Size, run.Waves = rollout.Running, n, []int{1, n}
		for i := range n {
			run.Members = append(run.Members, member(i))
			run.Touched = append(run.Touched, i)
		}
		random.Shuffle(n, func(i, j int) { run.Touched[i], run.Touched[j] = run.Touched[j], run.Touched[i] })
		for i := range min(n, 100) {
			run.InFlight = append(run.InFlight, rollout.Flight{Node: run.Members[i].Node, NodeUID: "u", Pod: "agent-abcde", PodUID: types.UID(fmt.Sprintf("%x", random.Uint64())), Wave: 2})
		}
		b, err := rollout.EncodeRun(run)
		if err != nil {
			t.Fatal(err)
		}
		l := aLease()
		l.Run = b
		return l
	}
	obj, err := lease(5000).object()
	if err != nil {
		t.Fatal(err)
	}
	size := len(obj.Annotations[rollout.RunAnnotation])
	if size > rollout.MaxRunBytes {
		t.Errorf("%d bytes", size)
	}
	if _, err := lease(40000).object(); err == nil || !strings.Contains(err.Error(), "KiB") {
		t.Errorf("a run that is too large: %v", err)
	}
}
