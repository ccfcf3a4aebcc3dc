package main

import (
	"regexp"
	"slices"
	"testing"
)

var runID = regexp.MustCompile(`(\brun[= ]|\bRun |"run":")([a-z0-9]{4})\b`)

// runs tell which run of now a document means by the id that it shows, of when
// it was written.
type runs struct{ shown map[string]string }

// same reports whether a document means one run by one id: what was printed of
// a run of now is shown under the id that it had before.
func (r *runs) same(shown, printed string) bool {
	if r.shown == nil {
		r.shown = map[string]string{}
	}
	old, now := ids(shown), ids(printed)
	if len(old) != len(now) {
		return true // lines are left out: which is which cannot be told
	}
	for i, id := range now {
		if r.shown[id] == "" {
			r.shown[id] = old[i]
		}
		if r.shown[id] != old[i] {
			return false
		}
	}
	return true
}

// ids are those of the runs in a text, in their order.
func ids(text string) []string {
	var out []string
	for _, m := range runID.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[2]) {
			out = append(out, m[2])
		}
	}
	return out
}

func TestARunHasOneIDInADocument(t *testing.T) {
	var r runs
	for _, c := range []struct {
		shown, printed string
		want           bool
	}{
		{"Run aaaa started", "Run 1111 started", true},
		{"run=aaaa done", "run=1111 done", true},
		{"STOPPED  run bbbb of run bbbb", "STOPPED  run 1111 of run 1111", false},
		{`{"run":"cccc"}`, `{"run":"2222"}`, true},
		{"run dddd\nrun eeee", "run 1111\nrun 2222", false},
		{"run aaaa\nrun cccc", "run 1111\nrun 2222", true},
		{"run ffff", "run 1111\nrun 2222", true},
		{"none", "none", true},
	} {
		if got := r.same(c.shown, c.printed); got != c.want {
			t.Errorf("%q, printed %q, is the same: %v, want %v", c.shown, c.printed, got, c.want)
		}
	}
}
