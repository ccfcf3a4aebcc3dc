package faultproxy

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rule says which requests meet which fault.
type Rule struct {
	// Verb is that of RBAC (get, list, watch, create, update, patch, delete),
	// or several, separated by commas; empty matches all.
	Verb string
	// Path is a part of the URL's path; empty matches all.
	Path string
	// Name is the last element of the path; empty matches all.
	Name string
	// Skip lets that many matching requests through first.
	Skip int
	// Count is how many requests meet the fault; 0 means all of them.
	Count int
	// Chance is the share of matching requests that meet the fault, from 0 to
	// 1; 0 means all of them.
	Chance float64
	Fault  Fault
}

// Fault is one of Answer, DropAnswer, DropRequest, Delay, CutWatch, LagWatch.
type Fault interface{ isFault() }

// Answer answers in the server's place; the request does not reach it.
type Answer struct {
	Code int
	// RetryAfter is the header's value, if not empty; "soon" is one too.
	RetryAfter string
	// Body is a Status where it is empty.
	Body string
}

// DropRequest cuts the connection before the server sees the request.
type DropRequest struct{}

// DropAnswer lets the server do its work and cuts the connection then: nobody
// knows whether it was done.
type DropAnswer struct{}

// Delay holds the request, or the answer, for a while.
type Delay struct{ Before, After time.Duration }

// CutWatch ends a watch after that many bytes or that much time, whichever
// comes first; 0 is no limit. With Abort the connection breaks, else the watch
// ends as the server ends one.
type CutWatch struct {
	Bytes int
	After time.Duration
	Abort bool
}

// LagWatch delays everything that a watch tells.
type LagWatch struct{ By time.Duration }

func (Answer) isFault()      {}
func (DropRequest) isFault() {}
func (DropAnswer) isFault()  {}
func (Delay) isFault()       {}
func (CutWatch) isFault()    {}
func (LagWatch) isFault()    {}

// Handle is a rule that was added.
type Handle struct {
	rule    Rule
	of      *rules
	seen    int
	hits    int
	removed bool
}

// Hits is how many requests have met the fault.
func (h *Handle) Hits() int {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	return h.hits
}

// Remove ends the rule. What it did already goes on.
func (h *Handle) Remove() {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	h.removed = true
}

type rules struct {
	mu   sync.Mutex
	list []*Handle
	rng  *rand.Rand
}

func (r *rules) add(rule Rule) *Handle {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &Handle{rule: rule, of: r}
	r.list = append(r.list, h)
	return h
}

// match finds the fault of a request, nil for none.
func (r *rules) match(req *http.Request) Fault {
	verb := verbOf(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.list {
		if h.removed || !h.rule.fits(verb, req.URL.Path) {
			continue
		}
		if h.rule.Count > 0 && h.hits >= h.rule.Count {
			continue
		}
		h.seen++
		if h.seen <= h.rule.Skip || h.rule.Chance > 0 && r.rng.Float64() >= h.rule.Chance {
			continue
		}
		h.hits++
		return h.rule.Fault
	}
	return nil
}

func (r *Rule) fits(verb, path string) bool {
	if r.Verb != "" && !slices.Contains(strings.Split(r.Verb, ","), verb) {
		return false
	}
	return strings.Contains(path, r.Path) && (r.Name == "" || strings.HasSuffix(path, "/"+r.Name))
}

// verbOf is the verb of RBAC: a get of a collection is a list.
func verbOf(req *http.Request) string {
	switch req.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	if w := req.URL.Query().Get("watch"); w == "true" || w == "1" {
		return "watch"
	}
	if isCollection(req.URL.Path) {
		return "list"
	}
	return "get"
}

// isCollection tells /api/v1/pods, /api/v1/namespaces/x/pods and
// /apis/apps/v1/namespaces/x/daemonsets from their objects.
func isCollection(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return false
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	return len(parts) == 1
}
