package apiserver

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// Server is a running API server. Its methods are safe for concurrent use.
type Server struct {
	t    testing.TB
	http *httptest.Server

	mu       sync.Mutex
	store    store
	requests []Request
	faults   []*Fault
	before   func(Request)
	json     bool
	version  string
}

// Request is one request that came in.
type Request struct {
	Method    string
	Path      string
	Query     string // encoded, sorted by key
	Accept    string
	UserAgent string
	Bytes     int // of the answer's body, uncompressed
}

// String is the request line.
func (r Request) String() string {
	if r.Query == "" {
		return r.Method + " " + r.Path
	}
	return r.Method + " " + r.Path + "?" + r.Query
}

// New starts a server with the given nodes, namespaces, pods, events,
// DaemonSets and ControllerRevisions. It ends with the test.
func New(t testing.TB, objects ...runtime.Object) *Server {
	t.Helper()
	s := &Server{t: t, store: store{}, version: "v1.37.2"}
	s.Set(objects...)
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.EnableHTTP2 = true
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are no news
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	return s
}

// Config is how to reach the server.
func (s *Server) Config() *rest.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
	return &rest.Config{Host: s.http.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

// URL is the server's address.
func (s *Server) URL() string { return s.http.URL }

// Set adds objects or replaces those of the same name.
func (s *Server) Set(objects ...runtime.Object) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		if err := s.store.set(o); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Delete removes objects by kind, namespace and name.
func (s *Server) Delete(objects ...runtime.Object) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range objects {
		if err := s.store.remove(o); err != nil {
			s.t.Fatal(err)
		}
	}
}

// JSON makes the server answer in JSON whatever the client would rather have.
func (s *Server) JSON() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.json = true
}

// Before calls f ahead of every answer, outside of the server's lock: a place
// to change the cluster between two reads.
func (s *Server) Before(f func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Requests are those answered so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Lines are the request lines so far, sorted: what concurrent requests have in
// common from run to run.
func (s *Server) Lines() []string {
	var out []string
	for _, r := range s.Requests() {
		out = append(out, r.String())
	}
	slices.Sort(out)
	return out
}

// Count is the number of requests so far whose line contains part.
func (s *Server) Count(part string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.Contains(r.String(), part) {
			n++
		}
	}
	return n
}

// Reset forgets the requests so far.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request) {
	r := Request{
		Method: req.Method, Path: req.URL.Path, Query: req.URL.Query().Encode(),
		Accept: req.Header.Get("Accept"), UserAgent: req.UserAgent(),
	}
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(r)
	}
	s.mu.Lock()
	a := s.answer(req, r)
	fault := s.pick(r)
	r.Bytes = len(a.body)
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	if fault != nil {
		fault.write(w, req, r, a)
		return
	}
	a.write(w)
}

// answer makes the right answer; the lock is held.
func (s *Server) answer(req *http.Request, r Request) answer {
	if req.Method != http.MethodGet {
		return statusAnswer(http.StatusMethodNotAllowed, "MethodNotAllowed", "only reads are served")
	}
	if r.Path == "/version" {
		body, err := json.Marshal(map[string]string{"major": "1", "gitVersion": s.version})
		if err != nil {
			s.t.Error(err)
		}
		return answer{code: http.StatusOK, contentType: runtime.ContentTypeJSON, body: body}
	}
	t, ok := parsePath(r.Path)
	if !ok {
		// As the real one says it: not a Status.
		return answer{code: http.StatusNotFound, contentType: "text/plain; charset=utf-8", body: []byte("404 page not found\n")}
	}
	proto := !s.json && strings.HasPrefix(r.Accept, runtime.ContentTypeProtobuf)
	if t.name != "" {
		return s.store.get(t, proto)
	}
	return s.store.list(t, req.URL.Query(), proto)
}
