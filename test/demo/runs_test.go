package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var runID = regexp.MustCompile(`(\brun[= ]|\bRun |"run":")([a-z0-9]{4})\b`)

// runs tell which run of now a document means by the id that it shows: one of
// when it was written.
type runs struct{ shown map[string]string }

// same returns what a document shows, with one id for one run: the first that
// the document shows for it.
func (r *runs) same(shown, printed string) string {
	if r.shown == nil {
		r.shown = map[string]string{}
	}
	old, now := ids(shown), ids(printed)
	if len(old) != len(now) {
		return shown // lines are left out: which is which cannot be told
	}
	named := map[string]string{}
	for i, id := range now {
		if r.shown[id] == "" {
			r.shown[id] = old[i]
		}
		named[old[i]] = r.shown[id]
	}
	return runID.ReplaceAllStringFunc(shown, func(s string) string {
		return strings.TrimSuffix(s, s[len(s)-4:]) + named[s[len(s)-4:]]
	})
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
	for _, c := range []struct{ shown, printed, want string }{
		{"Run aaaa started", "Run 1111 started", "Run aaaa started"},
		{"run=aaaa done", "run=1111 done", "run=aaaa done"},
		{"STOPPED  run bbbb of run bbbb", "STOPPED  run 1111 of run 1111", "STOPPED  run aaaa of run aaaa"},
		{`{"run":"cccc"}`, `{"run":"2222"}`, `{"run":"cccc"}`},
		{"run dddd\nrun eeee", "run 1111\nrun 2222", "run aaaa\nrun cccc"},
		{"run ffff", "run 1111\nrun 2222", "run ffff"},
		{"none", "none", "none"},
	} {
		if got := r.same(c.shown, c.printed); got != c.want {
			t.Errorf("%q, printed %q, becomes %q, want %q", c.shown, c.printed, got, c.want)
		}
	}
}
