package coverage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	if errOut != "waiting for no gaps: 1 gaps (0s of 60s)\n" {
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

func TestWaitEndsWithAnErrorThatTimeDoesNotMend(t *testing.T) {
	gone := &kube.NotFoundError{Namespace: "x", Name: "y"}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "daemonsets"}, "", errors.New("no"))
	for name, steps := range map[string]func(*scripted){
		"the first reading fails": func(s *scripted) { s.steps = append(s.steps, fault(errors.New("refused"))) },
		"a role is taken away": func(s *scripted) {
			s.steps = append(s.steps, s.cluster(false), fault(fmt.Errorf("read: %w", forbidden)))
		},
		"the DaemonSet was deleted": func(s *scripted) { s.steps = append(s.steps, s.cluster(false), fault(fmt.Errorf("read: %w", gone))) },
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := waiting(t, time.Minute, steps)
			if err == nil || cli.CodeOf(t.Context(), err) == cli.TimedOut {
				t.Errorf("got %v, want the error itself", err)
			}
		})
	}
}

// What fails may be there at the next reading; what a role refuses is not.
func TestWaitEndsAtOnceWhereARoleRefusesWhatItNeeds(t *testing.T) {
	for _, forbidden := range []bool{false, true} {
		out, errOut, reads, err := waiting(t, time.Minute, func(s *scripted) {
			s.steps = append(s.steps, func() (*snapshot.Snapshot, error) {
				snap, err := s.cluster(true)()
				if err == nil {
					snap.Nodes = nil
					snap.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourceNodes, Error: "no", Forbidden: forbidden}}
				}
				return snap, err
			}, s.cluster(true))
		})
		switch code := cli.CodeOf(t.Context(), err); {
		case !forbidden && (err != nil || reads != 2):
			t.Errorf("a read that failed: %v after %d readings, want success after 2", err, reads)
		case forbidden && (code != cli.CannotTell || reads != 1 || errOut != "" || !strings.Contains(out, "Coverage cannot be told")):
			t.Errorf("a read that is forbidden: exit code %d (%v) after %d readings, want %d after 1; %q %q", code, err, reads, cli.CannotTell, out, errOut)
		}
	}
}
