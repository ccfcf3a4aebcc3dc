package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

var t0 = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// request is one line of a log, made by hand.
type request struct {
	at             int // seconds after t0
	took           time.Duration
	agent, user    string
	verb, resource string // resource may be resource/subresource
	name           string
	code           int
	uri            string
	body, answer   string
}

func (r request) line() string {
	resource, sub, _ := strings.Cut(r.resource, "/")
	namespace := "ns"
	if resource == "nodes" {
		namespace = ""
	}
	if r.code == 0 {
		r.code = 200
	}
	if r.body == "" {
		r.body = "{}"
	}
	if r.took == 0 {
		r.took = time.Millisecond
	}
	received := t0.Add(time.Duration(r.at) * time.Second)
	return fmt.Sprintf(`{"stage":"ResponseComplete","requestURI":"/x?%s","verb":%q,"user":{"username":%q},"userAgent":%q,`+
		`"objectRef":{"resource":%q,"subresource":%q,"namespace":%q,"name":%q},"responseStatus":{"code":%d},`+
		`"requestObject":%s,"responseObject":%s,"requestReceivedTimestamp":%q,"stageTimestamp":%q}`+"\n",
		r.uri, r.verb, r.user, r.agent, resource, sub, namespace, r.name, r.code, r.body, r.answer,
		received.Format(time.RFC3339Nano), received.Add(r.took).Format(time.RFC3339Nano))
}

func podJSON(rv int, ready bool, meta string) string {
	return fmt.Sprintf(`{"kind":"Pod","metadata":{"name":"p","namespace":"ns","uid":"pod-uid","resourceVersion":"%d",
		"labels":{"controller-revision-hash":"h1"},"ownerReferences":[{"kind":"DaemonSet","name":"ds","uid":"ds-uid","controller":true}]%s},
		"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]}]}}}},
		"status":{"phase":"Running","conditions":[{"type":"Ready","status":%q}],"containerStatuses":[{"name":"a","restartCount":2},{"name":"b","restartCount":1}]}}`,
		rv, meta, map[bool]string{true: "True", false: "False"}[ready])
}

const (
	terminating = `,"deletionTimestamp":"2026-11-24T08:00:30Z","deletionGracePeriodSeconds":30`
	ending      = `,"deletionTimestamp":"2026-11-24T08:00:30Z","deletionGracePeriodSeconds":0`
	success     = `{"kind":"Status","status":"Success"}`
	preUID      = `{"preconditions":{"uid":"pod-uid","resourceVersion":"11"}}`
)

func history(t *testing.T, opts Options, requests ...request) *check.History {
	t.Helper()
	var text strings.Builder
	for _, r := range requests {
		text.WriteString(strings.ReplaceAll(strings.TrimSuffix(r.line(), "\n"), "\n", " ") + "\n")
	}
	l := Open("")
	if err := l.Parse(strings.NewReader(text.String())); err != nil {
		t.Fatal(err)
	}
	opts.Namespace, opts.DaemonSet, opts.Lease = "ns", "ds", "lock"
	h, err := l.History(opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// verbs are the writes in short.
func verbs(h *check.History) string {
	var out []string
	for i := range h.Writes {
		w := &h.Writes[i]
		text := w.Verb + " " + w.Name
		if w.Post == nil {
			text += " gone"
		} else if w.Post.Pod != nil && w.Post.Pod.Deleted {
			text += " ending"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestAPodThatIsDeletedEndsWhenItsKubeletSaysSo(t *testing.T) {
	h := history(t, Options{},
		request{verb: "create", resource: "pods", answer: podJSON(10, false, "")},
		request{at: 1, verb: "patch", resource: "pods/status", name: "p", answer: podJSON(11, true, "")},
		request{at: 2, verb: "delete", resource: "pods", name: "p", user: "me", agent: "kubectl-ds/v1", body: preUID, answer: podJSON(12, true, terminating)},
		request{at: 2, verb: "delete", resource: "pods", name: "p", answer: podJSON(12, true, terminating)},
		request{at: 3, verb: "delete", resource: "pods", name: "p", answer: podJSON(13, true, ending)},
		request{at: 4, verb: "delete", resource: "pods", name: "p", code: 404, answer: success})
	if got, want := verbs(h), "create p, patch p, delete p ending, remove p gone"; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	w := h.Writes[2]
	if !w.Ours || w.PreconditionUID != "pod-uid" || w.PreconditionRV != "11" || w.Actor != "me kubectl-ds" {
		t.Errorf("the delete reads %+v", w)
	}
	p := w.Pre.Pod
	if p.Node != "n1" || p.OwnerUID != "ds-uid" || !p.Ready || p.Deleted || p.Restarts != 3 || w.Pre.Labels["controller-revision-hash"] != "h1" {
		t.Errorf("the pod before reads %+v", p)
	}
	if h.Writes[1].Ours || h.Writes[3].Pre == nil {
		t.Errorf("the others read %+v, %+v", h.Writes[1], h.Writes[3])
	}
}

func TestAnEvictionStandsBetweenTheLastWordAndTheEnd(t *testing.T) {
	// The log is in the order of answers, and the eviction was answered last.
	h := history(t, Options{},
		request{verb: "create", resource: "pods", answer: podJSON(10, true, "")},
		request{at: 1, verb: "create", resource: "pods/binding", name: "p", body: `{"target":{"name":"n2"}}`, answer: success},
		request{at: 3, verb: "delete", resource: "pods", name: "p", answer: podJSON(13, true, ending)},
		request{at: 2, took: 5 * time.Second, verb: "create", resource: "pods/eviction", name: "p", agent: "kubectl-ds",
			body: `{"deleteOptions":{"preconditions":{"uid":"pod-uid"}}}`, answer: success})
	if got, want := verbs(h), "create p, update p, evict p ending, remove p gone"; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	if w := h.Writes[2]; w.PreconditionUID != "pod-uid" || w.Pre.Pod.Node != "n2" || w.Pre.Pod.Deleted {
		t.Errorf("the eviction reads %+v", w)
	}
}

func TestOnlyWhatChangedSomethingIsAWrite(t *testing.T) {
	h := history(t, Options{},
		request{verb: "create", resource: "pods", answer: podJSON(10, true, "")},
		request{at: 1, verb: "get", resource: "pods", name: "p", answer: podJSON(10, true, "")},
		request{at: 1, verb: "patch", resource: "pods", name: "p", answer: podJSON(10, true, "")},
		request{at: 1, verb: "patch", resource: "pods", name: "p", code: 409, answer: success},
		request{at: 1, verb: "delete", resource: "pods", name: "p", uri: "dryRun=All", answer: podJSON(10, true, terminating)},
		request{at: 2, verb: "patch", resource: "pods", name: "p", answer: podJSON(11, true, "")})
	if got, want := verbs(h), "create p, delete p ending, patch p"; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	if !h.Writes[1].DryRun || h.Writes[2].Pre.Pod.Deleted {
		t.Errorf("the dry run reads %+v, and after it %+v", h.Writes[1], h.Writes[2])
	}
}

func TestPreconditionsOfPatches(t *testing.T) {
	node := func(rv int) string {
		return fmt.Sprintf(`{"kind":"Node","metadata":{"name":"n1","uid":"u","resourceVersion":"%d"},"spec":{"unschedulable":true,"taints":[{"key":"k","effect":"NoSchedule"}]}}`, rv)
	}
	h := history(t, Options{Node: func(n string) bool { return n == "n1" }},
		request{verb: "create", resource: "nodes", answer: node(5)},
		request{at: 1, verb: "patch", resource: "nodes", name: "n1", body: `{"metadata":{"uid":"u","resourceVersion":"5"}}`, answer: node(6)},
		request{at: 2, verb: "patch", resource: "nodes", name: "n1", body: `[{"op":"test","path":"/metadata/resourceVersion","value":"6"},{"op":"remove","path":"/spec/unschedulable"}]`, answer: node(7)},
		request{at: 3, verb: "delete", resource: "nodes", name: "n1", answer: `{"kind":"Status","status":"Success","details":{"name":"n1","uid":"u"}}`})
	if got, want := verbs(h), "create n1, patch n1, patch n1, delete n1 gone"; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	if a, b := h.Writes[1], h.Writes[2]; a.PreconditionUID != "u" || a.PreconditionRV != "5" || b.PreconditionUID != "" || b.PreconditionRV != "6" {
		t.Errorf("preconditions read %+v and %+v", a, b)
	}
	if n := h.Writes[1].Post.Node; !n.Unschedulable || n.Ready != "Unknown" || len(n.Taints) != 1 {
		t.Errorf("the node reads %+v", n)
	}
}

func TestATemplateIsThatOfItsRevision(t *testing.T) {
	const template = `"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"a","image":"x:1"}],"tolerations":[{"key":"k","operator":"Exists"}],"nodeSelector":{"pool":"a"}}`
	ds := func(rv int, meta string) string {
		return fmt.Sprintf(`{"kind":"DaemonSet","metadata":{"name":"ds","namespace":"ns","uid":"ds-uid","resourceVersion":"%d"%s},"spec":{"updateStrategy":{"type":"OnDelete"},"template":{%s}}}`, rv, meta, template)
	}
	h := history(t, Options{},
		request{verb: "create", resource: "daemonsets", answer: ds(20, "")},
		request{at: 1, verb: "create", resource: "controllerrevisions",
			answer: `{"kind":"ControllerRevision","metadata":{"name":"r","namespace":"ns","uid":"r","resourceVersion":"21","labels":{"controller-revision-hash":"h"},` +
				`"ownerReferences":[{"kind":"DaemonSet","uid":"ds-uid","controller":true}]},"revision":3,"data":{"spec":{"template":{"$patch":"replace",` + template + `}}}}`},
		request{at: 2, verb: "delete", resource: "daemonsets", name: "ds", answer: ds(22, ending+`,"finalizers":["foregroundDeletion"]`)},
		request{at: 3, verb: "patch", resource: "daemonsets", name: "ds", answer: ds(23, ending)})
	if got, want := verbs(h), "create ds, create r, delete ds, remove ds gone"; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	d, r := h.Writes[0].Post.DaemonSet, h.Writes[1].Post.Revision
	if d.Template == "" || d.Template != r.Template || d.Strategy != "OnDelete" || d.NodeSelector["pool"] != "a" || len(d.Tolerations) != 1 {
		t.Errorf("the DaemonSet reads %+v, its revision %+v", d, r)
	}
	if r.OwnerUID != "ds-uid" || r.Number != 3 || r.Hash != "h" || !h.Writes[2].Post.DaemonSet.Deleted {
		t.Errorf("the revision reads %+v, the deleted DaemonSet %+v", r, h.Writes[2].Post.DaemonSet)
	}
}

func leaseJSON(rv int, holder string, renewed int, run, intents string) string {
	return fmt.Sprintf(`{"kind":"Lease","metadata":{"name":"lock","namespace":"ns","uid":"l","resourceVersion":"%d","annotations":{%q:%q,%q:%q}},
		"spec":{"holderIdentity":%q,"leaseTransitions":%d,"renewTime":%q}}`,
		rv, runKey, run, intentsKey, intents, holder, rv/10, t0.Add(time.Duration(renewed)*time.Second).Format("2006-01-02T15:04:05.000000Z07:00"))
}

func TestALeaseIsRenewedByItsHolderAlone(t *testing.T) {
	unpack := func(s string) (string, error) { return strings.TrimPrefix(s, "packed:"), nil }
	steps := []request{
		{user: "a", agent: "kubectl-ds", verb: "create", resource: "leases", answer: leaseJSON(10, "host-1", 0, "packed:{}", "")},
		{at: 5, user: "b", agent: "kubectl-ds", verb: "patch", resource: "leases", name: "lock", answer: leaseJSON(11, "host-1", 0, "packed:{}", `{"intents":[{"verb":"pause"}]}`)},
		{at: 7, user: "a", agent: "kubectl-ds", verb: "update", resource: "leases", name: "lock", answer: leaseJSON(12, "host-1", 7, "packed:{}", "")},
		{at: 9, user: "b", agent: "kubectl-ds", verb: "update", resource: "leases", name: "lock", answer: leaseJSON(20, "host-2", 9, "packed:{}", "")},
		{at: 10, user: "b", agent: "kubectl-ds", verb: "delete", resource: "leases", name: "lock", answer: `{"kind":"Status","details":{"uid":"l"}}`},
	}
	h := history(t, Options{Decode: unpack, ActorsAreHolders: true}, steps...)
	if len(h.Writes) != 5 {
		t.Fatalf("%d writes: %s", len(h.Writes), verbs(h))
	}
	for i, want := range []int{0, 0, 7, 9} {
		l := h.Writes[i].Post.Lease
		if got := l.Renewed.Sub(t0); got != time.Duration(want)*time.Second || l.Run != "{}" || l.Takeover {
			t.Errorf("write %d: renewed after %s, want %ds; %+v", i, got, want, l)
		}
	}
	if a, b := h.Writes[2].Actor, h.Writes[3].Actor; a != "host-1" || b != "host-2" {
		t.Errorf("actors are %q and %q", a, b)
	}
	if h.Writes[3].Post.Lease.Epoch != 2 || h.Writes[4].Post != nil {
		t.Errorf("the end reads %+v, %+v", h.Writes[3].Post.Lease, h.Writes[4])
	}

	dead := func(holder string, renewed, taken time.Time) bool {
		return holder == "host-1" && renewed.Equal(t0.Add(7*time.Second)) && taken.Equal(t0.Add(9*time.Second))
	}
	if h = history(t, Options{Decode: unpack, MayTake: dead}, steps...); !h.Writes[3].Post.Lease.Takeover {
		t.Error("the lease of a dead process is taken, and it reads as one of a living one")
	}
	asks := steps
	asks[1].answer = leaseJSON(11, "host-1", 0, "", `{"intents":[{"verb":"takeover"}]}`)
	asks[2].answer = leaseJSON(12, "host-1", 7, "", `{"intents":[{"verb":"takeover"}]}`)
	if h = history(t, Options{}, asks...); !h.Writes[3].Post.Lease.Takeover {
		t.Error("a person asked for a takeover, and it does not read as one")
	}
}

func TestAnswersOfGatesStandWhereTheyWereGiven(t *testing.T) {
	h := history(t, Options{Answers: []check.Write{
		{At: t0.Add(1500 * time.Millisecond), Kind: "Gate", Verb: "pass", Name: "g", GateNode: "n1"},
		{At: t0.Add(time.Hour), Kind: "Gate", Verb: "fail", Name: "g", GateNode: "n1"},
	}},
		request{at: 1, verb: "create", resource: "pods", answer: podJSON(10, true, "")},
		request{at: 2, verb: "patch", resource: "pods", name: "p", answer: podJSON(11, true, "")})
	if got, want := verbs(h), "create p, pass g gone, patch p, fail g gone"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestAListFillsAGap(t *testing.T) {
	l := Open("")
	flat := func(r request) string {
		return strings.ReplaceAll(strings.TrimSuffix(r.line(), "\n"), "\n", " ") + "\n"
	}
	if err := l.Parse(strings.NewReader(flat(request{verb: "create", resource: "pods", answer: podJSON(10, false, "")}))); err != nil {
		t.Fatal(err)
	}
	var p corev1.Pod
	if err := json.Unmarshal([]byte(podJSON(12, true, "")), &p); err != nil {
		t.Fatal(err)
	}
	for _, list := range []*corev1.PodList{
		{ListMeta: metav1.ListMeta{ResourceVersion: "13"}, Items: []corev1.Pod{p}},
		{ListMeta: metav1.ListMeta{ResourceVersion: "14"}, Items: []corev1.Pod{p}},
		{ListMeta: metav1.ListMeta{ResourceVersion: "15"}},
	} {
		if err := l.Observe("ns", list); err != nil {
			t.Fatal(err)
		}
	}
	h, err := l.History(Options{Namespace: "ns", DaemonSet: "ds"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := verbs(h), "create p, update p, remove p gone"; got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	if w := h.Writes[1]; !w.Post.Pod.Ready || w.Ours || !w.At.Equal(t0) {
		t.Errorf("what was observed reads %+v", w)
	}
}

func TestALineThatIsNoEventIsAnError(t *testing.T) {
	for _, text := range []string{"{\n", request{verb: "create", resource: "pods", answer: `{"kind":7}`}.line()} {
		if err := Open("").Parse(strings.NewReader(text)); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
	l := Open("")
	if err := l.Parse(strings.NewReader(`{"stage":"Resp`)); err != nil || len(l.entries) != 0 || l.offset != 0 {
		t.Errorf("a line that is being written: %v, %d entries, offset %d", err, len(l.entries), l.offset)
	}
}
