package coverage

import (
	"fmt"
	"strings"

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
	c.Fixes = append(r.fixes(m.d, leastRoom(m.v, ms)), r.undoFixes(ms)...)
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
		return []Fact{{"why", updateText(m.d)}}
	case UnknownReason:
		return []Fact{{"read", e.Unread}}
	case SchedInsufficient, SchedNeverFits, SchedNoVictims, SchedTooManyPods, SchedHostPort:
		return r.roomFacts(c, m, ms)
	default: // what was seen of the pod
	}
	return r.podFacts(c, m)
}

// podFacts are what was seen of the pod of the first pair.
func (r *Result) podFacts(c *Cause, m member) []Fact {
	e := &m.v.Detail.Evidence
	switch {
	case e.Event != nil && c.Reason != CreateStale:
		return []Fact{{"event", r.eventText(e.Event)}}
	case e.Container != nil && (c.Reason == ImagePull || c.Reason == ArchMismatch):
		words := e.Container.Message
		if words == "" {
			words = e.Container.LastWords
		}
		return []Fact{{"image", e.Container.Image + ": " + orNone(capped(words, maxWords))}}
	case e.Container != nil:
		return []Fact{{"container", strings.TrimPrefix(containerMessage(e.Container), "container ") + churnText(r.Options.Now, e.Churn)}}
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
