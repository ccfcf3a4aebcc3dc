package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Request is one that a plugin sent and that could have changed something,
// whatever became of it.
type Request struct {
	At                    time.Time
	User                  string
	Verb                  string // of RBAC
	Resource, Subresource string
	Namespace, Name       string
	Code                  int
	DryRun                bool
}

// String prints the request.
func (r Request) String() string {
	what := r.Resource
	if r.Subresource != "" {
		what += "/" + r.Subresource
	}
	return fmt.Sprintf("%s %s %s %s/%s: %d", r.User, r.Verb, what, r.Namespace, r.Name, r.Code)
}

// Requests are those of a user. Reviews of what one may do are no writes.
func (l *Log) Requests(user string) []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Request
	for _, r := range l.requests {
		if r.User == user {
			out = append(out, r)
		}
	}
	return out
}

// agent is how a line of the plugins looks before it is decoded: most lines are
// not theirs.
var agent = []byte(`"userAgent":"` + ours)

// sent reads a line of the plugins; nil where it is none, or a read.
func sent(text []byte) (*Request, error) {
	if !bytes.Contains(text, agent) {
		return nil, nil
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("reading a line of the audit log: %w", err)
	}
	switch l.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
	default:
		return nil, nil
	}
	ref := &l.ObjectRef
	if l.Stage != "ResponseComplete" || ref.APIGroup == "authorization.k8s.io" || ref.APIGroup == "authentication.k8s.io" {
		return nil, nil
	}
	return &Request{
		At: l.Received, User: l.User.Username, Verb: l.Verb, Resource: ref.Resource, Subresource: ref.Subresource,
		Namespace: ref.Namespace, Name: ref.Name, Code: l.ResponseStatus.Code, DryRun: strings.Contains(l.RequestURI, "dryRun="),
	}, nil
}
