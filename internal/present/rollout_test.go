package present

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// rolloutScreen is one screen, as a test can print it.
type rolloutScreen struct {
	name string
	show func(b *bytes.Buffer, o Options) error
}

const testFlags = "--context train-eu-1"

func planView(t testing.TB, f *fleet, p *rollout.Policy, in rollout.PlanInput) *PlanView {
	t.Helper()
	before, after := ciliumTemplate("v1.19.1"), f.ds.Spec.Template
	return &PlanView{
		Plan: f.plan(t, p, in), Context: "train-eu-1", Server: "https://train-eu-1.example.com", Change: rollout.TemplateDiff(&before, &after),
		ChangedBy: "argocd-controller", ChangedAt: f.now.Add(-18 * time.Minute), Now: f.now, CommandFlags: testFlags,
	}
}

func planScreens(t testing.TB) []rolloutScreen {
	show := func(v *PlanView) func(*bytes.Buffer, Options) error {
		return func(b *bytes.Buffer, o Options) error { return WritePlan(b, v, o) }
	}
	refused := newFleet(afternoon)
	refused.ds.ManagedFields = nil
	refused.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	rv := planView(t, refused, &rollout.Policy{}, rollout.PlanInput{Denied: []string{"delete pods in kube-system", "patch daemonsets in kube-system"}})
	rv.Limit = "maxUnavailable 2%"
	change := newFleet(afternoon)
	change.ds.ManagedFields = nil
	for _, n := range change.s.Nodes[:3] {
		n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "batch", Effect: corev1.TaintEffectNoExecute}}
	}
	change.ds.Spec.Template.Spec.Tolerations = nil
	tmpl := change.ds.Spec.Template
	p := scenePolicy()
	p.Until, p.FenceBroken, p.Drain, p.ExcludeNodes = nil, true, &rollout.Drain{}, []string{armCanary}
	cv := planView(t, change, p, rollout.PlanInput{Template: &tmpl})
	v := planView(t, newFleet(afternoon), scenePolicy(), rollout.PlanInput{})
	return []rolloutScreen{
		{"plan", show(v)},
		{"plan-refused", show(rv)},
		{"plan-change", show(cv)},
		{"plan-nodes", func(b *bytes.Buffer, o Options) error {
			short := *cv.Plan
			short.Nodes = slices.Concat(short.Nodes[:5], short.Nodes[len(short.Nodes)-6:])
			return WritePlanNodes(b, &PlanView{Plan: &short, Context: "train-eu-1"}, o)
		}},
	}
}

func fleetCounts(f *fleet) []rollout.RevisionCount { return rollout.CountRevisions(f.view(), f.now) }

// failedCanary is a run that stopped at its first node.
func failedCanary(t testing.TB) *StoppedView {
	t.Helper()
	f := newFleet(afternoon)
	cause := rollout.Cause{Code: rollout.StopFailed, Node: armCanary, Message: "its new pod is not available after 10m"}
	r := f.run(t, rollout.Stopped, &cause)
	r.TemplateOwner = "argocd-controller"
	r.Failed = []rollout.Failure{{Node: armCanary, Reason: string(coverage.CrashLoop), Message: cause.Message}}
	for i, n := range f.canaries(r) {
		r.Touched = append(r.Touched, i)
		if n == armCanary {
			f.crash(n, `level=fatal msg="unsupported system page size"`)
		} else {
			f.update(n, 20*time.Minute)
		}
	}
	for i := range 6 {
		f.s.Pods = append(f.s.Pods, snapshot.Pod{
			Namespace: "team-a", Name: fmt.Sprintf("api-7d9f6c-k4x%db", i), UID: "api", Node: armCanary, Phase: corev1.PodRunning,
			Created: snapshot.Time(f.now.Add(-time.Hour).Unix()), ReadySince: snapshot.Time(f.now.Add(-time.Minute).Unix()),
		})
	}
	v, o := f.view(), rollout.NewObserved(f.now, 1)
	d := rollout.Decide(r.Policy, r, v, o, f.now)
	if d.Stop == nil {
		t.Fatalf("the run does not stop: %+v", d)
	}
	return &StoppedView{
		Context: "train-eu-1", Stop: d.Stop, Status: rollout.StatusOf(r.Policy, r, v, o, f.now), Run: r, Counts: fleetCounts(f),
		Around: rollout.Compare(v, r, armCanary, f.now), Choices: rollout.Choices(r, v, f.now), Keys: true, CommandFlags: testFlags,
	}
}

func stopScreens(t testing.TB) []rolloutScreen {
	show := func(v *StoppedView) func(*bytes.Buffer, Options) error {
		return func(b *bytes.Buffer, o Options) error { return WriteStopped(b, v, o) }
	}
	gate := *failedCanary(t)
	gate.Keys, gate.Around = false, nil
	gate.Stop = &rollout.Stop{Because: rollout.Cause{Code: rollout.StopGate, Gate: "errors", Wave: 2, Message: "query returned 3 series"}, Resumable: true}
	run := *gate.Run
	run.TemplateOwner, run.Original = "", "RollingUpdate"
	gate.Run = &run
	gate.Choices = []rollout.Choice{{Verb: rollout.VerbUndo, Pods: 3}}
	never := gate
	never.Stop = &rollout.Stop{Because: rollout.Cause{Code: rollout.StopChange, Message: "abort, and start again"}, Resumable: true}
	never.Choices = nil
	return []rolloutScreen{{"stopped", show(failedCanary(t))}, {"stopped-gate", show(&gate)}, {"stopped-never-applied", show(&never)}}
}

func restScreens(t testing.TB) []rolloutScreen {
	f := newFleet(afternoon)
	since := metav1.NewTime(f.now.Add(-time.Minute))
	r := f.run(t, rollout.Paused, &rollout.Cause{Code: rollout.PauseApproval, Wave: 1, Since: &since})
	for _, n := range f.canaries(r) {
		f.update(n, 5*time.Minute)
	}
	st := rollout.StatusOf(r.Policy, r, f.view(), rollout.NewObserved(f.now, 1), f.now)
	ended := *st
	ended.Phase, ended.Outcome = rollout.Ended, rollout.OutcomeDone
	undone := *r
	undone.Original = "RollingUpdate"
	back := ended
	back.Target = ended.From
	back.Target.Number = 43 // the template of 41 again
	end := func(r *rollout.Run, d *rollout.Done) func(b *bytes.Buffer, o Options) error {
		return func(b *bytes.Buffer, o Options) error {
			st := &ended
			if d.Outcome == rollout.OutcomeUndone {
				st = &back
			}
			return WriteEnded(b, &EndedView{Context: "train-eu-1", Status: st, Run: r, Done: d, Counts: fleetCounts(f), CommandFlags: testFlags}, o)
		}
	}
	return []rolloutScreen{
		{"paused", func(b *bytes.Buffer, o Options) error {
			return WritePaused(b, &PausedView{Context: "train-eu-1", Status: st, Run: r, Counts: fleetCounts(f), CommandFlags: testFlags}, o)
		}},
		{"done", end(r, &rollout.Done{Outcome: rollout.OutcomeDone, Nodes: 191})},
		{"done-left", end(&undone, &rollout.Done{Outcome: rollout.OutcomeDone, Nodes: 187, Exit: 1, Left: []rollout.Left{
			{Node: lostNodeName, What: rollout.LeftOldPod, Reason: "the node is lost"},
			{Node: "ip-10-0-30-9", What: rollout.LeftOldPod, Reason: "its pod would not come back: the node is not eligible now"},
			{Node: "ip-10-0-30-17", What: rollout.LeftOldPod, Reason: "its pod would not come back: the node is not eligible now"},
			{Node: "ip-10-0-61-9", What: rollout.LeftSkipped, Reason: "skipped by a person"},
			{Node: lostNodeName, What: rollout.LeftStrategy, Reason: "old pods remain, which the controller would begin to replace immediately, up to maxUnavailable at a time"},
		}})},
		{"undone", end(&undone, &rollout.Done{Outcome: rollout.OutcomeUndone, Nodes: 190})},
		{"aborted", end(&undone, &rollout.Done{Outcome: rollout.OutcomeAborted, Nodes: 31, Exit: 1, Left: []rollout.Left{
			{Node: "ip-10-0-30-9", What: rollout.LeftStrategy, Reason: "old pods remain, which the controller would begin to replace immediately, up to maxUnavailable at a time"},
		}})},
	}
}

// nextMorning is the resume, from another laptop, of a run that --until paused.
func nextMorning(t testing.TB) *ResumeView {
	t.Helper()
	morning := afternoon.Add(17*time.Hour + 44*time.Minute)
	f := newFleet(morning)
	since := metav1.NewTime(morning.Add(-16*time.Hour - 4*time.Minute))
	r := f.run(t, rollout.Paused, &rollout.Cause{Code: rollout.PauseUntil, Since: &since})
	for _, m := range r.Members[:83] {
		f.update(m.Node, 17*time.Hour)
	}
	gone := r.Members[100].Node
	f.s.Nodes = slices.DeleteFunc(f.s.Nodes, func(n *corev1.Node) bool { return n.Name == gone })
	f.s.Pods = slices.DeleteFunc(f.s.Pods, func(p snapshot.Pod) bool { return p.Node == gone })
	for i := range 2 {
		n := f.s.Nodes[0].DeepCopy()
		n.Name, n.UID = fmt.Sprintf("ip-10-0-150-%d", i+3), "new"
		f.s.Nodes = append(f.s.Nodes, n)
		f.pod(n.Name, hash42, 10*time.Hour)
	}
	goesOn := r.DeepCopy()
	goesOn.Policy = r.Policy.DeepCopy()
	goesOn.Policy.Until = nil
	return &ResumeView{
		Context: "train-eu-1", Run: r, Policy: goesOn.Policy, Facts: rollout.ResumeOf(goesOn, f.view(), morning), Now: morning,
		Lock: Lock{Holder: "oncall@example.com on host-17", Renewed: since.Time, Free: true},
	}
}

func resumeScreens(t testing.TB) []rolloutScreen {
	show := func(v *ResumeView) func(*bytes.Buffer, Options) error {
		return func(b *bytes.Buffer, o Options) error { return WriteResume(b, v, o) }
	}
	changed := nextMorning(t)
	facts := *changed.Facts
	facts.Differs = []string{"the template is not that of revision 42 any more", "updateStrategy is RollingUpdate, not OnDelete: somebody took it back"}
	facts.InFlight, facts.Failed, facts.JoinedDown = []string{"ip-10-0-33-18"}, []rollout.Failure{{Node: "ip-10-0-33-40", Reason: "CrashLoop"}}, facts.Joined[:1]
	changed.Facts = &facts
	changed.Lock = Lock{Holder: "oncall@example.com on host-17", Renewed: changed.Now.Add(-20 * time.Second), FreeIn: 10 * time.Second}
	return []rolloutScreen{{"resume", show(nextMorning(t))}, {"resume-changed", show(changed)}}
}

func driven() *StatusView {
	now := time.Date(2026, 11, 23, 16, 10, 31, 0, time.UTC)
	st := &rollout.Status{
		Run: "7f3k", Namespace: "kube-system", Name: "cilium", At: now, Phase: rollout.Running,
		Target: rollout.Revision{Hash: hash42, Number: 42}, From: rollout.Revision{Hash: hash41, Number: 41}, Ceiling: 4,
		Taken: []string{lostNodeName, "ip-10-0-33-18", "ip-10-0-33-40", "ip-10-0-34-2"}, Done: 31, Total: 190,
		Waves: []rollout.WaveStatus{{Number: 1, Nodes: 3, Done: 3, Begun: true}, {Number: 2, Nodes: 7, Done: 7, Begun: true}, {Number: 3, Nodes: 38, Done: 21, Begun: true}, {Number: 4, Nodes: 142}},
		Flights: []rollout.FlightStatus{
			{Node: "ip-10-0-33-18", Zone: "a", Wave: 3, Code: rollout.WaitSoak, Since: now.Add(-118 * time.Second), Until: now.Add(48 * time.Second), Pod: "cilium-x7k2p", Soaks: 72 * time.Second},
			{Node: "ip-10-0-33-40", Zone: "a", Wave: 3, Code: rollout.WaitAvailable, Since: now.Add(-31 * time.Second), Pod: "cilium-9qv4d"},
			{Node: "ip-10-0-34-2", Zone: "a", Wave: 3, Code: rollout.WaitTerminating, Since: now.Add(-4 * time.Second), Pod: "cilium-l2m8z"},
		},
		Joined: []string{"ip-10-0-150-3"},
	}
	return &StatusView{
		Context: "train-eu-1", Status: st, Started: now.Add(-40 * time.Minute), CommandFlags: testFlags,
		Counts: []rollout.RevisionCount{{Number: 42, Hash: hash42, Pods: 34, Available: 33, Failing: 1}, {Number: 41, Hash: hash41, Pods: 158, Available: 156, Ending: 1, Lost: 1}},
		Lock:   Lock{Holder: "oncall@example.com on host-17", Renewed: now.Add(-4 * time.Second)},
	}
}

func statusScreens() []rolloutScreen {
	show := func(v *StatusView) func(*bytes.Buffer, Options) error {
		return func(b *bytes.Buffer, o Options) error { return WriteStatus(b, v, o) }
	}
	halted := driven()
	at := metav1.NewTime(halted.Status.At.Add(-20 * time.Minute))
	halted.Lock = Lock{}
	halted.Status.Phase, halted.Status.Because, halted.Status.Flights = rollout.Stopped, &rollout.Cause{Code: rollout.StopFailed, Node: armCanary, Message: "not available after 10m", Since: &at}, nil
	halted.Status.Failed = []rollout.Failure{{Node: armCanary, Reason: "CrashLoop", Message: "not available after 10m"}}
	halted.Status.Skipped, halted.Status.Gone, halted.Status.Rearms, halted.Status.Drifted = []string{"ip-10-0-30-9"}, []string{"ip-10-0-131-50"}, 1, true
	halted.Status.Cordoned = []string{armCanary}
	silent := driven()
	silent.Lock.Renewed, silent.Lock.FreeIn = silent.Status.At.Add(-20*time.Second), 10*time.Second
	dead := driven()
	dead.Lock.Dead = true
	asking := driven()
	asking.Lock = Lock{}
	asking.Status.Phase, asking.Status.Because, asking.Status.Flights = rollout.Paused, &rollout.Cause{Code: rollout.PauseApproval, Wave: 1, Since: &at}, nil
	return []rolloutScreen{
		{"status", show(driven())}, {"status-stopped", show(halted)}, {"status-silent", show(silent)},
		{"status-dead", show(dead)}, {"status-approval", show(asking)},
	}
}

func rolloutScreens(t testing.TB) []rolloutScreen {
	return slices.Concat(planScreens(t), stopScreens(t), restScreens(t), resumeScreens(t), statusScreens(), nativeScreens(), historyScreens(t))
}

func TestRolloutScreens(t *testing.T) {
	for _, s := range rolloutScreens(t) {
		for _, columns := range []int{80, 120} {
			name := fmt.Sprintf("rollout_%s-%d", s.name, columns)
			t.Run(name, func(t *testing.T) {
				out := rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Width: columns, Now: afternoon}) })
				screen(t, out, name)
				for _, line := range strings.Split(string(out), "\n") {
					// A command or a name that is wider stays whole.
					if width(line) > columns && !strings.Contains(line, "kubectl ") {
						t.Errorf("%d columns: %s", width(line), line)
					}
				}
				if strings.Contains(string(out), "hunter2") {
					t.Error("a value is shown")
				}
			})
		}
	}
}
