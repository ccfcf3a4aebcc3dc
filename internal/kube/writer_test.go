package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// wrote is a request as it came in; its body is JSON, whatever was sent.
type wrote struct {
	line string // method, path, query
	kind string // of the body's patch
	body string
}

// recorder answers every write with the same, and remembers them.
type recorder struct {
	t      testing.TB
	mu     sync.Mutex
	got    []wrote
	answer func(w http.ResponseWriter, n int) // n from 1
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	line := req.Method + " " + req.URL.Path
	if req.URL.RawQuery != "" {
		line += "?" + req.URL.RawQuery
	}
	r.mu.Lock()
	r.got = append(r.got, wrote{line, req.Header.Get("Content-Type"), inJSON(r.t, body)})
	n := len(r.got)
	r.mu.Unlock()
	r.answer(w, n)
}

func (r *recorder) requests() []wrote {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// inJSON decodes what the client sent.
func inJSON(t testing.TB, body []byte) string {
	if len(body) == 0 || body[0] == '{' {
		return string(body)
	}
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		t.Errorf("a body that nobody can read: %v", err)
		return ""
	}
	b, err := json.Marshal(obj)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func answerJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

// accepts says yes to everything.
func accepts(w http.ResponseWriter, _ int) {
	answerJSON(w, http.StatusOK, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess})
}

func refuses(code int, reason metav1.StatusReason, retryAfter int, message string, causes ...metav1.StatusCause) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, _ int) {
		details := &metav1.StatusDetails{Causes: causes}
		if retryAfter > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(retryAfter))
			details.RetryAfterSeconds = int32(retryAfter)
		}
		answerJSON(w, code, metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
			Code: int32(code), Reason: reason, Message: message, Details: details,
		})
	}
}

func newWriter(t testing.TB, dryRun bool, answer func(http.ResponseWriter, int)) (*Writer, *recorder) {
	t.Helper()
	r := &recorder{t: t, answer: answer}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	w, err := NewWriter(&rest.Config{Host: s.URL}, dryRun)
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

// target is the DaemonSet that is written to.
func target() *appsv1.DaemonSet {
	d := daemonSet("monitoring", "agent")
	d.UID, d.ResourceVersion = "ds-uid", "41"
	d.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	return d
}

func armed() rollout.Armed { return rollout.Armed{Run: "r1", Original: "RollingUpdate"} }

// actions are one of each kind that a Writer does, and what has to come of it.
func actions(t testing.TB) []struct {
	name string
	a    rollout.Action
	want wrote
} {
	grace := int64(7)
	strategic, merge := "application/strategic-merge-patch+json", "application/merge-patch+json"
	quoted := func(s fmt.Stringer) string {
		b, err := json.Marshal(s.String())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	mark := rollout.Mark{Run: "r1", Epoch: 3, Prior: true}
	const ds = "PATCH /apis/apps/v1/namespaces/monitoring/daemonsets/agent?fieldManager=kubectl-ds"
	const node = "PATCH /api/v1/nodes/n1?fieldManager=kubectl-ds"
	return []struct {
		name string
		a    rollout.Action
		want wrote
	}{
		{"arm", &rollout.Arm{UID: "ds-uid", ResourceVersion: "41", Armed: armed()}, wrote{ds, strategic,
			`{"metadata":{"annotations":{"` + rollout.ArmAnnotation + `":` + quoted(armed()) + `},"resourceVersion":"41","uid":"ds-uid"},"spec":{"updateStrategy":{"type":"OnDelete"}}}`}},
		{"hand back", &rollout.HandBack{UID: "ds-uid", ResourceVersion: "41", Strategy: "RollingUpdate"}, wrote{ds, strategic,
			`{"metadata":{"annotations":{"` + rollout.ArmAnnotation + `":null},"resourceVersion":"41","uid":"ds-uid"},"spec":{"updateStrategy":{"type":"RollingUpdate"}}}`}},
		{"hand back the annotation alone", &rollout.HandBack{UID: "ds-uid", ResourceVersion: "41"}, wrote{ds, strategic,
			`{"metadata":{"annotations":{"` + rollout.ArmAnnotation + `":null},"resourceVersion":"41","uid":"ds-uid"}}`}},
		{"put back", &rollout.PutBack{UID: "ds-uid", ResourceVersion: "41", Data: []byte(`{"spec":{"template":{"$patch":"replace","spec":{"x":1}}}}`)}, wrote{ds, strategic,
			`{"metadata":{"resourceVersion":"41","uid":"ds-uid"},"spec":{"template":{"$patch":"replace","spec":{"x":1}},"updateStrategy":{"type":"OnDelete"}}}`}},
		{"clean", &rollout.CleanRevision{Name: "agent-h1", UID: "rev", ResourceVersion: "9"}, wrote{
			"PATCH /apis/apps/v1/namespaces/monitoring/controllerrevisions/agent-h1?fieldManager=kubectl-ds", merge,
			`{"metadata":{"annotations":{"` + rollout.ArmAnnotation + `":null},"resourceVersion":"9","uid":"rev"}}`}},
		{"cordon", &rollout.Cordon{Node: "n1", UID: "node", ResourceVersion: "8", Mark: mark}, wrote{node, merge,
			`{"metadata":{"annotations":{"` + rollout.MarkAnnotation + `":` + quoted(mark) + `},"resourceVersion":"8","uid":"node"},"spec":{"unschedulable":true}}`}},
		{"uncordon", &rollout.Uncordon{Node: "n1", UID: "node", ResourceVersion: "8"}, wrote{node, merge,
			`{"metadata":{"annotations":{"` + rollout.MarkAnnotation + `":null},"resourceVersion":"8","uid":"node"},"spec":{"unschedulable":null}}`}},
		{"uncordon what was cordoned before", &rollout.Uncordon{Node: "n1", UID: "node", ResourceVersion: "8", Unschedulable: true}, wrote{node, merge,
			`{"metadata":{"annotations":{"` + rollout.MarkAnnotation + `":null},"resourceVersion":"8","uid":"node"},"spec":{"unschedulable":true}}`}},
		{"delete", &rollout.DeletePod{Namespace: "monitoring", Name: "agent-1", Node: "n1", UID: "pod", ResourceVersion: "6"}, wrote{
			"DELETE /api/v1/namespaces/monitoring/pods/agent-1", runtime.ContentTypeProtobuf,
			`{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"pod","resourceVersion":"6"}}`}},
		{"evict", &rollout.Evict{Namespace: "web", Name: "web-1", Node: "n1", UID: "pod", GraceSeconds: &grace}, wrote{
			"POST /api/v1/namespaces/web/pods/web-1/eviction", runtime.ContentTypeProtobuf,
			`{"kind":"Eviction","apiVersion":"policy/v1","metadata":{"name":"web-1","namespace":"web"},"deleteOptions":{"gracePeriodSeconds":7,"preconditions":{"uid":"pod"}}}`}},
	}
}

func TestEveryWriteAsItIsSent(t *testing.T) {
	for _, tc := range actions(t) {
		t.Run(tc.name, func(t *testing.T) {
			w, r := newWriter(t, false, accepts)
			_, _ = w.Do(t.Context(), target(), tc.a) // the answer is none of an object
			if len(r.requests()) != 1 {
				t.Fatalf("%d requests: %v", len(r.requests()), r.requests())
			}
			if diff := cmp.Diff(tc.want, r.requests()[0], cmp.AllowUnexported(wrote{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// One call is one request: what a server says of trying again is for the loop
// above, which looks first.
func TestNoWriteIsRepeated(t *testing.T) {
	lease := &Lease{Namespace: "monitoring", Name: "l", UID: "u", ResourceVersion: "3", Run: []byte("{}")}
	calls := map[string]func(w *Writer) error{
		"create lease": func(w *Writer) error { _, err := w.CreateLease(t.Context(), lease); return err },
		"update lease": func(w *Writer) error { _, err := w.UpdateLease(t.Context(), lease); return err },
		"delete lease": func(w *Writer) error { return w.DeleteLease(t.Context(), lease) },
		"event":        func(w *Writer) error { return w.Event(t.Context(), event(podOf(target(), 0), "x")) },
	}
	for _, tc := range actions(t) {
		calls[tc.name] = func(w *Writer) error { _, err := w.Do(t.Context(), target(), tc.a); return err }
	}
	answers := map[string]struct {
		with func(http.ResponseWriter, int)
		want Answer
	}{
		"429":       {refuses(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, 1, "slow down"), Refused},
		"503":       {refuses(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, 1, "not now"), Lost},
		"500":       {refuses(http.StatusInternalServerError, metav1.StatusReasonInternalError, 1, "etcd"), Lost},
		"504":       {refuses(http.StatusGatewayTimeout, metav1.StatusReasonTimeout, 1, "late"), Lost},
		"409":       {refuses(http.StatusConflict, metav1.StatusReasonConflict, 0, "not as it was"), Conflict},
		"404":       {refuses(http.StatusNotFound, metav1.StatusReasonNotFound, 0, "gone"), Conflict},
		"403":       {refuses(http.StatusForbidden, metav1.StatusReasonForbidden, 0, "no"), Forbidden},
		"401":       {refuses(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, 0, "who"), Forbidden},
		"422":       {refuses(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, 0, "bad"), Never},
		"broken":    {func(w http.ResponseWriter, _ int) { panic(http.ErrAbortHandler) }, Lost},
		"no status": {func(w http.ResponseWriter, _ int) { http.Error(w, "<html>bad gateway", http.StatusBadGateway) }, Lost},
	}
	for name, call := range calls {
		for code, answer := range answers {
			t.Run(name+" "+code, func(t *testing.T) {
				w, r := newWriter(t, false, answer.with)
				err := call(w)
				if err == nil || AnswerOf(err) != answer.want {
					t.Errorf("answer %d: %v", AnswerOf(err), err)
				}
				if len(r.requests()) != 1 {
					t.Errorf("%d requests", len(r.requests()))
				}
			})
		}
	}
}

func TestNoWriteGoesOutUnguarded(t *testing.T) {
	w, r := newWriter(t, false, accepts)
	noUID := []rollout.Action{
		&rollout.Arm{ResourceVersion: "41"}, &rollout.HandBack{ResourceVersion: "41"}, &rollout.PutBack{ResourceVersion: "41"},
		&rollout.CleanRevision{ResourceVersion: "1"}, &rollout.Cordon{ResourceVersion: "1"}, &rollout.Uncordon{ResourceVersion: "1"},
		&rollout.DeletePod{ResourceVersion: "1"}, &rollout.Evict{},
		&rollout.Arm{UID: "u"}, &rollout.HandBack{UID: "u"}, &rollout.PutBack{UID: "u"}, &rollout.CleanRevision{UID: "u"},
		&rollout.Cordon{UID: "u"}, &rollout.Uncordon{UID: "u"}, &rollout.DeletePod{UID: "u"},
		&rollout.SaveRun{}, &rollout.DeleteLease{}, &rollout.RunGate{},
	}
	for _, a := range noUID {
		if _, err := w.Do(t.Context(), target(), a); err == nil {
			t.Errorf("%T was sent: %+v", a, a)
		}
	}
	for _, l := range []*Lease{{Name: "l", Namespace: "n", UID: "u", Run: []byte("{}")}, {Name: "l", Namespace: "n", ResourceVersion: "1", Run: []byte("{}")}} {
		if _, err := w.UpdateLease(t.Context(), l); err == nil {
			t.Error("a Lease was updated")
		}
		if err := w.DeleteLease(t.Context(), l); err == nil {
			t.Error("a Lease was deleted")
		}
	}
	if len(r.requests()) != 0 {
		t.Errorf("requests: %v", r.requests())
	}
}

func TestADryRunStoresNothing(t *testing.T) {
	w, r := newWriter(t, true, accepts)
	for _, tc := range actions(t) {
		_, _ = w.Do(t.Context(), target(), tc.a)
	}
	lease := &Lease{Namespace: "monitoring", Name: "l", UID: "u", ResourceVersion: "3", Run: []byte("{}")}
	_, _ = w.CreateLease(t.Context(), lease)
	_, _ = w.UpdateLease(t.Context(), lease)
	_ = w.DeleteLease(t.Context(), lease)
	if len(r.requests()) != len(actions(t))+3 {
		t.Errorf("%d requests", len(r.requests()))
	}
	for _, got := range r.requests() {
		if !strings.Contains(got.line, "dryRun=All") && !strings.Contains(got.body, `"dryRun":["All"]`) {
			t.Errorf("%s would be stored: %s", got.line, got.body)
		}
	}
	n := len(r.requests())
	if err := w.Event(t.Context(), event(podOf(target(), 0), "x")); err != nil || len(r.requests()) != n {
		t.Errorf("an event of a dry run: %v", err)
	}
}

func TestWhatADeletionReturns(t *testing.T) {
	a := &rollout.DeletePod{Namespace: "monitoring", Name: "agent-1", UID: "pod", ResourceVersion: "6"}
	pod := podOf(target(), 1)
	pod.TypeMeta = metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter, int)
		pod    bool
	}{{"on its way out", func(w http.ResponseWriter, _ int) { answerJSON(w, http.StatusOK, pod) }, true}, {"gone", accepts, false}} {
		w, _ := newWriter(t, false, tc.answer)
		o, err := w.Do(t.Context(), target(), a)
		if p, ok := o.(*corev1.Pod); err != nil || ok != tc.pod || ok && p.Name != pod.Name || !ok && o != nil {
			t.Errorf("%s: %v, %v", tc.name, o, err)
		}
	}
}

func TestAWriteHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, r := newWriter(t, false, accepts)
	_, err := w.Do(ctx, target(), &rollout.DeletePod{Namespace: "n", Name: "p", UID: "u", ResourceVersion: "1"})
	if err == nil || AnswerOf(err) != Lost || len(r.requests()) != 0 {
		t.Errorf("%v, %v", err, r.requests())
	}
}
