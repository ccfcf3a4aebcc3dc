package rollout

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// NativeState is where an update stands that no run drives.
type NativeState string

// States of a native update.
const (
	NativeDone    NativeState = "Done"    // an available pod of the current revision wherever one should run, and no old one
	NativeMoving  NativeState = "Moving"  // the controller goes on by itself
	NativeStuck   NativeState = "Stuck"   // it does not, until somebody mends what holds its places
	NativeHeld    NativeState = "Held"    // OnDelete: old pods stay until somebody deletes them
	NativeUnknown NativeState = "Unknown" // the controller has not seen the template, or a read failed
)

// Native is the update of a DaemonSet by its controller alone.
type Native struct {
	Namespace string       `json:"namespace"`
	Name      string       `json:"name"`
	At        time.Time    `json:"at"`
	Strategy  string       `json:"strategy"`
	State     NativeState  `json:"state"`
	Because   string       `json:"because,omitempty"` // of Unknown
	Since     *metav1.Time `json:"since,omitempty"`   // of the state; absent where nothing tells
	// Armed names the run, or "arm", that made the strategy OnDelete.
	Armed    string          `json:"armed,omitempty"`
	Current  Revision        `json:"current"`
	Counts   []RevisionCount `json:"revisions"` // the newest first
	Desired  int             `json:"desired"`   // nodes that should run it now
	Limit    string          `json:"limit"`     // maxUnavailable or maxSurge as it is written
	Surges   bool            `json:"surges,omitempty"`
	Ceiling  int             `json:"ceiling"` // the limit resolved; 0 under OnDelete
	Places   []Place         `json:"places"`
	Waiting  int             `json:"waiting"` // nodes with an available old pod
	Alike    *Alike          `json:"alike,omitempty"`
	Remedies []NativeRemedy  `json:"remedies,omitempty"`
	// Cordoned are nodes that a run has not given back, and Cleanups what does.
	Cordoned []Cordoned     `json:"cordoned,omitempty"`
	Cleanups []NativeRemedy `json:"cleanups,omitempty"`
	// OddArm says what is wrong with an annotation of arm that cannot be read.
	OddArm string `json:"oddArm,omitempty"`
}

// Place is a node that holds a place of the ceiling, and why.
type Place struct {
	Node     string          `json:"node"`
	Arch     string          `json:"arch,omitempty"`
	Pod      string          `json:"pod,omitempty"`
	State    string          `json:"state"`
	Reason   coverage.Reason `json:"reason"`
	Revision int64           `json:"revision,omitempty"`
	Hash     string          `json:"hash,omitempty"`
	Since    *metav1.Time    `json:"since,omitempty"`
	Because  string          `json:"because,omitempty"` // untrusted
	// Passing is set where the controller or the kubelet is at work.
	Passing bool `json:"passing,omitempty"`
}

// nativeGrace is how long a pod may take before it counts as stuck.
const nativeGrace = 5 * time.Minute

// NativeOf looks at a DaemonSet that no run drives. flags are appended to
// printed commands, as in "--context prod".
func NativeOf(v *View, flags string, now time.Time) *Native {
	if v.DaemonSet == nil {
		return nil
	}
	ds := v.DaemonSet
	n := &Native{
		Namespace: ds.Namespace, Name: ds.Name, At: now, Strategy: string(ds.Spec.UpdateStrategy.Type), Places: []Place{},
		Counts: CountRevisions(v, now), Cordoned: v.cordons(), OddArm: v.oddArm(),
	}
	if v.LeaseGone { // else somebody may drive it
		n.Cleanups = n.cleanups(flags)
	}
	if n.Strategy == "" { // a capture that was written by hand: the API's default
		n.Strategy = string(appsv1.RollingUpdateDaemonSetStrategyType)
	}
	if a, err := ArmedOf(ds); err == nil && a != nil {
		n.Armed = a.Run
	}
	for i := range v.Nodes {
		if v.Nodes[i].ShouldRun {
			n.Desired++
		}
	}
	n.Limit, n.Surges, n.Ceiling = limitOf(ds, n.Desired)
	cur := v.current()
	switch {
	case v.Unread != "":
		n.State, n.Because = NativeUnknown, "could not be read: "+v.Unread
		return n
	case cur == nil:
		n.State, n.Because = NativeUnknown, "the controller has not seen the newest template"
		return n
	}
	n.Current = v.pin(cur)
	l := &nativeLook{v: v, n: n, now: now, flags: flags, hash: n.Current.Hash}
	l.look(cur)
	return n
}

// limitOf resolves the ceiling as the controller does: percentages of the
// nodes that should run it, rounded up, and 1 where both limits come to
// nothing (updatedDesiredNodeCounts of pkg/controller/daemon/update.go,
// v1.37.2).
func limitOf(ds *appsv1.DaemonSet, desired int) (string, bool, int) {
	if ds.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		return "", false, 0
	}
	one := intstr.FromInt32(1)
	unavailable := &one
	if u := ds.Spec.UpdateStrategy.RollingUpdate; u != nil {
		if u.MaxSurge != nil && scaled(*u.MaxSurge, desired) > 0 {
			return u.MaxSurge.String(), true, scaled(*u.MaxSurge, desired)
		}
		if u.MaxUnavailable != nil {
			unavailable = u.MaxUnavailable
		}
	}
	return unavailable.String(), false, max(1, scaled(*unavailable, desired))
}

// nativeLook is one look at one DaemonSet.
type nativeLook struct {
	v     *View
	n     *Native
	now   time.Time
	flags string
	hash  string // of the current revision
	res   *coverage.Result
	by    map[string]*coverage.NodeVerdict
	olds  int // live pods of other revisions
	moves int // those that a run would replace
	late  int // those that it would come to last, if their node is Ready again
	stay  int // those that it would leave alone: they would not come back
}

func (l *nativeLook) look(cur *appsv1.ControllerRevision) {
	l.verdicts()
	for i := range l.v.Nodes {
		l.node(&l.v.Nodes[i])
	}
	l.homeless()
	slices.SortStableFunc(l.n.Places, func(a, b Place) int {
		return cmp.Or(cmp.Compare(passingLast(a), passingLast(b)), cmp.Compare(b.Revision, a.Revision), compareSince(a.Since, b.Since), cmp.Compare(a.Node, b.Node))
	})
	l.state(cur)
	l.alike()
	l.remedies()
}

func passingLast(p Place) int {
	if p.Passing {
		return 1
	}
	return 0
}

func compareSince(a, b *metav1.Time) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(boolInt(a == nil), boolInt(b == nil))
	default:
		return a.Compare(b.Time)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (l *nativeLook) verdicts() {
	l.res = coverage.Analyze(l.v.Snapshot, coverage.Options{Now: l.now, Grace: nativeGrace, CommandFlags: l.flags})
	l.by = map[string]*coverage.NodeVerdict{}
	for _, item := range l.res.Report().Items {
		if item.UID != l.v.DaemonSet.UID {
			continue
		}
		for i := range item.Nodes {
			l.by[item.Nodes[i].Node] = &item.Nodes[i]
		}
	}
}

// node judges one node as rollingUpdate of pkg/controller/daemon/update.go
// (v1.37.2) does: a node without exactly one pod that lives and is available
// holds a place of maxUnavailable; one whose new pod beside the old one is not
// available holds a place of maxSurge.
func (l *nativeLook) node(n *NodeView) {
	if !n.ShouldRun && len(n.Pods) == 0 {
		return
	}
	older, newer := l.byRevision(n.Pods)
	l.count(n, len(older))
	up := func(list []*snapshot.Pod) bool {
		return len(list) == 1 && n.available(list[0], l.v.DaemonSet.Spec.MinReadySeconds, l.now)
	}
	if up(older) && len(newer) == 0 {
		l.n.Waiting++
		return
	}
	holds := !up(newer) || len(older) > 0
	if l.n.Surges && len(older) == 1 && len(newer) == 1 {
		holds = !up(newer)
	}
	if !holds {
		return
	}
	p := l.place(n, older, newer)
	if l.n.Ceiling > 0 && !l.n.Surges && len(older) == 1 && len(newer) == 0 && !lostNode(n) {
		// The ceiling never saves an old pod that is not available.
		p.Passing, p.Because = true, "old and not available: replaced next, whatever the ceiling"
	}
	l.n.Places = append(l.n.Places, p)
}

// count adds the old pods of a node to what a run would do with them.
func (l *nativeLook) count(n *NodeView, olds int) {
	l.olds += olds
	switch {
	case n.Ready != corev1.ConditionTrue:
		l.late += olds
	case !n.ShouldRun || n.Doubt:
		l.stay += olds
	default:
		l.moves += olds
	}
}

// byRevision parts the pods that are not being deleted.
func (l *nativeLook) byRevision(pods []*snapshot.Pod) (older, newer []*snapshot.Pod) {
	for _, p := range pods {
		switch {
		case p.Deleted != 0:
		case p.Labels[hashLabel] == l.hash:
			newer = append(newer, p)
		default:
			older = append(older, p)
		}
	}
	return older, newer
}

// homeless pods stand on nodes that are gone: the controller still counts
// them, until the garbage collector has them.
func (l *nativeLook) homeless() {
	for _, p := range l.v.Homeless {
		if p.Terminal() || l.n.Surges || l.listed(p.EffectiveNode()) {
			continue
		}
		if p.Deleted == 0 && p.Labels[hashLabel] != l.hash {
			l.olds++
		}
		if p.Ready && p.Deleted == 0 {
			continue
		}
		l.n.Places = append(l.n.Places, Place{
			Node: p.EffectiveNode(), Pod: p.Name, Hash: p.Labels[hashLabel], Revision: l.numberOf(p.Labels[hashLabel]), State: coverage.Unready.String(),
			Reason: coverage.SchedNodeGone, Because: "its node is gone, the pod goes with it", Passing: true,
		})
	}
}

func (l *nativeLook) listed(node string) bool {
	return slices.ContainsFunc(l.n.Places, func(p Place) bool { return p.Node == node })
}

func (l *nativeLook) numberOf(hash string) int64 {
	for _, c := range l.n.Counts {
		if c.Hash == hash {
			return c.Number
		}
	}
	return 0
}

func (l *nativeLook) place(n *NodeView, older, newer []*snapshot.Pod) Place {
	p := Place{Node: n.Node.Name, Arch: ArchOf(n.Node)}
	var pod *snapshot.Pod
	for _, list := range [][]*snapshot.Pod{newer, older, n.Pods} {
		if len(list) > 0 {
			pod = list[0]
			break
		}
	}
	if pod != nil {
		p.Pod, p.Hash = pod.Name, pod.Labels[hashLabel]
		p.Revision = l.numberOf(p.Hash)
	}
	v := l.by[n.Node.Name]
	if v == nil {
		return p
	}
	p.State, p.Reason, p.Since = v.State.String(), v.Reason, v.Since
	p.Because, p.Passing = placeBecause(n, pod, v), passing(v)
	return p
}

// passing reports whether a verdict is one that goes away by itself.
func passing(v *coverage.NodeVerdict) bool {
	switch v.Reason {
	case coverage.Terminating, coverage.NotAvailableYet:
		return true
	case coverage.Starting, coverage.NodeYoung:
		return v.Settling
	default:
		// A node that is covered again: what holds the place is an old pod
		// that the controller deletes next.
		return !v.State.Gap() && v.State != coverage.Misplaced
	}
}
