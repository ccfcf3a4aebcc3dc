package coverage

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// tell writes the lines of a cause, from the first pair and from what all have.
func (r *Result) tell(c *Cause, ms []member) {
	m := ms[0]
	if c.Reason == NodeLost {
		// The verdict that carries the condition and the remedy of the node.
		for _, x := range ms {
			if x.v.Reason == NodeLost {
				m = x
				break
			}
		}
	}
	if m.v.Detail == nil {
		v := *m.v
		v.Detail = &Detail{}
		m.v = &v
	}
	c.Facts = r.facts(c, m, ms)
	c.Notes = r.notes(c, ms)
	c.Fixes = r.fixes(m.d, m.v)
	c.Looks = r.looks(m.d, m.v)
	if c.Reason == NodeLost && m.v.Reason != NodeLost {
		c.Fixes = []string{"recover the node; if it is gone for good: " + r.Options.command("kubectl", "delete", "node", r.node(m.v).Name)}
	}
}

func (r *Result) facts(c *Cause, m member, ms []member) []Fact {
	e := &m.v.Detail.Evidence
	switch c.Reason {
	case TaintTransient, TaintStructural, LatentUnrecreatable, DeletionPending, TaintGateDependent:
		return r.taintFacts(c, m)
	case SelectorMismatch, AffinityInvalid:
		return []Fact{{"needs", requirementList(e.Requirements)}}
	case NodeNamePinned:
		return []Fact{{"needs", "spec.nodeName " + m.d.DaemonSet.Spec.Template.Spec.NodeName}}
	case NodeLost, NodeNotReady, NodeShutdown, NodeNotReadyCNI:
		if e.Condition != nil {
			return []Fact{{"node", r.conditionText(e.Condition)}}
		}
	case OutdatedReason:
		return []Fact{{"why", r.updateText(m.d)}}
	case UnknownReason:
		return []Fact{{"read", e.Unread}}
	case SchedInsufficient, SchedNeverFits, SchedNoVictims, SchedTooManyPods, SchedHostPort:
		return r.roomFacts(c, m, ms)
	}
	switch {
	case e.Event != nil:
		return []Fact{{"event", r.eventText(e.Event)}}
	case e.Container != nil && (c.Reason == ImagePull || c.Reason == ArchMismatch):
		words := e.Container.Message
		if words == "" {
			words = e.Container.LastWords
		}
		return []Fact{{"image", e.Container.Image + ": " + orNone(capped(words, maxWords))}}
	case e.Container != nil:
		return []Fact{{"container", strings.TrimPrefix(containerMessage(e.Container), "container ")}}
	}
	if text := r.message(m.d, m.v); text != "" {
		return []Fact{{"pod", text}}
	}
	return nil
}

// classText says what a class of transient taint is.
func classText(class string) string {
	switch eligibility.Class(class) {
	case eligibility.Arriving:
		return "a startup taint"
	case eligibility.Broken:
		return "a taint of a broken node"
	case eligibility.Leaving:
		return "a taint of a node that is being removed"
	case eligibility.Declared:
		return "declared transient"
	}
	return "a structural taint"
}

func (r *Result) taintFacts(c *Cause, m member) []Fact {
	e := &m.v.Detail.Evidence
	var out []Fact
	for _, t := range e.Taints {
		text := t.String()
		switch {
		case c.Reason == LatentUnrecreatable:
			text += " on " + few(c.Nodes) + ": the pod stays, and would not come back once deleted"
		case c.Reason == DeletionPending:
			text += " on " + few(c.Nodes) + ": the controller will delete the pod"
		default:
			text += ", " + classText(t.Class) + " that the template does not tolerate"
		}
		out = append(out, Fact{"taint", text})
	}
	if len(e.Requirements) > 0 {
		text := requirementList(e.Requirements)
		if len(out) == 0 && c.Reason == DeletionPending {
			text += ": the controller will delete the pod"
		}
		out = append(out, Fact{"needs", text})
	}
	return out
}

func (r *Result) conditionText(c *ConditionEvidence) string {
	s := "Ready is " + c.Status
	if c.Since != nil {
		t := snapshot.TimeOf(c.Since)
		s += fmt.Sprintf(" since %s (%s)", c.Since.UTC().Format("2006-01-02T15:04Z"), age(r.Options.Now, t))
	}
	if c.Message != "" {
		s += ": " + capped(strings.TrimSuffix(c.Message, "."), maxWords)
	}
	return s
}

func (r *Result) eventText(e *EventEvidence) string {
	text := capped(e.Message, maxWords)
	if e.Reason == "FailedCreate" {
		// Error creating: pods "falco-" is forbidden: violates ...
		if _, rest, ok := strings.Cut(text, " is forbidden: "); ok {
			text = rest
		} else {
			text = strings.TrimPrefix(text, "Error creating: ")
		}
	}
	if e.Last == nil {
		return text
	}
	return age(r.Options.Now, snapshot.TimeOf(e.Last)) + " ago: " + text
}

// roomFacts prints what is short, over all nodes of the cause.
func (r *Result) roomFacts(c *Cause, m member, ms []member) []Fact {
	var out []Fact
	e := &m.v.Detail.Evidence
	if e.Room == nil || e.Room.NotExamined {
		if e.Scheduler != nil {
			out = append(out, Fact{"scheduler", orNone(strings.Join(e.Scheduler.Reasons, ", "))})
		}
		return append(out, Fact{"room", "the pods of these nodes were not read"})
	}
	for _, x := range e.Room.Resources {
		lo, hi, most := x.Free, x.Free, x.Allocatable
		short := x.Short
		for _, y := range ms {
			room := y.v.Detail.Evidence.Room
			if room == nil || room.NotExamined {
				continue
			}
			for _, z := range room.Resources {
				if z.Name == x.Name {
					lo, hi, most, short = min(lo, z.Free), max(hi, z.Free), max(most, z.Allocatable), short || z.Short
				}
			}
		}
		if !short {
			continue
		}
		free := quantity(x.Name, max(0, lo))
		if hi > lo {
			free += " to " + quantity(x.Name, max(0, hi))
		}
		text := fmt.Sprintf("asks %s; free %s of %s", quantity(x.Name, x.Asks), free, quantity(x.Name, most))
		if len(c.Nodes) > 1 {
			text = fmt.Sprintf("asks %s; free on these nodes %s of %s", quantity(x.Name, x.Asks), free, quantity(x.Name, most))
		}
		if c.Reason == SchedNeverFits && x.Asks > x.Allocatable {
			text = fmt.Sprintf("asks %s; the node has %s in all", quantity(x.Name, x.Asks), quantity(x.Name, x.Allocatable))
		}
		if c.Reason != SchedNeverFits {
			text += preemptionText(e.Room)
		}
		out = append(out, Fact{x.Name, text})
	}
	for _, h := range e.Room.HostPorts {
		out = append(out, Fact{"port", h.Port + " is held by " + h.Pod})
	}
	if names := holderText(e.Room); names != "" && c.Reason != SchedHostPort && len(c.Nodes) == 1 {
		out = append(out, Fact{"holders", names})
	}
	if e.Scheduler != nil && len(out) == 0 {
		out = append(out, Fact{"scheduler", strings.Join(e.Scheduler.Reasons, ", ") + "; our own arithmetic finds room: the message may be old"})
	}
	return out
}

// holderText names the largest holders that are not DaemonSet pods, and sums
// those that are.
func holderText(room *Room) string {
	var names []string
	var cpu int64
	sets := 0
	for _, h := range room.Holders {
		if h.DaemonSet {
			sets++
			cpu += h.MilliCPU
			continue
		}
		if len(names) < 3 {
			names = append(names, fmt.Sprintf("%s %dm", h.Pod, h.MilliCPU))
		}
	}
	if sets > 0 {
		names = append(names, fmt.Sprintf("%s %dm", count(sets, "DaemonSet pod"), cpu))
	}
	return strings.Join(names, ", ")
}

// updateText says why outdated pods stay.
func (r *Result) updateText(d *DaemonSetResult) string {
	u := &d.DaemonSet.Spec.UpdateStrategy
	if string(u.Type) == "OnDelete" {
		return "updateStrategy is OnDelete: nothing replaces them by itself"
	}
	if n, surge := maxSurge(d); n > 0 {
		return fmt.Sprintf("a RollingUpdate with maxSurge %s is under way: an old pod goes when the new one beside it is available", surge)
	}
	allowed, text := maxUnavailable(d)
	taken := map[Reason]int{}
	n := 0
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; v.State.Gap() {
			taken[v.Reason]++
			n++
		}
	}
	if n < allowed || n == 0 {
		return fmt.Sprintf("a RollingUpdate is under way: %d of %s allowed unavailable are taken", n, text)
	}
	var by []string
	for _, row := range registry {
		if k := taken[row.Reason]; k > 0 {
			by = append(by, fmt.Sprintf("%d %s", k, row.Reason))
		}
	}
	return fmt.Sprintf("RollingUpdate waits: %d of %s allowed unavailable are taken (%s)", n, text, strings.Join(by, ", "))
}

// maxUnavailable is the native ceiling: of percentages rounded up, and at
// least 1 unless a surge is configured (pkg/controller/daemon/util, v1.37.2).
func maxUnavailable(d *DaemonSetResult) (int, string) {
	n := 1
	if u := d.DaemonSet.Spec.UpdateStrategy.RollingUpdate; u != nil && u.MaxUnavailable != nil {
		if v, err := intstr.GetScaledValueFromIntOrPercent(u.MaxUnavailable, int(d.Counts.Desired), true); err == nil {
			n = v
		}
	}
	return n, fmt.Sprint(n)
}

// maxSurge is on how many nodes a new pod may run beside the old one.
func maxSurge(d *DaemonSetResult) (int, string) {
	u := d.DaemonSet.Spec.UpdateStrategy.RollingUpdate
	if u == nil || u.MaxSurge == nil {
		return 0, ""
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(u.MaxSurge, int(d.Counts.Desired), true)
	if err != nil {
		return 0, ""
	}
	return n, u.MaxSurge.String()
}

func (r *Result) notes(c *Cause, ms []member) []string {
	d := ms[0].d
	var out []string
	switch c.Reason {
	case TaintTransient, TaintStructural:
		if len(c.DaemonSets) == 1 {
			s := &d.DaemonSet.Status
			out = append(out, fmt.Sprintf("kubectl get ds shows %d desired, %d ready; with the taint set aside %d nodes should run it",
				s.DesiredNumberScheduled, s.NumberReady, int(d.Counts.Desired)+len(c.Nodes)))
		}
	case CreateForbiddenPSA, CreateQuota, CreateQuotaScope, CreateWebhook, CreateVAP, CreateMissingRef, CreateConflict, CreateLimit, CreateInvalid, CreateFailed:
		if d.Summary.Covered+d.Summary.Outdated > 0 {
			out = append(out, "other nodes keep their pods only until something deletes them")
		}
	case ImagePull:
		switch running := d.Summary.Covered; {
		case len(c.DaemonSets) > 1:
		case running > 0:
			out = append(out, count(running, "node")+" run the same revision: the image is there, and these nodes do not get it")
		case len(c.Nodes) > 1:
			out = append(out, "no node runs this revision: look at the image and the pull secret, not at the nodes")
		}
	case ArchMismatch:
		if n := r.sameArchOutdated(d, ms); n > 0 {
			out = append(out, fmt.Sprintf("%s of this architecture still run the old revision and would fail the same way", count(n, "more node")))
		}
	case SchedInsufficient, SchedNeverFits, SchedTooManyPods, SchedNoVictims:
		out = append(out, "no autoscaler can help a pod that is pinned to its node")
	case LatentUnrecreatable, DeletionPending:
		if len(d.Drift) > 0 && len(c.DaemonSets) == 1 {
			s := &d.DaemonSet.Status
			out = append(out, fmt.Sprintf("status says desired %d, misscheduled %d; recomputed %d and %d: %s",
				s.DesiredNumberScheduled, s.NumberMisscheduled, d.Counts.Desired, d.Counts.Misscheduled, d.Drift[0].Because))
		}
	case NodeLost:
		if misplaced := r.misplacedSets(ms); len(misplaced) > 0 {
			out = append(out, fmt.Sprintf("the unreachable taints took it out of should-run of %s: STEADY shows it", few(misplaced)))
		}
	}
	for _, m := range ms {
		if m.v.Detail != nil && slices.Contains(m.v.Detail.Contributing, ArchMismatch) && c.Reason != ArchMismatch {
			out = append(out, "all failing nodes have an architecture that no healthy node has: the image may not be made for it")
			break
		}
	}
	return out
}

func (r *Result) misplacedSets(ms []member) []string {
	var out []string
	for _, m := range ms {
		if m.v.State == Misplaced {
			out = append(out, m.d.DaemonSet.Namespace+"/"+m.d.DaemonSet.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *Result) sameArchOutdated(d *DaemonSetResult, ms []member) int {
	a := arch(r.node(ms[0].v))
	n := 0
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; v.State == Outdated && arch(r.node(v)) == a && a != "" {
			n++
		}
	}
	return n
}

// findingCauses are the findings that a person should see; failed reads have a
// line of their own.
func (r *Result) findingCauses() []Cause {
	var out []Cause
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		for _, f := range d.Findings {
			if f.Reason == ReadFailed || f.Reason == RevisionInferred || r.told(d, f) {
				continue
			}
			name := d.DaemonSet.Namespace + "/" + d.DaemonSet.Name
			c := Cause{Reason: f.Reason, Object: name, DaemonSets: []string{name}, Nodes: f.Nodes, class: 3,
				Facts: []Fact{{"seen", f.Message}}}
			if f.Remedy != "" {
				c.Fixes = []string{f.Remedy}
			}
			if f.Reason == SchedNodeGone {
				c.Looks = []string{r.Options.command("kubectl", "get", "pods", "-n", d.DaemonSet.Namespace, "-o", "wide")}
			}
			if len(f.Nodes) > 0 {
				c.Count = count(len(f.Nodes), "node")
				var group []int32
				for j, n := range r.Snapshot.Nodes {
					if slices.Contains(f.Nodes, n.Name) {
						group = append(group, int32(j))
					}
				}
				c.Shared = shared(r.Snapshot.Nodes, group, r.Options.Now)
			}
			out = append(out, c)
		}
	}
	return out
}

// told reports whether a paragraph about the same nodes says it already.
func (r *Result) told(d *DaemonSetResult, f Finding) bool {
	if f.Reason != TaintHidesNodes {
		return false
	}
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; v.Suspect && v.Reason == TaintStructural && slices.Contains(f.Nodes, r.node(v).Name) {
			return true
		}
	}
	return false
}
