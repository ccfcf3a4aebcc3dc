package kube

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// change is one entry of a server's log.
type change struct {
	version  int
	resource string
	kind     string // of the watch event
	object   runtime.Object
}

// liveServer lists and watches, from a log. It can be deaf, down and cut.
type liveServer struct {
	t    testing.TB
	http *httptest.Server

	mu    sync.Mutex
	wake  *sync.Cond
	now   map[string]map[string]runtime.Object // by resource and key
	log   []change
	deaf  bool // watches say nothing
	down  bool // every request is answered by 503
	mute  bool // lists are never answered
	epoch int  // watches of an older one end
	count map[string]int
}

var resources = map[string]string{"daemonsets": "apps/v1 DaemonSet", "controllerrevisions": "apps/v1 ControllerRevision", "nodes": "v1 Node", "pods": "v1 Pod", "leases": "coordination.k8s.io/v1 Lease"}

func newLiveServer(t testing.TB, objects ...runtime.Object) *liveServer {
	s := &liveServer{t: t, now: map[string]map[string]runtime.Object{}, count: map[string]int{}}
	s.wake = sync.NewCond(&s.mu)
	for r := range resources {
		s.now[r] = map[string]runtime.Object{}
	}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		s.cut()
		s.http.CloseClientConnections()
		s.http.Close()
	})
	s.set(objects...)
	return s
}

func resourceOf(o runtime.Object) string {
	switch o.(type) {
	case *appsv1.DaemonSet:
		return "daemonsets"
	case *appsv1.ControllerRevision:
		return "controllerrevisions"
	case *corev1.Node:
		return "nodes"
	case *coordinationv1.Lease:
		return "leases"
	default:
		return "pods"
	}
}

func (s *liveServer) write(o runtime.Object, gone bool) {
	o = o.DeepCopyObject()
	m := o.(metav1.Object)
	resource, key := resourceOf(o), m.GetNamespace()+"/"+m.GetName()
	m.SetResourceVersion(strconv.Itoa(1000 + len(s.log) + 1))
	parts := strings.Fields(resources[resource])
	tm, err := json.Marshal(map[string]string{"apiVersion": parts[0], "kind": parts[1]})
	if err == nil {
		err = json.Unmarshal(tm, o)
	}
	if err != nil {
		s.t.Error(err)
	}
	kind := "MODIFIED"
	switch _, there := s.now[resource][key]; {
	case gone:
		kind = "DELETED"
		delete(s.now[resource], key)
	case !there:
		kind = "ADDED"
		fallthrough
	default:
		s.now[resource][key] = o
	}
	s.log = append(s.log, change{1000 + len(s.log) + 1, resource, kind, o})
}

func (s *liveServer) set(objects ...runtime.Object)    { s.all(false, objects) }
func (s *liveServer) remove(objects ...runtime.Object) { s.all(true, objects) }

func (s *liveServer) all(gone bool, objects []runtime.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		s.write(o, gone)
	}
	s.wake.Broadcast()
}

// be changes how the server behaves.
func (s *liveServer) be(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.wake.Broadcast()
}

// cut ends all watches.
func (s *liveServer) cut() { s.be(func() { s.epoch++ }) }

func (s *liveServer) asked(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[what]
}

func (s *liveServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	resource, name := parts[len(parts)-1], ""
	if _, ok := resources[resource]; !ok {
		resource, name = parts[len(parts)-2], resource
	}
	q := req.URL.Query()
	node, _ := strings.CutPrefix(q.Get("fieldSelector"), "spec.nodeName=")
	selector, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		s.t.Error(err)
	}
	fits := func(o runtime.Object) bool {
		p, ok := o.(*corev1.Pod)
		return !ok || selector.Matches(labels.Set(p.Labels)) && (node == "" || p.Spec.NodeName == node)
	}
	s.mu.Lock()
	switch {
	case s.down:
		s.count["refused"]++
		s.mu.Unlock()
		refuses(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, 0, "down")(w, 0)
	case q.Get("watch") != "":
		s.count["watch "+resource]++
		epoch := s.epoch
		s.mu.Unlock()
		s.watch(w, req, resource, q.Get("resourceVersion"), epoch, fits)
	case name != "":
		o := s.now[resource][parts[len(parts)-3]+"/"+name]
		if resource == "nodes" {
			o = s.now[resource]["/"+name]
		}
		s.mu.Unlock()
		if o == nil {
			refuses(http.StatusNotFound, metav1.StatusReasonNotFound, 0, "no")(w, 0)
			return
		}
		answerJSON(w, http.StatusOK, o)
	case s.mute:
		s.mu.Unlock()
		<-req.Context().Done()
	default:
		s.count["list "+resource]++
		items := []runtime.Object{}
		for _, o := range s.now[resource] {
			if fits(o) {
				items = append(items, o)
			}
		}
		version := strconv.Itoa(1000 + len(s.log))
		s.mu.Unlock()
		of := strings.Fields(resources[resource])
		answerJSON(w, http.StatusOK, map[string]any{"apiVersion": of[0], "kind": of[1] + "List", "metadata": map[string]any{"resourceVersion": version}, "items": items})
	}
}

func (s *liveServer) watch(w http.ResponseWriter, req *http.Request, resource, from string, epoch int, fits func(runtime.Object) bool) {
	at, err := strconv.Atoi(from)
	if err != nil {
		s.t.Errorf("a watch from %q", from)
	}
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // whoever hangs up ends the waiting
		select {
		case <-req.Context().Done():
			s.be(func() {})
		case <-stop:
		}
	}()
	for {
		s.mu.Lock()
		for s.epoch == epoch && req.Context().Err() == nil && (s.deaf || 1000+len(s.log) <= at) {
			s.wake.Wait()
		}
		over := s.epoch != epoch || req.Context().Err() != nil
		var news []change
		for _, c := range s.log {
			if c.version > at && c.resource == resource && fits(c.object) {
				news = append(news, c)
			}
		}
		at = 1000 + len(s.log)
		s.mu.Unlock()
		if over {
			return
		}
		for _, c := range news {
			if err := json.NewEncoder(w).Encode(map[string]any{"type": c.kind, "object": c.object}); err != nil {
				return
			}
		}
		_ = flush.Flush()
	}
}

func (s *liveServer) config() *rest.Config { return &rest.Config{Host: s.http.URL} }
