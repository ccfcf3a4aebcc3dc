package audit

import (
	"strings"
	"testing"
)

func TestRequestsOfAUserAreCountedWhateverBecameOfThem(t *testing.T) {
	var log Log
	var b strings.Builder
	for _, r := range []request{
		{agent: "kubectl-ds/1", user: "ann", verb: "delete", resource: "pods", name: "p", code: 409, answer: "null"},
		{agent: "kubectl-ds/1", user: "ann", verb: "create", resource: "events", name: "", code: 201, answer: "null"},
		{agent: "kubectl-ds/1", user: "ann", verb: "list", resource: "pods", answer: "null"},
		{agent: "kubectl-ds/1", user: "bob", verb: "patch", resource: "nodes", name: "n1", code: 409, answer: "null"},
		{agent: "kubectl/1", user: "ann", verb: "patch", resource: "nodes", name: "n1", code: 403, answer: "null"},
	} {
		b.WriteString(r.line())
	}
	if err := log.Parse(strings.NewReader(b.String())); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range log.Requests("ann") {
		got = append(got, r.String())
	}
	if want := "ann delete pods ns/p: 409, ann create events ns/: 201"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
