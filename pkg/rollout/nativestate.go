package rollout

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// NativeRemedy is one thing that moves a native update.
type NativeRemedy struct {
	Label string `json:"label"`           // image, node, fix, undo, drive
	Do    string `json:"do"`              // a command to paste, or what to do
	When  string `json:"when,omitempty"`  // on which condition
	Frees int    `json:"frees,omitempty"` // places
	Then  string `json:"then,omitempty"`  // what follows
}

// Alike counts nodes that wait and are like those that fail.
type Alike struct {
	What    string `json:"what"` // as in arm64
	Waiting int    `json:"waiting"`
	Certain bool   `json:"certain,omitempty"` // they would fail in the same way
}

func (l *nativeLook) state(cur *appsv1.ControllerRevision) {
	n := l.n
	began := l.v.templateSince(cur)
	failing := slices.ContainsFunc(n.Places, func(p Place) bool { return !p.Passing })
	switch {
	case len(n.Places) == 0 && l.olds == 0:
		n.State = NativeDone
		n.Since = l.lastReady()
	case n.Ceiling == 0 && l.olds > 0:
		// Held it is from when both were so: the template, and the strategy.
		n.State, n.Since = NativeHeld, timeAt(max(began, l.v.changedAt("f:spec", "f:updateStrategy")))
	case failing && !l.soonFree():
		n.State, n.Since = NativeStuck, l.filled()
	default:
		n.State, n.Since = NativeMoving, timeAt(began)
	}
}

// templateSince is since when the template is that of its revision. Going back
// to an older revision leaves that as old as it was: then the managed fields
// tell, which may name a later change of the same writer.
func (v *View) templateSince(cur *appsv1.ControllerRevision) snapshot.Time {
	began := snapshot.TimeOf(&cur.CreationTimestamp)
	for _, r := range v.Revisions {
		if r.CreationTimestamp.After(cur.CreationTimestamp.Time) {
			return max(began, v.changedAt("f:spec", "f:template"))
		}
	}
	return began
}

// changedAt is when a field, or something in it, was last written as far as the
// managed fields tell; 0 where they do not.
func (v *View) changedAt(path ...string) snapshot.Time {
	var last snapshot.Time
	for i := range v.DaemonSet.ManagedFields {
		if e := &v.DaemonSet.ManagedFields[i]; e.Time != nil && owns(e, path...) {
			last = max(last, snapshot.TimeOf(e.Time))
		}
	}
	return last
}

// soonFree reports whether a place is free, or becomes free without anybody:
// then the update goes on, if slowly.
func (l *nativeLook) soonFree() bool {
	lasting := 0
	for _, p := range l.n.Places {
		if !p.Passing {
			lasting++
		}
	}
	return l.n.Ceiling > 0 && lasting < l.n.Ceiling && l.olds > 0
}

// filled is when the last place was taken that it took to fill the ceiling.
func (l *nativeLook) filled() *metav1.Time {
	var times []metav1.Time
	for _, p := range l.n.Places {
		if p.Since != nil {
			times = append(times, *p.Since)
		}
	}
	if len(times) == 0 || len(times) < len(l.n.Places) {
		return nil
	}
	slices.SortFunc(times, func(a, b metav1.Time) int { return a.Compare(b.Time) })
	i := len(times) - 1
	if l.n.Ceiling > 0 && l.olds > 0 {
		i = min(i, l.n.Ceiling-1)
	}
	return &times[i]
}

func (l *nativeLook) lastReady() *metav1.Time {
	var last snapshot.Time
	for i := range l.v.Nodes {
		for _, p := range l.v.Nodes[i].Pods {
			last = max(last, p.ReadySince)
		}
	}
	return timeAt(last)
}

func timeAt(t snapshot.Time) *metav1.Time {
	if t == 0 {
		return nil
	}
	out := metav1.Unix(int64(t), 0)
	return &out
}

// alike finds out whether nodes that wait would fail too: where all that fail
// on the current revision share an architecture on which it is fine nowhere.
func (l *nativeLook) alike() {
	var failing []string
	certain := true
	for _, p := range l.n.Places {
		if p.Hash == l.hash && !p.Passing && p.Reason != coverage.NodeLost {
			failing = append(failing, p.Node)
			certain = certain && p.Reason == coverage.ArchMismatch
		}
	}
	what := l.v.onlyFailsOn(failing, l.hash, l.now)
	if what == "" {
		return
	}
	a := &Alike{What: what, Certain: certain}
	for i := range l.v.Nodes {
		n := &l.v.Nodes[i]
		if ArchOf(n.Node) == what && runsOther(n, l.hash) {
			a.Waiting++
		}
	}
	if a.Waiting > 0 {
		l.n.Alike = a
	}
}

// placeBecause is short, for a column.
func placeBecause(n *NodeView, pod *snapshot.Pod, v *coverage.NodeVerdict) string {
	c := v.Evidence.Container
	switch {
	case v.Reason == coverage.ArchMismatch && c != nil && c.Image != "":
		return fmt.Sprintf("image %s has no %s", strings.TrimLeft(c.Image[tagAt(c.Image):], ":@"), ArchOf(n.Node))
	case v.Reason == coverage.NodeLost && pod != nil && pod.Deleted != 0:
		return "pod Terminating; no kubelet to end it"
	case v.Reason == coverage.NodeLost:
		return "nobody reports for the node"
	case pod == nil && !v.State.Gap():
		return "the controller has not adopted its pod yet"
	case v.State == coverage.Covered || v.State == coverage.Outdated:
		return "an old pod stands beside the new one"
	case v.Message != "":
		return v.Message
	}
	row, _ := coverage.Lookup(v.Reason)
	return strings.TrimSuffix(row.Meaning, ".")
}

// driven is what a run without a change would do, as its plan counts it.
func (l *nativeLook) driven() string {
	out := "replaces " + countOf(l.moves, "old pod") + " node by node, with ceiling and gates"
	if l.late > 0 {
		out += fmt.Sprintf("; %d last, if the node is Ready again", l.late)
	}
	if l.stay > 0 {
		out += fmt.Sprintf("; not %d that would not come back", l.stay)
	}
	return out
}

// remedies says what each way out frees, the one that frees most first.
func (l *nativeLook) remedies() {
	n := l.n
	start := Command(l.flags, "kubectl", "ds-rollout", "start", "-n", n.Namespace, n.Name)
	switch n.State {
	case NativeHeld:
		if n.OddArm != "" {
			return // it does not start
		}
		n.Remedies = append(n.Remedies, NativeRemedy{Label: "drive", Do: start, Then: l.driven()})
		return
	case NativeStuck:
	case NativeDone, NativeMoving, NativeUnknown:
		return
	}
	var node []NativeRemedy
	for _, c := range l.res.Causes() {
		frees := l.held(c.Nodes)
		if frees == 0 || !slices.Contains(c.DaemonSets, n.Namespace+"/"+n.Name) {
			continue
		}
		if c.Reason == coverage.NodeLost {
			node = append(node, l.lostRemedies(c.Nodes)...)
			continue
		}
		if len(c.Fixes) > 0 {
			n.Remedies = append(n.Remedies, NativeRemedy{Label: labelOf(c.Reason), Do: c.Fixes[0], Frees: frees, Then: l.then(frees)})
		}
	}
	if u := l.undoRemedy(); u != nil {
		n.Remedies = append(n.Remedies, *u)
	}
	n.Remedies = append(n.Remedies, node...)
}

// lostRemedies name three nodes; who has lost more has another problem.
func (l *nativeLook) lostRemedies(nodes []string) []NativeRemedy {
	var out []NativeRemedy
	for _, name := range nodes {
		if l.held([]string{name}) == 0 || len(out) == 3 {
			continue
		}
		r := NativeRemedy{Label: "node", Do: Command(l.flags, "kubectl", "delete", "node", name), When: "if it is gone for good", Frees: 1}
		if a := l.n.Alike; a != nil && l.olds > 0 {
			r.Then = "until the next " + a.What + " node takes it"
		}
		out = append(out, r)
	}
	return out
}

func labelOf(r coverage.Reason) string {
	switch r {
	case coverage.ArchMismatch, coverage.ImagePull:
		return "image"
	case coverage.NodeNotReady, coverage.NodeNotReadyCNI, coverage.NodeShutdown, coverage.Evicted:
		return "node"
	default:
		return "fix"
	}
}

func (l *nativeLook) held(nodes []string) int {
	count := 0
	for _, p := range l.n.Places {
		if slices.Contains(nodes, p.Node) {
			count++
		}
	}
	return count
}

// then says what an update comes to once places are free.
func (l *nativeLook) then(frees int) string {
	lost := 0
	for _, p := range l.n.Places {
		if p.Reason == coverage.NodeLost {
			lost++
		}
	}
	switch {
	case frees == len(l.n.Places):
		return "then all can finish"
	case frees+lost == len(l.n.Places) && frees > 0:
		return "all but " + countOf(lost, "lost node") + " can finish"
	}
	return ""
}

func (l *nativeLook) undoRemedy() *NativeRemedy {
	pods := 0
	for _, c := range l.n.Counts {
		if c.Hash == l.hash {
			pods = c.Pods
		}
	}
	from := (&planner{v: l.v, target: l.hash}).from()
	fails := slices.ContainsFunc(l.n.Places, func(p Place) bool { return p.Hash == l.hash && !p.Passing })
	if pods == 0 || from.Hash == "" || !fails {
		return nil
	}
	r := &NativeRemedy{Label: "undo", Do: Command(l.flags, "kubectl", "ds-rollout", "undo", "-n", l.n.Namespace, l.n.Name),
		Then: fmt.Sprintf("%s back to revision %d, with ceiling and gates", countOf(pods, "pod"), from.Number)}
	for _, o := range OwnersOf(&l.v.DaemonSet.ObjectMeta) {
		if o.Template {
			r.Then = "refused while " + o.Name + " owns the template: revert it there, and the pods follow"
		}
	}
	return r
}

func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
