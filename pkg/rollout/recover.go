package rollout

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
)

// GiveBack is what giving the update strategy back comes to. All fields are
// empty where the DaemonSet is not armed.
type GiveBack struct {
	Action *HandBack
	Wait   *Cause   // for the controller, first
	Left   *Left    // why OnDelete stays
	Old    []string // nodes whose pods the built-in update would begin to replace
}

// PlanGiveBack decides about the update strategy by one rule for whoever gives
// it back: not while a pod of an older revision is mapped to any node, unless
// a person accepts that. The view has to hold the DaemonSet as it was read
// before everything else: what was written since then is a conflict.
func PlanGiveBack(v *View, acknowledged bool) GiveBack {
	ds := v.DaemonSet
	if ds == nil {
		return GiveBack{}
	}
	armed, err := ArmedOf(ds)
	switch {
	case err != nil:
		return GiveBack{Left: &Left{What: LeftStrategy, Reason: err.Error() + ": what updateStrategy.type was is not known; set it, and remove the annotation"}}
	case armed == nil:
		return GiveBack{}
	case armed.Original != onDelete && armed.Original != string(appsv1.RollingUpdateDaemonSetStrategyType):
		return GiveBack{Left: &Left{What: LeftStrategy, Reason: "annotation " + ArmAnnotation + " says that updateStrategy.type was " + quoted(armed.Original) + ", which there is not; set it, and remove the annotation"}}
	case !v.settled():
		return GiveBack{Wait: &Cause{Code: WaitObserved}}
	}
	g := GiveBack{Action: &HandBack{UID: ds.UID, ResourceVersion: ds.ResourceVersion}}
	if armed.Original == rollingOr(ds.Spec.UpdateStrategy.Type) {
		return g // only the annotation is left to remove
	}
	g.Action.Strategy = armed.Original
	if armed.Original == onDelete {
		return g
	}
	if g.Old = v.oldNodes(); len(g.Old) == 0 {
		return g
	}
	if acknowledged {
		g.Action.Acknowledged = true
		return g
	}
	g.Action, g.Left = nil, &Left{What: LeftStrategy, Reason: "old pods remain on " + names(g.Old) + ", which the controller would begin to replace immediately: OnDelete stays"}
	return g
}

func quoted(s string) string { return `"` + s + `"` }

// oldNodes names the nodes that Outdated pods are mapped to, each once.
func (v *View) oldNodes() []string {
	var out []string
	for _, p := range v.Outdated() {
		out = append(out, p.EffectiveNode())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// RecoverInput is what recovering depends on beside the cluster.
type RecoverInput struct {
	// Runs are ids of runs of this DaemonSet that are over, beside those that
	// the DaemonSet itself tells of.
	Runs     []string
	HandBack bool // a person accepts that old pods will be replaced
}

// Recovery is what is to be done about what a run has left, in this order,
// and what cannot be.
type Recovery struct {
	Steps []Action
	Left  []Left
	Wait  *Cause // for the controller, when the steps are done; then plan again
}

// RecoverPlan takes back what runs of a DaemonSet have left, without their
// stored state: nobody may be driving one. Cordons come first, since the
// annotation tells whose they are, and the Lease comes last. An annotation of
// arm stays: a person wants it.
func RecoverPlan(v *View, in RecoverInput) Recovery {
	var r Recovery
	r.cordons(v, runsOf(v, in))
	stays := false
	if v.DaemonSet != nil {
		stays = r.strategy(v, in.HandBack)
	}
	if r.Wait != nil {
		return r
	}
	for _, rev := range v.Revisions {
		if raw, ok := rev.Annotations[ArmAnnotation]; ok && !(stays && byHand(raw)) {
			r.Steps = append(r.Steps, &CleanRevision{Name: rev.Name, UID: rev.UID, ResourceVersion: rev.ResourceVersion})
		}
	}
	if !v.LeaseGone && v.LeaseVersion != "" {
		r.Steps = append(r.Steps, &DeleteLease{ResourceVersion: v.LeaseVersion})
	}
	return r
}

// runsOf are the runs whose marks are taken: those that are named, and those
// that the annotation of the DaemonSet and its copies tell of.
func runsOf(v *View, in RecoverInput) []string {
	out := slices.Clone(in.Runs)
	add := func(raw string) {
		var a Armed
		if strict([]byte(raw), &a) == nil && a.Run != "" && a.Run != ArmedByHand {
			out = append(out, a.Run)
		}
	}
	if v.DaemonSet != nil {
		add(v.DaemonSet.Annotations[ArmAnnotation])
	}
	for _, rev := range v.Revisions {
		add(rev.Annotations[ArmAnnotation])
	}
	return out
}

func byHand(raw string) bool {
	var a Armed
	return strict([]byte(raw), &a) == nil && a.Run == ArmedByHand
}

func (r *Recovery) cordons(v *View, runs []string) {
	for i := range v.Nodes {
		n := &v.Nodes[i]
		switch {
		case n.Mark == nil:
		case n.Mark.Run == unreadableMark || n.Mark.Run == "": // whoever is named
			r.Left = append(r.Left, Left{Node: n.Node.Name, What: LeftCordon, Reason: "its annotation " + MarkAnnotation + " cannot be read: uncordon it by hand, and remove the annotation"})
		case slices.Contains(runs, n.Mark.Run):
			r.Steps = append(r.Steps, &Uncordon{Node: n.Node.Name, UID: n.Node.UID, ResourceVersion: n.Node.ResourceVersion, Unschedulable: n.Mark.Prior && n.Node.Spec.Unschedulable})
		case v.DaemonSet != nil && !n.ShouldRun && len(n.Pods) == 0: // no run of this DaemonSet had to do with it
		default:
			r.Left = append(r.Left, Left{Node: n.Node.Name, What: LeftCordon,
				Reason: "cordoned by run " + n.Mark.Run + ", and nothing tells that it was one of this DaemonSet: if it was and is over, --run " + n.Mark.Run})
		}
	}
}

// unreadableMark stands for the run in what MarkOf could not read.
const unreadableMark = "?"

// strategy gives the strategy back, or makes the DaemonSet one that is armed
// by hand: start can take it from there, and disarm can give it back later. It
// reports whether an annotation of arm stays.
func (r *Recovery) strategy(v *View, acknowledged bool) (stays bool) {
	raw, ok := v.DaemonSet.Annotations[ArmAnnotation]
	if !ok {
		return false
	}
	if byHand(raw) {
		return true
	}
	g := PlanGiveBack(v, acknowledged)
	switch {
	case g.Wait != nil:
		r.Wait = g.Wait
	case g.Action != nil:
		r.Steps = append(r.Steps, g.Action)
	case len(g.Old) > 0:
		// Only what is OnDelete has old pods to keep.
		armed, err := ArmedOf(v.DaemonSet)
		if err == nil {
			r.Steps = append(r.Steps, &Arm{UID: v.DaemonSet.UID, ResourceVersion: v.DaemonSet.ResourceVersion, Armed: Armed{Run: ArmedByHand, Original: armed.Original}})
		}
		r.Left = append(r.Left, *g.Left)
		return true
	case g.Left != nil:
		r.Left = append(r.Left, *g.Left)
	}
	return false
}

// String is one line of what is left.
func (l Left) String() string {
	words := []string{l.What}
	if l.Node != "" {
		words = append(words, "of node "+l.Node)
	}
	return strings.Join(words, " ") + ": " + l.Reason
}
