package sim

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a mistake somebody could make, as a replacement of text. The
// checker, or the bound on liveness, has to catch every one.
type mutant struct {
	name string
	file string // from the root of the module
	old  string
	new  string
	also *mutant // a second place of the same mistake
	want string  // the rule that is expected to catch it; empty for any
}

const (
	inFlight   = "pkg/rollout/flight.go"
	inClass    = "pkg/rollout/class.go"
	inSimAPI   = "internal/testkit/sim/api.go"
	inDriver   = "internal/testkit/sim/driver.go"
	inRunning  = "pkg/rollout/running.go"
	inCandid   = "pkg/rollout/candidates.go"
	inEnding   = "pkg/rollout/ending.go"
	inGates    = "pkg/rollout/gates.go"
	inDecide   = "pkg/rollout/decide.go"
	inGuard    = "pkg/rollout/guard.go"
	inView     = "pkg/rollout/view.go"
	inSim      = "internal/testkit/sim/sim.go"
	inFits     = "pkg/rollout/fits.go"
	inCalled   = "pkg/rollout/calledoff.go"
	inUndo     = "pkg/rollout/undo.go"
	inObserved = "pkg/rollout/observed.go"
	inDrain    = "pkg/rollout/drain.go"
	inIntent   = "pkg/rollout/intent.go"
)

var mutants = []mutant{
	{name: "the UID precondition is dropped", file: inFlight, want: "G2",
		old: "UID: p.UID, ResourceVersion: p.ResourceVersion,", new: "ResourceVersion: p.ResourceVersion,"},
	{name: "cordon and mark are two writes", file: inSimAPI, want: "G3",
		old: "			n.Spec.Unschedulable = true\n			n.Annotations[rollout.MarkAnnotation] = a.Mark.String()\n		})",
		new: "			n.Spec.Unschedulable = true\n		})\n" +
			"		_ = c.patchNode(w, a.Node, a.UID, c.nodes[a.Node].ResourceVersion, func(n *corev1.Node) {\n			n.Annotations[rollout.MarkAnnotation] = a.Mark.String()\n		})\n		return nil",
		also: &mutant{file: inSimAPI, old: "		return c.patchNode(w, a.Node, a.UID, a.ResourceVersion, func(n *corev1.Node) {\n			n.Spec.Unschedulable = true",
			new: "		_ = c.patchNode(w, a.Node, a.UID, a.ResourceVersion, func(n *corev1.Node) {\n			n.Spec.Unschedulable = true"}},
	{name: "the strategy is given back while old pods remain", file: inEnding, want: "G6",
		old: "if old := d.v.Outdated(); len(old) > 0 {", new: "if old := d.v.Outdated(); len(old) > 1000 {"},
	{name: "DaemonSet.status is counted instead of pods", file: inClass, want: "G1",
		old: "if n, ok := d.counts(i); ok && d.down(n) {", new: "if n, ok := d.counts(i); ok && d.down(n) && d.v.DaemonSet.Status.NumberUnavailable > 0 {"},
	{name: "a pod that is ending counts as available", file: inView,
		old: "if !p.Ready || p.Deleted != 0 || p.Terminal()", new: "if !p.Ready || p.Terminal()"},
	{name: "nodes that lost eligibility are forgotten", file: inClass, want: "G1",
		old: "case n == nil || slices.Contains(d.r.Skipped, m.Node) || d.r.aside(m.Node):\n		return n, false", new: "case n == nil || !n.ShouldRun || slices.Contains(d.r.Skipped, m.Node) || d.r.aside(m.Node):\n		return n, false"},
	{name: "eligibility is not looked at", file: inClass, want: "eligibility",
		old: "case !n.ShouldRun || n.Doubt:\n		return classNoReturn", new: "case n.Doubt:\n		return classNoReturn",
		also: &mutant{file: inFlight, old: "case !n.ShouldRun || n.Doubt:", new: "case n.Doubt:"}},
	{name: "the Lease is judged by the clock on the wall", file: inSim, want: "G5",
		old: "case s.now.Sub(since) > leaseDuration:", new: "case s.now.Sub(l.renewed) > leaseDuration+0*s.now.Sub(since):",
		also: &mutant{file: inSim, old: "			if s.living(l.holder) {", new: "			if false {"}},
	{name: "a successor ignores what is in flight", file: inDecide,
		old: "d.next().Epoch = o.Epoch", new: "d.next().Epoch, d.next().InFlight = o.Epoch, nil"},
	{name: "the soak is skipped", file: inFlight, want: "G7",
		old: "ends.After(d.now) {", new: "ends.Before(d.now.Add(-time.Hour)) {"},
	{name: "nodes that are not Ready are acted on", file: inClass, want: "notReady",
		old: "case n.Ready != corev1.ConditionTrue && !d.p.ActOnNotReady:\n		return classNotReady", new: "case false:\n		return classNotReady",
		also: &mutant{file: inFlight, old: "case n.Ready != corev1.ConditionTrue && !d.p.ActOnNotReady:", new: "case false:"}},
	{name: "a gate that could not look counts as open", file: inGates, want: "G7",
		old: "	case GatePass:", new: "	case GatePass, GateError:",
		also: &mutant{file: inGates, old: "	case GateFail, GateError:", new: "	case GateFail:"}},
	{name: "nodes in flight hold no place", file: inClass, want: "G1",
		old: "	for i := range flights {", new: "	for i := range flights[:0] {"},
	{name: "a new template is not noticed", file: inGuard, want: "drift",
		old: "	if !d.drifted ||", new: "	if true || !d.drifted ||"},
	{name: "every cordon is taken for ours", file: inFlight, want: "G3",
		old: "Unschedulable: n.Mark.Prior && n.Node.Spec.Unschedulable,", new: "Unschedulable: false,"},
	{name: "a pause does not hold back what is in flight", file: inEnding, want: "G10",
		old: "	ps := d.look(false)\n	if dec := d.landing(&ps)", new: "	ps := d.look(true)\n	if dec := d.landing(&ps)"},
	{name: "a wave does not wait for the one before", file: inCandid, want: "G7",
		old: "		if busy || len(deferred) > 0 {", new: "		if busy && len(deferred) > 1000 {",
		also: &mutant{file: inFlight, old: "return g.Wave < f.Wave }", new: "return false }"}},
	{name: "a first wave that was passed by needs no approval", file: inCandid, want: "has shown the target",
		old: "	if wave > 1 && !r.approved(1) {\n		if untried", new: "	if wave > 1000 {\n		if untried"},
	{name: "the end forgets a skipped node without an available pod", file: inEnding, want: "named",
		old: "case !old && n.ShouldRun && d.down(n) && d.r.has(n):", new: "case !old && n.ShouldRun && d.down(n) && d.r.has(n) && !slices.Contains(d.r.Skipped, n.Node.Name):"},
	{name: "an undo leaves nodes that were skipped before it", file: inIntent, want: "undo",
		old: "r.Undo.Aside, r.Skipped = r.Skipped, nil", new: "r.Undo.Aside = nil"},
	{name: "a second zone is opened beside a node that failed", file: inCandid, want: "zone",
		old: "|| counts && (f != nil && d.stands(r, f) || d.down(n) && len(d.old(n)) == 0) {", new: "|| counts && f != nil && len(d.old(n)) > 1 {"},
	{name: "copies of the annotation stay in revisions", file: inEnding, want: "G4",
		old: "if _, ok := rev.Annotations[ArmAnnotation]; ok {", new: "if _, ok := rev.Annotations[ArmAnnotation]; ok && false {"},
	{name: "nodes are not given back at the end", file: inEnding, want: "G4",
		old: "	if a := d.uncordonAny(func(string) bool { return true }); a != nil {\n		return act(a)\n	}\n	left", new: "	left",
		also: &mutant{file: inFlight, old: "	if a := d.uncordon(n); a != nil {\n		return step{act: a}\n	}\n	return step{landed: true}", new: "	return step{landed: true}"}},
	{name: "jobs are waited for only behind a cordon", file: inFlight, want: "jobs",
		old: "	if s, busy := d.jobs(n, f, seen); busy {", new: "	if s, busy := d.jobs(n, f, seen); busy && f.Cordon {"},
	{name: "pods are evicted before one refuses", file: inDrain, want: "drain",
		old: "if why := d.refusal(leave, no); why != \"\" {", new: "if why := d.refusal(leave, no); why != \"\" && !slices.ContainsFunc(leave, func(p *snapshot.Pod) bool { return p.Deleted == 0 }) {"},
	{name: "a strategy that was taken back is not noticed", file: inGuard, want: "G6",
		old: "	if dec := d.strategy(); dec != nil {", new: "	if dec := d.strategy(); false {"},
	{name: "the ceiling is one too high", file: inRunning, want: "G1",
		old: "if !down && len(taken)+holds > d.ceiling() {", new: "if !down && len(taken)+holds > d.ceiling()+1 {",
		also: &mutant{file: inFlight, old: "len(taken) > d.ceiling():", new: "len(taken) > d.ceiling()+1:"}},
	{name: "a break of the soak is not noticed", file: inObserved, want: "G7",
		old: "if was.Pod == p.UID && was.Restarts == p.Restarts && was.ready == p.ReadySince && !was.Available.IsZero() {\n		seen.Available = was.Available",
		new: "if seen.Available = was.Available; seen.Available.IsZero() {\n		seen.Available = was.Flying"},
	{name: "a template that costs pods is planned", file: inFits, want: "fit",
		old: "if !is.Evaluate(n.Node, comparison).ShouldContinue &&", new: "if n.Doubt && !is.Evaluate(n.Node, comparison).ShouldContinue &&"},
	{name: "a template that costs pods by now is brought", file: inCalled, want: "fit",
		old: "if list := d.v.misfits(d.o.Template); len(list) > 0 {", new: "if list := d.v.misfits(d.o.Template); len(list) > 1000 {"},
	{name: "a template that costs pods is put back", file: inUndo, want: "fit",
		old: "if list := d.v.misfits(t); len(list) > 0 {", new: "if list := d.v.misfits(t); len(list) > 1000 {"},
	{name: "a template that came after the plan is taken back", file: inCalled, want: "plan",
		old: "return d.r.Before.Sum != \"\" && d.r.Before.Sum !=", new: "return d.r.Before.Sum == \"?\" && d.r.Before.Sum !="},
	{name: "a template that came before the target was pinned is taken for it", file: inDecide, want: "plan",
		old: "	if d.overtaken() {", new: "	if false && d.overtaken() {"},
	{name: "a driver goes on without its Lease", file: inDriver,
		old: "	if d.c.now.Sub(d.renewed) > renewDeadline {", new: "	if false {",
		also: &mutant{file: inDriver, old: "l != nil && (l.holder != d.id || l.epoch != d.epoch) {", new: "l != nil && l.epoch < 0 {",
			also: &mutant{file: inDecide, old: "	case d.o.Epoch < d.r.Epoch:", new: "	case d.o.Epoch < 0:"}}, want: "G5"},
}

// TestMutantsAreCaught builds the simulation with each mistake in turn, by an
// overlay: product code has no switches. It compiles once a mutant, so it is
// not part of a plain `go test`.
func TestMutantsAreCaught(t *testing.T) {
	if os.Getenv("SIM_MUTANTS") == "" {
		t.Skip("set SIM_MUTANTS=1: it builds the simulation once for each mutant")
	}
	root, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(strings.TrimSpace(string(root)))
	for i := range mutants {
		m := &mutants[i]
		if only := os.Getenv("SIM_MUTANTS"); only != "1" && !strings.Contains(m.name, only) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			cmd := exec.Command("go", "test", "-overlay", overlay(t, dir, m), "./internal/testkit/sim", "-run", "TestRandomWorlds", "-seeds", "600")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "SIM_SEEDS=", "SIM_MUTANTS=")
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("600 seeds pass with this mistake in: the checker does not see it")
			case !strings.Contains(string(out), "replay: go test"):
				t.Fatalf("the mutant does not build, or ends otherwise:\n%s", out)
			case m.want != "" && !strings.Contains(string(out), m.want):
				t.Errorf("caught, and not by %s:\n%.1500s", m.want, out)
			default:
				first, _, _ := strings.Cut(string(out)[strings.Index(string(out), "seed "):], "\n")
				t.Logf("caught: %.220s", first)
			}
		})
	}
}

// TestMutantsStillApply holds the list above against the text that it changes,
// without building anything.
func TestMutantsStillApply(t *testing.T) {
	root, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	for i := range mutants {
		t.Run(mutants[i].name, func(t *testing.T) {
			overlay(t, filepath.Dir(strings.TrimSpace(string(root))), &mutants[i])
		})
	}
	if len(mutants) < 12 {
		t.Errorf("%d mutants", len(mutants))
	}
}

// overlay writes the changed files and the JSON that names them.
func overlay(t *testing.T, root string, m *mutant) string {
	t.Helper()
	texts := map[string]string{}
	for at := m; at != nil; at = at.also {
		if texts[at.file] == "" {
			b, err := os.ReadFile(filepath.Join(root, at.file))
			if err != nil {
				t.Fatal(err)
			}
			texts[at.file] = string(b)
		}
		if strings.Count(texts[at.file], at.old) != 1 {
			t.Fatalf("%s holds %d times, not once:\n%s", at.file, strings.Count(texts[at.file], at.old), at.old)
		}
		texts[at.file] = strings.Replace(texts[at.file], at.old, at.new, 1)
	}
	tmp := t.TempDir()
	replace := map[string]string{}
	for file, text := range texts {
		path := filepath.Join(tmp, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = path
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tmp, "overlay.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
