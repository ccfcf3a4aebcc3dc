package coverage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func condOf(failOn []string, min *float64, allow bool) coverage.Condition {
	return coverage.Condition{FailOn: failOn, MinCoverage: min, AllowUnknown: allow}
}

// scripted answers each reading with the next of its steps, the last for ever.
type scripted struct {
	t     *testing.T
	steps []func() (*snapshot.Snapshot, error)
	reads int
}

func (s *scripted) read(context.Context, func(string)) (*snapshot.Snapshot, error) {
	step := s.steps[min(s.reads, len(s.steps)-1)]
	s.reads++
	return step()
}

func (s *scripted) more(context.Context, *snapshot.Snapshot, snapshot.More) error { return nil }

func (s *scripted) namespaces(context.Context) []string { return nil }

// cluster reads the capture of the tests; mended, its crash loop is over.
func (s *scripted) cluster(mended bool) func() (*snapshot.Snapshot, error) {
	return func() (*snapshot.Snapshot, error) {
		b, err := os.ReadFile(filepath.Join("testdata", "cluster.yaml"))
		if err != nil {
			s.t.Fatal(err)
		}
		if mended {
			b = bytes.ReplaceAll(b, []byte(`status: "False"`), []byte(`status: "True"`))
		}
		return archive.Read(context.Background(), archive.Stdin, bytes.NewReader(b), snapshot.Scope{})
	}
}

func fault(err error) func() (*snapshot.Snapshot, error) {
	return func() (*snapshot.Snapshot, error) { return nil, err }
}

// waiting runs --wait --fail-on gaps in a bubble, where time passes at once.
func waiting(t *testing.T, timeout time.Duration, steps func(*scripted)) (out, errOut string, reads int, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, stdout, stderr := newApp()
		a.clock = time.Now
		s := &scripted{t: t}
		steps(s)
		o := &reportOptions{app: a, streams: a.streams, interval: waitInterval}
		o.Source.Grace = time.Minute
		o.Source.At = monday
		o.View.Quiet = true
		o.Condition = condition{Condition: condOf([]string{"gaps"}, nil, false), Wait: true, Timeout: timeout}
		err = o.wait(t.Context(), s, cli.NewProgress(stderr, a.clock))
		out, errOut, reads = stdout.String(), stderr.String(), s.reads
	})
	return out, errOut, reads, err
}

func TestWaitEndsWhenTheConditionHolds(t *testing.T) {
	out, errOut, reads, err := waiting(t, time.Minute, func(s *scripted) {
		s.steps = append(s.steps, s.cluster(false), s.cluster(false), s.cluster(true))
	})
	if err != nil || reads != 3 {
		t.Errorf("got %v after %d readings, want success after 3", err, reads)
	}
	if !strings.Contains(out, "No gaps") {
		t.Errorf("the report at the end says %q", out)
	}
	if errOut != "waiting for no gaps: 1 gap (0s of 60s)\n" {
		t.Errorf("stderr says %q: once what it waits for, as nothing changed", errOut)
	}
}

func TestWaitRunsOutOfTime(t *testing.T) {
	// A little more, since two timers that end together end in any order.
	out, errOut, reads, err := waiting(t, 3*time.Minute+time.Second, func(s *scripted) { s.steps = append(s.steps, s.cluster(false)) })
	if code := cli.CodeOf(t.Context(), err); code != cli.TimedOut {
		t.Errorf("exit code %d (%v), want %d", code, err, cli.TimedOut)
	}
	if want := int(3*time.Minute/waitInterval) + 1; reads != want {
		t.Errorf("%d readings, want %d", reads, want)
	}
	if n := strings.Count(errOut, "waiting for"); n != 4 {
		t.Errorf("%d lines in 3 minutes, want one at once and one a minute:\n%s", n, errOut)
	}
	if !strings.Contains(out, "1 gap on 1 node") {
		t.Errorf("the last report is missing: %q", out)
	}
}

func TestALargeClusterIsNotReadWithoutPause(t *testing.T) {
	_, _, reads, _ := waiting(t, 3*time.Minute, func(s *scripted) {
		read := s.cluster(false)
		s.steps = append(s.steps, func() (*snapshot.Snapshot, error) {
			pause(context.Background(), 10*time.Second) // of the bubble
			return read()
		})
	})
	if reads != 5 { // a reading of 10s, then 30s of rest
		t.Errorf("%d readings in 3 minutes, want 5", reads)
	}
}

func TestWaitOutlivesAServerThatRestarts(t *testing.T) {
	_, errOut, _, err := waiting(t, time.Minute, func(s *scripted) {
		s.steps = append(s.steps, s.cluster(false), fault(errors.New("connection refused")), s.cluster(true))
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(errOut, "cannot read: connection refused") {
		t.Errorf("stderr does not tell of the failure: %q", errOut)
	}
}

func forbidden() error {
	return fmt.Errorf("read: %w", apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "daemonsets"}, "", errors.New("no")))
}

// without is a reading that a role, or a fault, keeps from a resource.
func (s *scripted) without(mended bool, resource, namespace string, forbidden bool) func() (*snapshot.Snapshot, error) {
	return func() (*snapshot.Snapshot, error) {
		snap, err := s.cluster(mended)()
		if err != nil {
			return nil, err
		}
		if resource == snapshot.ResourceNodes {
			snap.Nodes = nil
		}
		if resource == snapshot.ResourcePods {
			snap.Pods = slices.DeleteFunc(snap.Pods, func(p snapshot.Pod) bool { return p.Namespace == namespace })
		}
		snap.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: resource, Namespace: namespace, Error: "no", Forbidden: forbidden}}
		return snap, nil
	}
}

func TestWaitEndsWithAnErrorThatTimeDoesNotMend(t *testing.T) {
	gone := &kube.NotFoundError{Namespace: "x", Name: "y"}
	for name, steps := range map[string]func(*scripted){
		"the first reading fails":   func(s *scripted) { s.steps = append(s.steps, fault(errors.New("refused"))) },
		"the DaemonSet was deleted": func(s *scripted) { s.steps = append(s.steps, s.cluster(false), fault(fmt.Errorf("read: %w", gone))) },
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := waiting(t, time.Minute, steps)
			if code := cli.CodeOf(t.Context(), err); code != cli.Usage {
				t.Errorf("exit code %d (%v), want the error itself", code, err)
			}
		})
	}
}

// What fails may be there at the next reading, and an API server that starts
// refuses everything at first. What a role refuses at the first reading, or for
// 30 s, stays refused. A gap that is known may be closed all the same.
func TestWaitEndsWhereARoleRefusesWhatItNeeds(t *testing.T) {
	const nodes, pods = snapshot.ResourceNodes, snapshot.ResourcePods
	for _, c := range []struct {
		name  string
		steps func(*scripted) []func() (*snapshot.Snapshot, error)
		code  int
		reads int
		met   string // the answer of the report at the end; empty for none
	}{
		{"a read that failed", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.without(true, nodes, "", false), s.cluster(true)}
		}, cli.OK, 2, "True"},
		{"nodes, at first", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.without(true, nodes, "", true), s.cluster(true)}
		}, cli.CannotTell, 1, "Unknown"},
		{"the list of DaemonSets, at first", func(*scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){fault(forbidden())}
		}, cli.CannotTell, 1, ""},
		{"the list of DaemonSets, once", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.cluster(false), fault(forbidden()), s.cluster(true)}
		}, cli.OK, 3, "True"},
		{"nodes, once", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.cluster(false), s.without(true, nodes, "", true), s.cluster(true)}
		}, cli.OK, 3, "True"},
		{"the list of DaemonSets, from the second reading on", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.cluster(false), fault(forbidden())}
		}, cli.CannotTell, 2 + int(refusalStands/waitInterval), ""},
		{"nodes, from the second reading on", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.cluster(false), s.without(true, nodes, "", true)}
		}, cli.CannotTell, 2 + int(refusalStands/waitInterval), "Unknown"},
		{"pods of one namespace, and gaps in the other", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.without(false, pods, "kube-system", true)}
		}, cli.TimedOut, 1 + int(time.Minute/waitInterval), "False"},
		{"pods of one namespace, and gaps in the other that are closed", func(s *scripted) []func() (*snapshot.Snapshot, error) {
			return []func() (*snapshot.Snapshot, error){s.without(false, pods, "kube-system", true), s.without(true, pods, "kube-system", true)}
		}, cli.CannotTell, 1 + int(refusalStands/waitInterval), "Unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, reads, err := waiting(t, time.Minute+time.Second, func(s *scripted) { s.steps = c.steps(s) })
			if code := cli.CodeOf(t.Context(), err); code != c.code || reads != c.reads {
				t.Errorf("exit code %d (%v) after %d readings, want %d after %d", code, err, reads, c.code, c.reads)
			}
			for met, text := range map[string]string{"True": "No gaps, ", "False": "1 gap on 1 node", "Unknown": "No gaps in what could be read"} {
				if strings.Contains(out, text) != (met == c.met) {
					t.Errorf("the report at the end: %q, want what is said of an answer %q", out, c.met)
				}
			}
		})
	}
}
