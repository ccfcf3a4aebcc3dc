package present

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestRolloutColourAddsNothingButColour(t *testing.T) {
	coloured := 0
	for _, s := range rolloutScreens(t) {
		bare := rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Width: 100, Now: afternoon}) })
		paint := rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Width: 100, Now: afternoon, Color: true}) })
		if !bytes.Equal(bare, paint) {
			coloured++
		}
		if got := sgr.ReplaceAllString(string(paint), ""); got != string(bare) {
			t.Errorf("%s: without its colours the screen differs:\n%s\nwant:\n%s", s.name, got, bare)
		}
	}
	if coloured < 20 {
		t.Errorf("only %d screens have colours", coloured)
	}
}

// commandsOf are the commands of a screen that nothing cuts.
func commandsOf(out string) []string {
	var all []string
	for _, line := range strings.Split(out, "\n") {
		if i := strings.Index(line, "kubectl "); i >= 0 {
			c, _, _ := strings.Cut(line[i:], gap)
			all = append(all, c)
		}
	}
	return all
}

func TestRolloutCommandsAreWholeAndNameTheContext(t *testing.T) {
	seen := 0
	for _, s := range rolloutScreens(t) {
		whole := commandsOf(string(rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Now: afternoon}) })))
		for _, c := range whole {
			seen++
			if !strings.HasSuffix(c, testFlags) {
				t.Errorf("%s: %q does not repeat the context", s.name, c)
			}
		}
		for _, columns := range []int{20, 40, 80, 120} {
			out := string(rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Width: columns, Now: afternoon}) }))
			for _, c := range whole {
				c = strings.Replace(c, " --yes", "", 1) // only where there is no terminal
				if !strings.Contains(out, c) {
					t.Errorf("%s at %d columns breaks %s:\n%s", s.name, columns, c, out)
				}
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d commands seen", seen)
	}
}

func TestRolloutScreensKeepToTheTerminal(t *testing.T) {
	for _, s := range rolloutScreens(t) {
		for columns := 60; columns <= 160; columns += 7 {
			out := string(rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Width: columns, Now: afternoon}) }))
			for _, line := range strings.Split(out, "\n") {
				i := strings.Index(line, "kubectl ")
				alone := i >= 0 && strings.TrimSpace(line[:i]) == "" || i > 0 && i < 14
				if width(line) > columns && !alone {
					t.Errorf("%s: %d of %d columns: %s", s.name, width(line), columns, line)
				}
			}
		}
	}
}

// A percentage is of all nodes that should run it, and the plan says which
// number that gives, also where few of them are selected.
func TestAPlanSaysOfWhatAPercentageIs(t *testing.T) {
	for _, c := range []struct {
		ceiling intstr.IntOrString
		want    string
	}{
		{intstr.FromString("5%"), "10 of 191 unavailable or not yet proven (5% of all nodes that should run it, selected or not)"},
		{intstr.FromInt32(5), "5 of 191 unavailable or not yet proven;"},
	} {
		f := newFleet(afternoon)
		p := scenePolicy()
		p.MaxUnavailable, p.Nodes = &c.ceiling, []string{f.s.Nodes[0].Name, f.s.Nodes[1].Name}
		v := planView(t, f, p, rollout.PlanInput{})
		out := string(rendered(t, func(b *bytes.Buffer) error { return WritePlan(b, v, Options{Width: 200}) }))
		if !strings.Contains(out, "ceiling    "+c.want) {
			t.Errorf("%s is not said to be %s:\n%s", c.ceiling.String(), c.want, out)
		}
	}
}

// A wave has a row, however many its nodes are: all are named by --full, and by
// the rows of -o wide.
func TestAPlanInAPipeKeepsToItsLines(t *testing.T) {
	f := newFleet(afternoon)
	v := planView(t, f, scenePolicy(), rollout.PlanInput{})
	out := string(rendered(t, func(b *bytes.Buffer) error { return WritePlan(b, v, Options{}) }))
	for _, line := range strings.Split(out, "\n") {
		if width(line) > 140 {
			t.Errorf("%d columns: %s", width(line), line)
		}
	}
	full := string(rendered(t, func(b *bytes.Buffer) error { return WritePlan(b, v, Options{Full: true}) }))
	rows := string(rendered(t, func(b *bytes.Buffer) error { return WritePlanNodes(b, v, Options{Wide: true}) }))
	for _, n := range f.s.Nodes {
		if !strings.Contains(full, n.Name) || !strings.Contains(rows, n.Name) {
			t.Errorf("%s is not named", n.Name)
		}
	}
}

func TestARefusedPlanSaysSoLast(t *testing.T) {
	for _, s := range planScreens(t)[:3] {
		for _, quiet := range []bool{false, true} {
			out := rendered(t, func(b *bytes.Buffer) error { return s.show(b, Options{Width: 200, Quiet: quiet}) })
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			want := "Can start: "
			if s.name == "plan-refused" {
				want = "Cannot start: 1 of 1 is taken by ip-10-0-141-7 (NodeLost). Raise --max-unavailable, or set it aside: --fence-broken"
			}
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, want) {
				t.Errorf("%s ends in %q", s.name, last)
			}
		}
	}
}

// hostileScreens are all screens with a hostile string wherever one may come
// from a cluster.
func hostileScreens() []rolloutScreen {
	at := metav1.NewTime(afternoon)
	rev := rollout.Revision{Name: evil, Hash: evil}
	left := []rollout.Left{{Node: evil, What: evil, Reason: evil}, {Node: evil, What: rollout.LeftCordon, Reason: evil}, {What: rollout.LeftStrategy, Reason: evil}}
	failed := []rollout.Failure{{Node: evil, Reason: evil, Message: evil}, {Node: evil, Reason: evil, Message: evil}}
	cause := rollout.Cause{Code: rollout.StopFailed, Node: evil, Message: evil, Gate: evil, Since: &at}
	st := &rollout.Status{
		Run: evil, Namespace: evil, Name: evil, At: afternoon, Phase: rollout.Stopped, Because: &cause, Target: rev, From: rev, Taken: []string{evil},
		Ceiling: 1, Total: 1, Waves: []rollout.WaveStatus{{Number: 1, Nodes: 1}}, Failed: failed, Skipped: []string{evil}, Joined: []string{evil}, Gone: []string{evil}, Left: left,
		Flights: []rollout.FlightStatus{{Node: evil, Zone: evil, Wave: 1, Code: rollout.Code(evil), Pod: evil}}, Outcome: rollout.OutcomeDone,
	}
	run := &rollout.Run{Original: evil, Target: rev, From: rev}
	run.ID, run.Namespace, run.Name, run.By, run.Phase, run.Because = evil, evil, evil, evil, rollout.Phase(evil), &cause
	counts := []rollout.RevisionCount{{Hash: evil, Pods: 1, Available: 1}}
	exit := int32(1)
	verdict := &coverage.NodeVerdict{
		Node: evil, State: coverage.Unready, Reason: coverage.Reason(evil), Message: evil, Pod: evil, PodRevision: evil,
		Evidence: coverage.Evidence{Container: &coverage.ContainerEvidence{Name: evil, Reason: evil, Message: evil, ExitCode: &exit, LastReason: evil, LastWords: evil, Probe: evil, Restarts: 1}},
	}
	plan := &rollout.Plan{
		Namespace: evil, Name: evil, Policy: &rollout.Policy{}, Target: rev, From: rev, Strategy: evil, Arms: true, Ceiling: 3, Parallel: 3, Down: []string{evil}, Fenced: []string{evil},
		Nodes:  []rollout.PlanNode{{Node: evil, Zone: evil, Arch: evil, Verdict: rollout.PlanVerdict(evil), Reason: evil, Pod: evil, Revision: evil}, {Node: evil, Verdict: rollout.Skip, Reason: evil}},
		Waves:  []rollout.PlanWave{{Number: 1, Nodes: 1, Zones: map[string]int{evil: 1}, Then: evil, Members: []string{evil}}},
		Checks: []rollout.Check{{Name: evil, Result: rollout.CheckResult(evil), Detail: evil}, {Name: "x", Result: rollout.CheckRefuse, Detail: evil, Fix: evil}, {Name: "y", Result: rollout.CheckWarn, Detail: evil, Fix: evil}},
		Owners: []rollout.Owner{{Name: evil, Strategy: true}},
	}
	plan.Policy.Gates = []rollout.Gate{{Name: evil}}
	native := &rollout.Native{
		Namespace: evil, Name: evil, Strategy: evil, State: rollout.NativeStuck, Because: evil, Since: &at, Armed: evil, Current: rev, Counts: counts, Limit: evil, Ceiling: 1,
		Places:   []rollout.Place{{Node: evil, State: evil, Reason: coverage.Reason(evil), Hash: evil, Because: evil}},
		Alike:    &rollout.Alike{What: evil, Waiting: 1},
		Remedies: []rollout.NativeRemedy{{Label: evil, Do: evil, Then: evil}, {Label: evil, Do: rollout.Command("", "kubectl", "delete", "node", evil)}},
	}
	facts := &rollout.ResumeFacts{Same: []string{evil}, Differs: []string{evil}, Joined: []string{evil}, Gone: []string{evil}, Lost: []string{evil}, InFlight: []string{evil}, Failed: failed,
		Left: []rollout.LeftWave{{Wave: 1, Nodes: 1}}, LeftNodes: 1, Zones: map[string]int{evil: 1}}
	raw := []byte(`{"spec":{"template":{"metadata":{"labels":{"a":"\u001b[2J\u202e"}},"spec":{"containers":[{"name":"\u001b[2J\u202e"}]}}}}`)
	ev := &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: raw}}
	ev.Name = evil
	lock := Lock{Holder: evil, Renewed: afternoon}
	return []rolloutScreen{
		{"plan", func(b *bytes.Buffer, o Options) error {
			return WritePlan(b, &PlanView{Plan: plan, Context: evil, Server: evil, Change: []string{evil}, ChangedBy: evil, Limit: evil, CommandFlags: evil}, o)
		}},
		{"plan nodes", func(b *bytes.Buffer, o Options) error {
			return WritePlanNodes(b, &PlanView{Plan: plan, Context: evil}, o)
		}},
		{"stopped", func(b *bytes.Buffer, o Options) error {
			return WriteStopped(b, &StoppedView{
				Context: evil, Stop: &rollout.Stop{Because: cause, Failed: failed, Evidence: verdict, Left: left, Resumable: true}, Status: st, Run: run, Counts: counts,
				Around:  &rollout.Comparison{Node: evil, Zone: evil, Arch: evil, Instance: evil, Ready: evil, Fine: []string{evil, evil, evil}, FineShare: evil, Alike: &rollout.Alike{What: evil, Waiting: 2}, Worse: []string{evil}},
				Choices: []rollout.Choice{{Verb: rollout.VerbUndo, Because: evil}, {Verb: rollout.VerbSkip, Node: evil}},
			}, o)
		}},
		{"paused", func(b *bytes.Buffer, o Options) error {
			return WritePaused(b, &PausedView{Context: evil, Status: st, Run: run, Counts: counts}, o)
		}},
		{"ended", func(b *bytes.Buffer, o Options) error {
			return WriteEnded(b, &EndedView{Context: evil, Status: st, Run: run, Done: &rollout.Done{Outcome: rollout.Outcome(evil), Left: left, Exit: 1}, Counts: counts}, o)
		}},
		{"resume", func(b *bytes.Buffer, o Options) error {
			return WriteResume(b, &ResumeView{Context: evil, Run: run, Facts: facts, Lock: lock, Now: afternoon}, o)
		}},
		{"status", func(b *bytes.Buffer, o Options) error {
			return WriteStatus(b, &StatusView{Context: evil, Status: st, Counts: counts, Lock: lock}, o)
		}},
		{"native", func(b *bytes.Buffer, o Options) error {
			return WriteNative(b, &NativeView{Context: evil, Native: native}, o)
		}},
		{"history", func(b *bytes.Buffer, o Options) error {
			return WriteHistory(b, &HistoryView{evil, evil, evil, []rollout.HistoryRow{{Hash: evil, Role: evil, Summary: evil, Cause: evil}, {Error: evil}}}, o)
		}},
		{"diff", func(b *bytes.Buffer, o Options) error {
			return WriteDiff(b, &DiffView{evil, evil, evil, 1, 2, []string{evil}}, o)
		}},
		{"revision", func(b *bytes.Buffer, _ Options) error { return WriteRevision(b, ev) }},
	}
}

func TestHostileRolloutsAreShownNotRun(t *testing.T) {
	for _, s := range hostileScreens() {
		for _, o := range []Options{{Width: 120}, {Wide: true, Full: true}, {Width: 40, Quiet: true}} {
			o.Now = afternoon
			out := string(rendered(t, func(b *bytes.Buffer) error { return s.show(b, o) }))
			for _, line := range strings.Split(out, "\n") {
				if Safe(line) != line {
					t.Fatalf("%s lets something through: %q", s.name, line)
				}
			}
			if !strings.Contains(out, `\x1b[2J`) && !strings.Contains(out, `\e[2J`) {
				t.Errorf("%s hides the hostile string instead of showing it:\n%s", s.name, out)
			}
		}
	}
}

func TestLastWordsAreCappedAndMasked(t *testing.T) {
	v := failedCanary(t)
	e := *v.Stop.Evidence
	c := *e.Evidence.Container
	c.LastWords = "DB_PASSWORD=hunter2 refused " + strings.Repeat("x", 4000)
	e.Evidence.Container = &c
	stop := *v.Stop
	stop.Evidence, v.Stop = &e, &stop
	out := string(rendered(t, func(b *bytes.Buffer) error { return WriteStopped(b, v, Options{}) }))
	if strings.Contains(out, "hunter2") || strings.Count(out, "x") > 400 || !strings.Contains(out, "xxx...") {
		t.Error(out)
	}
}

func TestARolloutScreenThatCannotBeWrittenIsAnError(t *testing.T) {
	full := errors.New("no space left on device")
	v := &StatusView{Status: driven().Status}
	if err := WriteStatus(failing{full}, v, Options{}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestARunThatCannotGoOnHereOffersNoChoice(t *testing.T) {
	for code, want := range map[rollout.Code]string{
		rollout.StopGone:      "clean up     only where it has left its Lease: kubectl ds-rollout recover -n kube-system cilium --context train-eu-1",
		rollout.StopLeaseGone: "clean up     kubectl ds-rollout recover -n kube-system cilium --context train-eu-1",
		rollout.StopLockLost:  "look         kubectl ds-rollout status -n kube-system cilium --context train-eu-1",
		rollout.StopCluster:   "this is another cluster than the run's. This process does nothing more.",
	} {
		v := failedCanary(t)
		v.Stop = &rollout.Stop{Because: rollout.Cause{Code: code}}
		out := string(rendered(t, func(b *bytes.Buffer) error { return WriteStopped(b, v, Options{}) }))
		if !strings.Contains(out, want) || strings.Contains(out, "undo") || strings.Contains(out, "Nothing more will be deleted") {
			t.Errorf("%s: want %q:\n%s", code, want, out)
		}
	}
}

// Where no terminal waits for a key, retry and skip are taken once the run goes
// on: each is followed by the command for that. Undo drives by itself.
func TestChoicesAreCommandsThatWorkOneAfterTheOther(t *testing.T) {
	v := failedCanary(t)
	v.Keys = false
	v.Choices = []rollout.Choice{{Verb: rollout.VerbUndo}, {Verb: rollout.VerbRetry, Node: "n1"}, {Verb: rollout.VerbSkip, Node: "n1"}}
	out := string(rendered(t, func(b *bytes.Buffer) error { return WriteStopped(b, v, Options{}) }))
	var commands []string
	for line := range strings.Lines(out) {
		if _, c, ok := strings.Cut(line, "kubectl ds-rollout "); ok {
			verb, _, _ := strings.Cut(c, " ")
			commands = append(commands, verb)
		}
	}
	if got := strings.Join(commands, " "); got != "undo retry resume skip resume" {
		t.Errorf("got %s in\n%s", got, out)
	}
}

func TestAWayOnForEveryPause(t *testing.T) {
	for code, want := range map[rollout.Code]string{
		rollout.PauseApproval: "ds-rollout approve", rollout.PauseAsked: "ds-rollout resume", rollout.PauseUntil: "ds-rollout resume -n kube-system cilium --until none --yes '--gate-exec=./x y' --context",
		rollout.PauseTemplate: "ds-rollout abort", rollout.PauseFlip: "ds-rollout resume",
	} {
		st := driven().Status
		st.Phase, st.Because = rollout.Paused, &rollout.Cause{Code: code}
		out := string(rendered(t, func(b *bytes.Buffer) error {
			return WritePaused(b, &PausedView{Context: "x", Status: st, CommandFlags: testFlags, Again: "'--gate-exec=./x y'"}, Options{})
		}))
		if !strings.Contains(out, want) {
			t.Errorf("%s: %s", code, out)
		}
	}
}

// What is said of when nodes are started is what will be.
func TestWhenARunThatGoesOnStartsNodes(t *testing.T) {
	later := metav1.NewTime(afternoon.Add(48 * time.Hour))
	for _, c := range []struct {
		name   string
		change func(p *rollout.Policy) // nil: nothing is asked for
		want   string
	}{
		{"as it was", nil, "; the --until is past: what is in flight is finished, and no node is started"},
		{"none", func(p *rollout.Policy) { p.Until = nil }, "; the old --until is past, none is set now"},
		{"later", func(p *rollout.Policy) { p.Until = &later }, "; no node is started after 2026-11-25 15:20Z"},
		{"a window", func(p *rollout.Policy) { p.Until, p.Windows = nil, []string{"Mon-Fri 09:00-17:00 UTC"} }, "; the old --until is past, none is set now; in the window Mon-Fri 09:00-17:00 UTC"},
	} {
		v := nextMorning(t)
		v.Policy = nil
		run := v.Run.DeepCopy()
		if c.change != nil {
			run.Policy = run.Policy.DeepCopy()
			c.change(run.Policy)
			v.Policy = run.Policy
		}
		v.Facts = rollout.ResumeOf(run, newFleet(v.Now).view(), v.Now)
		out := string(rendered(t, func(b *bytes.Buffer) error { return WriteResume(b, v, Options{}) }))
		if !strings.Contains(out, c.want) || strings.Contains(out, "stored in the run, but --until") != (c.change != nil) {
			t.Errorf("%s: want %q in\n%s", c.name, c.want, out)
		}
	}
}

func TestShortZones(t *testing.T) {
	for _, c := range []struct{ zones, want string }{
		{"eu-west-1a eu-west-1b eu-west-1c", "a b c"},
		{"a b", "a b"},
		{"eu-west-1a", "eu-west-1a"},
		{"zone zone-b", "zone zone-b"},
		{"us-east-1a us-west-2b", "east-1a west-2b"},
	} {
		zones := strings.Fields(c.zones)
		short := zoneNames(zones)
		var got []string
		for _, z := range zones {
			got = append(got, short[z])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.zones, got, c.want)
		}
	}
}

func TestPlanNodesSort(t *testing.T) {
	v := planView(t, newFleet(afternoon), scenePolicy(), rollout.PlanInput{})
	out := string(rendered(t, func(b *bytes.Buffer) error { return WritePlanNodes(b, v, Options{SortBy: SortKey{"node", true}}) }))
	var nodes []string
	for _, line := range strings.Split(out, "\n")[3:] {
		if f := strings.Fields(line); len(f) > 0 {
			nodes = append(nodes, f[0])
		}
	}
	if len(nodes) != 191 || !slices.IsSortedFunc(nodes, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d nodes, first %v", len(nodes), nodes[:3])
	}
	if !slices.Contains(PlanNodeColumns(), "verdict") {
		t.Error(PlanNodeColumns())
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		548 * time.Minute: "9h8m", 4 * time.Second: "4s", 47 * time.Hour: "47h", 72 * time.Hour: "3d", -time.Second: "0s",
	} {
		if got := ago(afternoon.Add(-d), afternoon); got != want {
			t.Errorf("%s: got %s, want %s", fmt.Sprint(d), got, want)
		}
	}
}

// TestTheCeilingIsNeverMoreThanTaken: what goes down without the run is said
// apart.
func TestTheCeilingIsNeverMoreThanTaken(t *testing.T) {
	for want, s := range map[string]*rollout.Status{
		"1 of 2 taken":         {Taken: []string{"a"}, Ceiling: 2},
		"2 of 2 taken":         {Taken: []string{"a", "b"}, Ceiling: 2},
		"1 of 1 taken, 4 over": {Taken: []string{"a", "b", "c", "d", "e"}, Ceiling: 1},
	} {
		if got := takenOf(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheTimeOfAPlanIsNeverShorterThanItIs(t *testing.T) {
	for n, want := range map[int64]string{0: "0s", 3 * 3600: "3h", 36_000_000_000: "more than 2562047h47m"} {
		if got := seconds(n); got != want {
			t.Errorf("%d s: %q, want %q", n, got, want)
		}
	}
}

// A resume that status names is refused without the gates of the start.
func TestStatusSaysThatResumeNeedsGates(t *testing.T) {
	const want = "resume needs the gates of the start again (alerts, routes): the same --gate flags, or --policy"
	for _, c := range []struct {
		name string
		lock Lock
		says bool
	}{
		{"nobody drives", Lock{Free: true}, true},
		{"somebody does", driven().Lock, false},
		{"somebody who is silent", Lock{Holder: "jane", Renewed: driven().Status.At.Add(-time.Hour)}, true},
	} {
		v := driven()
		v.Lock, v.MissedGates = c.lock, []string{"alerts", "routes"}
		out := string(rendered(t, func(b *bytes.Buffer) error { return WriteStatus(b, v, Options{}) }))
		if strings.Contains(out, want) != c.says {
			t.Errorf("%s: %s", c.name, out)
		}
	}
}
