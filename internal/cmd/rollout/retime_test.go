package rollout

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// timedOut makes a run rest since its --timeout was over.
func timedOut(r *rollout.Run) {
	r.Because = &rollout.Cause{Code: rollout.PauseTimeout}
	r.Policy.Until, r.Policy.Timeout = nil, &metav1.Duration{Duration: time.Hour}
}

// A run gets new times by the write that takes it, and nothing else of it
// changes.
func TestNewTimesOfARun(t *testing.T) {
	past, later := metav1.NewTime(monday.Add(-time.Hour)), metav1.NewTime(time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC))
	window := "Mon-Fri 09:00-17:00 Europe/Berlin"
	for _, c := range []struct {
		name string
		verb rollout.Verb
		args []string
		run  func(*rollout.Run)
		want string // until and windows, or an error
	}{
		{"resume of a time that is past", rollout.VerbResume, nil, nil, "the --until of run 7f3k, 2026-11-23 14:30Z, is past; go on without it: kubectl ds-rollout resume -n logging agent --until none; or with a later time"},
		{"takeover, too", rollout.VerbTakeover, nil, nil, "kubectl ds-rollout takeover -n logging agent --until none"},
		{"none", rollout.VerbResume, []string{"--until", "none"}, nil, "never []"},
		{"later", rollout.VerbResume, []string{"--until", "17:00Z"}, nil, "17:00Z []"},
		{"a window as well", rollout.VerbResume, []string{"--until", "none", "--window", window}, nil, "never [" + window + "]"},
		{"a window taken away", rollout.VerbResume, []string{"--window", "none"}, func(r *rollout.Run) { r.Policy.Until, r.Policy.Windows = &later, []string{window} }, "17:00Z []"},
		{"nothing asked, nothing past", rollout.VerbResume, nil, func(r *rollout.Run) { r.Policy.Until = &later }, "17:00Z []"},
		{"only to land", rollout.VerbResume, nil, func(r *rollout.Run) { r.InFlight = []rollout.Flight{{Node: "node-1", NodeUID: "u"}} }, "14:30Z []"},
		{"only to clean up", rollout.VerbResume, nil, func(r *rollout.Run) { r.Phase = rollout.Finishing }, "14:30Z []"},
		{"a way back that a person asked for", rollout.VerbResume, nil, func(r *rollout.Run) { r.Undo = &rollout.Undo{TouchPods: true, Asked: true} }, "14:30Z []"},
		{"undo", rollout.VerbUndo, nil, nil, "14:30Z []"},
		{"a time that is over", rollout.VerbResume, []string{"--timeout", "2h"}, timedOut, "never [] 2h0m0s"},
		{"a time that is over, for ever now", rollout.VerbTakeover, []string{"--timeout", "0"}, timedOut, "never []"},
		{"a time that is over, as long again", rollout.VerbResume, nil, timedOut, "never [] 1h0m0s"},
		{"a time before now", rollout.VerbResume, []string{"--timeout=-1m"}, timedOut, "--timeout takes a time as in 2h, not -1m"},
		{"a zone that is none", rollout.VerbResume, []string{"--until", "none", "--window", "Mon 09:00-10:00 Mars/Base"}, nil, "is not a time zone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := runOfJane()
			run.Policy.Until = &past
			run.Phase, run.Because, run.Target.Hash = rollout.Paused, &rollout.Cause{Code: rollout.PauseUntil}, "new"
			if c.run != nil {
				c.run(run)
			}
			stored, err := rollout.EncodeRun(run)
			if err != nil {
				t.Fatal(err)
			}
			o := newGoOn(t, testApp(""), c.verb, c.args...)
			at := &connection{name: "agent", Cluster: &cli.Cluster{Namespace: "logging"}}
			next := run.DeepCopy()
			if err := o.retime(at, next); err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("got  %v\nwant %s", err, c.want)
				}
				return
			}
			until := "never"
			if next.Policy.Until != nil {
				until = next.Policy.Until.UTC().Format("15:04Z")
			}
			got := until + " [" + strings.Join(next.Policy.Windows, ",") + "]"
			if t := next.Policy.Timeout; t != nil {
				got += " " + t.Duration.String()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if b, err := rollout.EncodeRun(run); err != nil || !bytes.Equal(b, stored) {
				t.Errorf("the run that was shown has changed: %v %s", err, b)
			}
			b, err := rollout.EncodeRun(next)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := rollout.DecodeRun(b); err != nil || back.GatesSHA256 != run.GatesSHA256 {
				t.Errorf("it cannot be read again: %v", err)
			}
		})
	}
}
