package rollout

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

// holdServer takes the writes that arm, disarm and recover send, refuses those
// without preconditions, and leaves reads to the API server for tests.
type holdServer struct {
	t    *testing.T
	api  *apiserver.Server
	back http.Handler
	cfg  *rest.Config

	mu      sync.Mutex
	objects map[string]runtime.Object // by path
	lease   *coordinationv1.Lease
	full    bool // a Lease that is there is not replaced by a new one
	version int
	writes  []string // "PATCH daemonsets/agent", with "dry" after it
	// fault, if set, gives a code to answer a write with in place of doing it;
	// negative, it is done first.
	fault func(write string, nth int) int
	// reads is told of each read before it is answered, without the lock.
	reads func(path string)
}

const holdNamespace = "logging"

// newHoldServer serves a DaemonSet "agent" whose pods on n0..n3 are all of the
// current revision.
func newHoldServer(t *testing.T) *holdServer {
	t.Helper()
	s := &holdServer{t: t, api: apiserver.New(t), objects: map[string]runtime.Object{}, version: 100}
	to, err := url.Parse(s.api.URL())
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(s.api.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.back = &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	h := httptest.NewUnstartedServer(s)
	h.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are no news
	h.StartTLS()
	t.Cleanup(h.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	s.cfg = &rest.Config{Host: h.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}

	ds := testkit.DaemonSet(holdNamespace, "agent").MaxUnavailable("2").Status(4, 4, 4, 0).Build()
	s.put(ds)
	s.put(testkit.Revision(ds, "old", 1, 48*time.Hour))
	s.put(testkit.Revision(ds, testkit.Hash, 2, 24*time.Hour))
	for i := range 4 {
		s.put(testkit.Node(fmt.Sprintf("n%d", i)).Build())
		s.put(testkit.PodOf(ds, fmt.Sprintf("n%d", i)).Build())
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *holdServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	parts := strings.Split(req.URL.Path, "/")
	path := strings.Join(parts[max(0, len(parts)-2):], "/")
	leases := strings.Contains(req.URL.Path, "/leases")
	if strings.HasSuffix(path, "/selfsubjectreviews") {
		refuse(w, http.StatusNotFound) // who asks is known by the host's user
		return
	}
	if req.Method == http.MethodGet {
		if s.reads != nil {
			s.reads(path)
		}
		if !leases {
			s.back.ServeHTTP(w, req)
			return
		}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.Method == http.MethodGet {
		s.readLease(w)
		return
	}
	dry := req.URL.Query().Get("dryRun") == metav1.DryRunAll
	code := s.note(req.Method+" "+path, dry)
	if code > 0 {
		refuse(w, code)
		return
	}
	var done runtime.Object
	status := http.StatusConflict
	switch {
	case req.Method == http.MethodPost && leases && s.full && s.lease != nil:
	case req.Method == http.MethodPost && leases:
		done, status = s.createLease(body)
	case req.Method == http.MethodPut && leases:
		done, status = s.updateLease(body)
	case req.Method == http.MethodDelete && leases:
		done, status = s.deleteLease(body)
	case req.Method == http.MethodPatch:
		done, status = s.patch(path, req.Header.Get("Content-Type"), body, dry)
	default:
		s.t.Errorf("%s %s is not a write of these commands", req.Method, req.URL)
	}
	switch {
	case code < 0:
		refuse(w, -code)
	case status >= http.StatusBadRequest:
		refuse(w, status)
	default:
		reply(w, status, done)
	}
}

// note keeps what is sent, and says what to answer.
func (s *holdServer) note(write string, dry bool) int {
	if strings.HasPrefix(write, "POST") {
		return 0 // the test itself makes Leases
	}
	nth := 1
	for _, w := range s.writes {
		if strings.HasPrefix(w, write) {
			nth++
		}
	}
	words := write
	if dry {
		words += " dry"
	}
	s.writes = append(s.writes, words)
	if s.fault == nil {
		return 0
	}
	return s.fault(write, nth)
}

func (s *holdServer) readLease(w http.ResponseWriter) {
	if s.lease == nil {
		refuse(w, http.StatusNotFound)
		return
	}
	reply(w, http.StatusOK, s.lease)
}

func (s *holdServer) createLease(body []byte) (runtime.Object, int) {
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	l, ok := obj.(*coordinationv1.Lease)
	if err != nil || !ok {
		s.t.Errorf("not a Lease: %v", err)
		return nil, http.StatusBadRequest
	}
	s.version++
	l.UID, l.ResourceVersion = "lease-uid", strconv.Itoa(s.version)
	l.TypeMeta = metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"}
	s.lease = l
	return l, http.StatusCreated
}

func (s *holdServer) updateLease(body []byte) (runtime.Object, int) {
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	l, ok := obj.(*coordinationv1.Lease)
	switch {
	case err != nil || !ok || l.ResourceVersion == "":
		s.t.Errorf("not a Lease of a version: %v", err)
		return nil, http.StatusBadRequest
	case s.lease == nil:
		return nil, http.StatusNotFound
	case l.ResourceVersion != s.lease.ResourceVersion:
		return nil, http.StatusConflict
	}
	return s.createLease(body)
}

func (s *holdServer) deleteLease(body []byte) (runtime.Object, int) {
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	o, ok := obj.(*metav1.DeleteOptions)
	if err != nil || !ok || o.Preconditions == nil || o.Preconditions.UID == nil || o.Preconditions.ResourceVersion == nil {
		s.t.Errorf("a Lease is deleted without preconditions: %v %+v", err, obj)
		return nil, http.StatusBadRequest
	}
	if s.lease == nil {
		return nil, http.StatusNotFound
	}
	if *o.Preconditions.UID != s.lease.UID || *o.Preconditions.ResourceVersion != s.lease.ResourceVersion {
		return nil, http.StatusConflict
	}
	s.lease = nil
	return &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusSuccess}, http.StatusOK
}

// patch applies a merge patch or a strategic one, whose object has to be as it
// was.
func (s *holdServer) patch(path, contentType string, body []byte, dry bool) (runtime.Object, int) {
	var head struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(body, &head); err != nil || head.Metadata.UID == "" || head.Metadata.ResourceVersion == "" {
		s.t.Errorf("PATCH %s has no preconditions: %s", path, body)
		return nil, http.StatusBadRequest
	}
	now, ok := s.objects[path]
	if !ok {
		return nil, http.StatusNotFound
	}
	m, _ := s.meta(now)
	if head.Metadata.UID != m.GetUID() || head.Metadata.ResourceVersion != m.GetResourceVersion() {
		return nil, http.StatusConflict
	}
	was, err := json.Marshal(now)
	if err != nil {
		s.t.Error(err)
	}
	// For the fields that these commands change a strategic merge patch and a
	// merge patch are the same.
	if !strings.Contains(contentType, "merge-patch+json") {
		s.t.Errorf("PATCH %s is %s", path, contentType)
	}
	is, err := strategicpatch.StrategicMergePatch(was, body, now)
	if err != nil {
		s.t.Error(err)
		return nil, http.StatusBadRequest
	}
	next := now.DeepCopyObject()
	emptied(next)
	if err := json.Unmarshal(is, next); err != nil {
		s.t.Error(err)
	}
	if !dry {
		s.store(next)
	}
	return next, http.StatusOK
}

// emptied makes an object hold nothing, so that what a patch removed stays away.
func emptied(o runtime.Object) {
	switch o := o.(type) {
	case *appsv1.DaemonSet:
		*o = appsv1.DaemonSet{}
	case *appsv1.ControllerRevision:
		*o = appsv1.ControllerRevision{}
	case *corev1.Node:
		*o = corev1.Node{}
	}
}

func reply(w http.ResponseWriter, code int, obj runtime.Object) {
	switch o := obj.(type) {
	case *appsv1.DaemonSet, *appsv1.ControllerRevision:
		obj.GetObjectKind().SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind(strings.TrimPrefix(fmt.Sprintf("%T", o), "*v1.")))
	case *corev1.Node:
		o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
	}
	b, err := json.Marshal(obj)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b) // the client may be gone
}

func refuse(w http.ResponseWriter, code int) {
	reasons := map[int]metav1.StatusReason{
		http.StatusConflict: metav1.StatusReasonConflict, http.StatusForbidden: metav1.StatusReasonForbidden,
		http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusInternalServerError: metav1.StatusReasonInternalError,
	}
	reply(w, code, &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
		Code: int32(code), Reason: reasons[code], Message: "no", //nolint:gosec // codes are small
	})
}
