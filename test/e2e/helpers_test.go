package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

// plugin runs `kubectl ds-coverage ARGS` and demands an exit code.
func plugin(t *testing.T, k *kubectl.Kubectl, code int, args ...string) kubectl.Result {
	t.Helper()
	r, err := k.Run(t.Context(), append([]string{"ds-coverage"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != code {
		t.Fatalf("kubectl ds-coverage %s: exit code %d, want %d\nstdout: %s\nstderr: %s",
			strings.Join(args, " "), r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

// report decodes -o json.
func report(t *testing.T, r kubectl.Result) *coverage.DaemonSetCoverageList {
	t.Helper()
	l := &coverage.DaemonSetCoverageList{}
	if err := json.Unmarshal([]byte(r.Stdout), l); err != nil {
		t.Fatalf("decoding the report: %v\n%.400s", err, r.Stdout)
	}
	return l
}

// verdicts indexes a report by namespace/daemonset@node.
func verdicts(l *coverage.DaemonSetCoverageList) map[string]coverage.NodeVerdict {
	out := map[string]coverage.NodeVerdict{}
	for i := range l.Items {
		d := &l.Items[i]
		for _, v := range d.Nodes {
			out[d.Namespace+"/"+d.Name+"@"+v.Node] = v
		}
	}
	return out
}

// oneLine demands exactly one line on stderr that holds all words.
func oneLine(t *testing.T, r kubectl.Result, words ...string) {
	t.Helper()
	// kubectl adds nothing on Unix: the plugin's process takes its place.
	text := strings.TrimSuffix(r.Stderr, "\n")
	if text == "" || strings.Contains(text, "\n") {
		t.Errorf("want one line on stderr, got:\n%s", r.Stderr)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("stderr lacks %q: %s", w, text)
		}
	}
}

// contextOfCleanup lives as long as a cleanup may take: the test's own context
// is done by then.
func contextOfCleanup(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
