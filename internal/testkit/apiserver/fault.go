package apiserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// User is who the server takes every client for, in its refusals.
const User = "jane"

// Fault is a wrong answer to the requests that it matches.
type Fault struct {
	Path  string // exact; empty for all
	Query string // part of the decoded query; empty for all
	Skip  int    // matching requests that are still answered rightly
	Times int    // how often it strikes; 0 is always

	// One of these says how. Without any, the connection breaks off before
	// the answer.
	Status   int    // a Status of the API with this code
	Body     string // a body of ContentType, with code 200 unless Code says else
	Truncate int    // the right answer's first bytes, as if they were all
	CutAt    int    // the right answer's first bytes, then the connection breaks off
	Hang     bool   // no answer until the client gives up

	Code        int
	ContentType string
	RetryAfter  int // seconds, with Status
}

// Fault adds a fault; the first that matches strikes.
func (s *Server) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// pick finds the fault for a request; the lock is held.
func (s *Server) pick(r Request) *Fault {
	for _, f := range s.faults {
		if f.Path != "" && f.Path != r.Path || !strings.Contains(decoded(r.Query), f.Query) || f.Times < 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				f.Times = -1 // used up
			}
		}
		hit := *f
		return &hit
	}
	return nil
}

func (f *Fault) write(w http.ResponseWriter, req *http.Request, r Request, a answer) {
	switch {
	case f.Status != 0:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		f.status(r).write(w)
	case f.Body != "":
		code := f.Code
		if code == 0 {
			code = http.StatusOK
		}
		answer{code, f.ContentType, []byte(f.Body)}.write(w)
	case f.Truncate > 0:
		a.body = a.body[:min(f.Truncate, len(a.body))]
		a.write(w)
	case f.Hang:
		<-req.Context().Done()
	default:
		if f.CutAt > 0 {
			w.Header().Set("Content-Type", a.contentType)
			w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
			_, _ = w.Write(a.body[:min(f.CutAt, len(a.body))])
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}
}

// status is what the real server says for a code.
func (f *Fault) status(r Request) answer {
	t, _ := parsePath(r.Path)
	group := kinds[t.resource].gv.Group
	switch f.Status {
	case http.StatusForbidden:
		verb, resource, where := "list", t.resource, " at the cluster scope"
		if t.name != "" {
			verb = "get"
		}
		if group != "" {
			resource += "." + group
		}
		if t.namespace != "" {
			where = fmt.Sprintf(" in the namespace %q", t.namespace)
		}
		return statusOf(metav1.Status{
			Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden,
			Message: fmt.Sprintf("%s is forbidden: User %q cannot %s resource %q in API group %q%s", resource, User, verb, t.resource, group, where),
			Details: &metav1.StatusDetails{Group: group, Kind: t.resource},
		})
	case http.StatusUnauthorized:
		return statusAnswer(f.Status, metav1.StatusReasonUnauthorized, "Unauthorized")
	case http.StatusGone:
		return statusAnswer(f.Status, metav1.StatusReasonExpired, "The provided continue parameter is too old to display a consistent list result.")
	case http.StatusTooManyRequests:
		return statusAnswer(f.Status, metav1.StatusReasonTooManyRequests, "too many requests, please try again later")
	}
	return statusAnswer(f.Status, metav1.StatusReasonInternalError, "Internal error occurred: "+http.StatusText(f.Status))
}

func decoded(query string) string {
	if q, err := url.QueryUnescape(query); err == nil {
		return q
	}
	return query
}
