package coverage

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// maxWords caps text from the cluster inside a message.
const maxWords = 300

// words makes the message and the remedy of a verdict from its evidence.
func (r *Result) words(d *DaemonSetResult, v *Verdict) (message, remedy string) {
	fixes := r.fixes(d, v)
	switch v.Reason {
	case CrashLoop, InitFailing, ProbeFailing, Failed, RunError, NodeNotReady, NodeNotReadyCNI:
		// What exactly to mend stands there.
		if looks := r.looks(d, v); len(fixes) > 0 && len(looks) > 0 {
			fixes = []string{strings.TrimSuffix(fixes[0], "."), "see: " + looks[0]}
		}
	default: // the fix says all
	}
	return r.message(d, v) + churnText(r.Options.Now, v.Detail.Evidence.Churn), strings.Join(fixes, "; ")
}

func (r *Result) message(d *DaemonSetResult, v *Verdict) string {
	e := &v.Detail.Evidence
	switch v.Reason {
	case Current:
		return ""
	case TaintTransient, TaintStructural, LatentUnrecreatable, DeletionPending, TaintGateDependent,
		SelectorMismatch, AffinityInvalid, NodeNamePinned, VirtualNode:
		return ruleMessage(d, v.Reason, e)
	case OutdatedReason:
		return fmt.Sprintf("runs revision %s, not %s", orNone(r.pod(v).Labels[hashLabel]), orNone(d.Revision.Hash))
	case UnknownReason, ReadFailed:
		return "cannot tell: " + e.Unread
	case Terminating, TerminatingStuck:
		return endingMessage(v)
	case NotAvailableYet:
		if e.AvailableAt == nil { // ready, and nobody says since when
			return "ready since an unknown time; minReadySeconds are not over"
		}
		return fmt.Sprintf("available at %s, in %s", e.AvailableAt.UTC().Format("15:04:05Z"), duration.HumanDuration(e.AvailableAt.Sub(r.Options.Now)))
	case NodeYoung:
		return "the node joined " + age(r.Options.Now, v.Detail.Since) + " ago"
	case NamespaceTerminating:
		return "namespace " + d.DaemonSet.Namespace + " is being deleted"
	case CreateStale:
		return r.idleMessage(v)
	case Starting, SchedVolume, SchedDRA:
		if text := r.unheardMessage(v); text != "" {
			return text
		}
	case ReadinessGate:
		return gateMessage(r.pod(v))
	case SchedNoScheduler:
		return "no word from scheduler " + r.schedulerName(v)
	default: // what was seen says it
	}
	return evidenceMessage(v.Reason, e)
}

// ruleMessage says by which rule of eligibility the node should not run it.
func ruleMessage(d *DaemonSetResult, reason Reason, e *Evidence) string {
	switch reason {
	case SelectorMismatch, AffinityInvalid:
		return "needs " + requirementList(e.Requirements)
	case NodeNamePinned:
		return "the template names node " + d.DaemonSet.Spec.Template.Spec.NodeName
	case VirtualNode:
		return "the node is virtual"
	default:
		return exclusionMessage(reason, e)
	}
}

func (r *Result) idleMessage(v *Verdict) string {
	if why := idleReason(v); why != "" {
		return "no pod: " + lowerFirst(rowOf[why].Meaning)
	}
	if e := v.Detail.Evidence.Event; e != nil {
		return "no pod, and since the newest pod was made no event says that creating one failed; before that, " + r.eventText(e)
	}
	return "no pod, and no event says that creating one failed"
}

func endingMessage(v *Verdict) string {
	s := "the grace ended at " + clock(v.Detail.Since)
	if v.Reason == Terminating {
		s = "the grace ends at " + clock(v.Detail.Since)
	}
	if f := v.Detail.Evidence.Finalizers; len(f) > 0 {
		s += "; finalizers " + strings.Join(f, ", ")
	}
	return s
}

func (r *Result) schedulerName(v *Verdict) string {
	if p := r.pod(v); p != nil && p.Full != nil && p.Full.Spec.SchedulerName != "" {
		return p.Full.Spec.SchedulerName
	}
	return "default-scheduler"
}

// evidenceMessage says what was seen, the most telling first.
func evidenceMessage(reason Reason, e *Evidence) string {
	switch reason {
	case NodeLost, NodeNotReady, NodeNotReadyCNI, NodeShutdown:
		if e.Condition != nil {
			return nodeMessage(e.Condition)
		}
	case SchedAdmissionDrift:
		return "admission changed the pod: " + strings.Join(e.Drift, ", ")
	case SchedGated:
		return strings.Join(e.Drift, ", ")
	default: // no evidence belongs to the reason alone
	}
	if text := roomMessage(reason, e.Room); text != "" {
		return text
	}
	switch c := e.Container; {
	case e.Scheduler != nil:
		return schedulerMessage(e)
	case e.Event != nil && (c == nil || reason == ProbeFailing || c.Message == ""):
		return capped(e.Event.Message, maxWords)
	case c != nil:
		return containerMessage(c)
	case e.Condition != nil:
		return nodeMessage(e.Condition)
	}
	return ""
}

// schedulerMessage passes on what the scheduler said of the node.
func schedulerMessage(e *Evidence) string {
	if len(e.Scheduler.Reasons) == 0 {
		return "scheduler: " + capped(e.Scheduler.Message, maxWords)
	}
	return "scheduler: " + capped(strings.Join(e.Scheduler.Reasons, ", "), maxWords) + roomDoubt(e.Room)
}

func nodeMessage(c *ConditionEvidence) string {
	s := fmt.Sprintf("the node's %s is %s", c.Type, c.Status)
	if c.Since != nil {
		s += " since " + c.Since.UTC().Format("2006-01-02T15:04Z")
	}
	if c.Message != "" {
		s += ": " + capped(c.Message, maxWords)
	}
	return s
}

func containerMessage(c *ContainerEvidence) string {
	var parts []string
	switch {
	case c.Reason != "" && c.Reason != "CrashLoopBackOff" && c.Message != "":
		parts = append(parts, c.Reason+": "+capped(c.Message, maxWords))
	case c.Reason != "":
		parts = append(parts, c.Reason)
	}
	if c.ExitCode != nil {
		s := fmt.Sprintf("exit %d", *c.ExitCode)
		if c.LastReason != "" && c.LastReason != c.Reason {
			s += " (" + c.LastReason + ")"
		}
		parts = append(parts, s)
	}
	if c.Restarts > 0 {
		parts = append(parts, count(int(c.Restarts), "restart"))
	}
	if c.Probe != "" {
		parts = append(parts, "its "+c.Probe+" probe does not pass")
	}
	if len(parts) == 0 {
		parts = append(parts, "running")
	}
	if c.LastWords != "" {
		parts = append(parts, "last words: "+capped(c.LastWords, 120))
	}
	if c.Name == "" {
		return strings.Join(parts, ", ")
	}
	return c.label() + ": " + strings.Join(parts, ", ")
}

func exclusionMessage(r Reason, e *Evidence) string {
	if len(e.Taints) == 0 {
		return "needs " + requirementList(e.Requirements)
	}
	s := "taint " + taintList(e.Taints) + " is not tolerated"
	if r == LatentUnrecreatable {
		s += ": the pod stays, and would not come back"
	}
	if len(e.Requirements) > 0 {
		s += "; needs " + requirementList(e.Requirements)
	}
	return s
}

func requirementList(rs []RequirementEvidence) string {
	var out []string
	for _, q := range rs {
		s := q.Requirement
		switch {
		case q.Error != "":
			s += " (cannot match: " + q.Error + ")"
		case q.Hint != "":
			s += " (" + q.Hint + ")"
		case q.NodeHas:
			s += " (the node has " + orEmpty(q.NodeValue) + ")"
		default:
			s += " (the node has no such label)"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func orEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// gateMessage names the readiness gates that are not met.
func gateMessage(p *snapshot.Pod) string {
	if p == nil || p.Full == nil {
		return "a readiness gate is not met"
	}
	var out []string
	for _, g := range p.Full.Spec.ReadinessGates {
		switch c := podCondition(p.Full, g.ConditionType); {
		case c == nil:
			out = append(out, string(g.ConditionType)+" (never set)")
		case c.Status != corev1.ConditionTrue:
			out = append(out, fmt.Sprintf("%s is %s", g.ConditionType, c.Status))
		}
	}
	if len(out) == 0 {
		return "a readiness gate is not met"
	}
	return "readiness gate " + strings.Join(out, ", ")
}
