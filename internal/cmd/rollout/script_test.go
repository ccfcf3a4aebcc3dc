package rollout

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/script"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestMain(m *testing.M) {
	script.Main(m, Builder("v1.2.3"), "kubectl-ds_rollout", "kubectl_complete-ds_rollout")
}

func TestScripts(t *testing.T) { script.Run(t, writeKubeconfig(t)) }

// writeKubeconfig makes contexts: live, narrow (may not delete pods), driven
// (a run is on), late (its --until is past), odd (the Lease holds no run), down.
func writeKubeconfig(t *testing.T) string {
	t.Helper()
	c := script.NewKubeconfig("live")
	add := func(name string, cfg *rest.Config) { c.Add(name, "logging", cfg) }
	back := apiserver.New(t, clusterObjects(t)...).Config()
	add("live", (&front{}).start(t, back))
	add("narrow", (&front{refuses: "delete"}).start(t, back))
	add("driven", (&front{lease: leaseOf(t, runOfJane())}).start(t, back))
	late := runOfJane()
	late.Policy.Until = &metav1.Time{Time: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	late.Phase, late.Because = rollout.Paused, &rollout.Cause{Code: rollout.PauseUntil}
	add("late", (&front{lease: leaseOf(t, late)}).start(t, back))
	add("odd", (&front{lease: &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "logging", Name: "ds-rollout.agent"}}}).start(t, back))
	add("down", script.Down(t))
	return c.Write(t)
}

// front answers for the API server for tests what that does not know: access
// reviews, budgets and Leases.
type front struct {
	refuses string                // a verb
	lease   *coordinationv1.Lease // nil for none
	back    http.Handler
}

func (f *front) start(t *testing.T, back *rest.Config) *rest.Config {
	t.Helper()
	to, err := url.Parse(back.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(back)
	if err != nil {
		t.Fatal(err)
	}
	f.back = &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are no news
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return &rest.Config{Host: s.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, "/selfsubjectaccessreviews"):
		f.review(w, req)
	case strings.HasSuffix(path, "/poddisruptionbudgets"):
		answer(w, http.StatusOK, &policyv1.PodDisruptionBudgetList{
			TypeMeta: metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudgetList"},
		})
	case strings.Contains(path, "/leases/") && f.lease != nil:
		f.lease.TypeMeta = metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"}
		answer(w, http.StatusOK, f.lease)
	case strings.Contains(path, "/leases/"):
		answer(w, http.StatusNotFound, &metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
			Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
		})
	default:
		f.back.ServeHTTP(w, req)
	}
}

// leaseOf is the Lease of a run, as a driver writes it.
func leaseOf(t *testing.T, run *rollout.Run) *coordinationv1.Lease {
	t.Helper()
	data, err := rollout.EncodeRun(run)
	if err != nil {
		t.Fatal(err)
	}
	var out *coordinationv1.Lease
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		l, ok := obj.(*coordinationv1.Lease)
		if err != nil || !ok {
			http.Error(w, "not a Lease", http.StatusBadRequest)
			return
		}
		l.TypeMeta = metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"}
		out = l
		answer(w, http.StatusCreated, l)
	}))
	defer s.Close()
	w, err := kube.NewWriter(&rest.Config{Host: s.URL}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.CreateLease(context.Background(), &kube.Lease{
		Namespace: run.Namespace, Name: rollout.LeaseName(run.Name), Holder: run.By, Duration: time.Minute, Renewed: monday, Epoch: run.Epoch, Run: data,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func runOfJane() *rollout.Run {
	r := &rollout.Run{
		Version: rollout.SchemaVersion, Original: "RollingUpdate", Policy: (&rollout.Policy{}).WithDefaults(rollout.Context{Nodes: 1}),
		Identity: rollout.Identity{
			ClusterUID: "cluster-uid", Namespace: "logging", Name: "agent", UID: "agent-uid", ID: "7f3k", Epoch: 1, By: "jane", Started: metav1.NewTime(monday),
		},
	}
	r.Phase, r.Members, r.Size, r.Waves = rollout.Arming, rollout.Members{{Node: "node-1", UID: "node-1-u"}}, 1, []int{1}
	return r
}

func (f *front) review(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	review, ok := obj.(*authorizationv1.SelfSubjectAccessReview)
	if err != nil || !ok {
		http.Error(w, "not a review", http.StatusBadRequest)
		return
	}
	review.TypeMeta = metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}
	a := review.Spec.ResourceAttributes
	review.Status.Allowed = a.Verb != f.refuses || a.Resource != "pods"
	answer(w, http.StatusCreated, review)
}

func answer(w http.ResponseWriter, code int, obj runtime.Object) {
	b, err := json.Marshal(obj)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b)
}

// clusterObjects are the objects of the capture. On the live cluster another
// tool owns the template.
func clusterObjects(t *testing.T) []runtime.Object {
	t.Helper()
	out := script.Objects(t)
	for _, obj := range out {
		if ds, ok := obj.(*appsv1.DaemonSet); ok {
			at := metav1.NewTime(monday)
			ds.ManagedFields = []metav1.ManagedFieldsEntry{{
				Manager: "argocd-controller", Operation: metav1.ManagedFieldsOperationApply, Time: &at, FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{"f:spec":{}}}}`),
			}}
		}
	}
	return out
}
