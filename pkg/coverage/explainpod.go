package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const noPod = "none on this node, none pinned to it"

// podLines say which pods there are, and what the controller made of them.
func (x *explainer) podLines() {
	p := x.r.pod(x.v)
	switch {
	case p != nil:
		x.rule("pod", x.podText(p), x.podResult(), x.v.State == Unready)
		x.podMore(p)
	case x.d.PodsUnread:
		f, _ := x.r.Snapshot.Missing(snapshot.ResourcePods, x.d.DaemonSet.Namespace)
		x.rule("pod", "cannot tell: "+describeRead(f), unknown, true)
	case x.v.State == Missing:
		x.missing()
	default:
		event, text := x.createEvent()
		x.rule("pod", noPod+text, none, false)
		if event != nil {
			x.more("event", x.r.eventText(event)+" (it names no node)", "", false)
		}
	}
}

// missing says why a pod that should be there is not.
func (x *explainer) missing() {
	e := x.evidence()
	if e.Event != nil && x.v.Reason != CreateStale {
		x.rule("pod", noPod, fail, true)
		x.more("event", x.r.eventText(e.Event), "", false)
		return
	}
	text := noPod
	if x.v.Detail != nil {
		if why := x.r.message(x.d, x.v); why != "" {
			text += "; " + strings.TrimPrefix(why, "no pod, and ") // said already
		}
	}
	x.rule("pod", text, fail, true)
}

// createEvent is the newest word on a pod of the DaemonSet that could not be
// created. That there is none is said only where the events were read: of a
// live cluster they are asked for where there are gaps.
func (x *explainer) createEvent() (*EventEvidence, string) {
	d := x.d.DaemonSet
	e := newest(x.ix.eventsOf(d.Namespace, "DaemonSet", d.Name, d.UID), "FailedCreate")
	if e != nil && x.r.Options.Now.Sub(time.Unix(int64(e.Last), 0)) <= createFresh {
		return eventEvidence(e), ""
	}
	if f, unread := x.r.Snapshot.Missing(snapshot.ResourceEvents, d.Namespace); unread {
		return nil, "; events not read: " + describeRead(f)
	}
	if x.eventsRead() {
		return nil, "; no FailedCreate event"
	}
	return nil, ""
}

func (x *explainer) eventsRead() bool {
	ns, s := x.d.DaemonSet.Namespace, x.r.Snapshot
	if s.Source.From != "" || slices.ContainsFunc(s.Events, func(e snapshot.Event) bool { return e.Namespace == ns }) {
		return true
	}
	return slices.Contains(x.r.Needs().EventNamespaces, ns)
}

func (x *explainer) podText(p *snapshot.Pod) string {
	now := x.r.Options.Now
	parts := []string{p.Name}
	switch {
	case p.Node == "":
		parts = append(parts, "pinned to this node, not bound")
	case p.Target != "" && p.Target != p.Node:
		parts = append(parts, "bound to this node, pinned to "+p.Target)
	default:
		parts = append(parts, "bound to this node")
	}
	if p.Owner == nil {
		parts = append(parts, "an orphan that the controller adopts")
	}
	parts = append(parts, "phase "+orNone(string(p.Phase)))
	switch {
	case p.Ready && p.ReadySince != 0:
		parts = append(parts, "Ready for "+age(now, p.ReadySince))
	case p.Ready:
		parts = append(parts, "Ready")
	case p.ReadySince != 0:
		parts = append(parts, "not Ready for "+age(now, p.ReadySince))
	default:
		parts = append(parts, "not Ready")
	}
	if p.Deleted != 0 {
		parts = append(parts, x.endText(p))
	}
	parts = append(parts, x.revisionText(p))
	if p.Restarts > 0 {
		parts = append(parts, count(int(p.Restarts), "restart"))
	}
	return strings.Join(parts, ", ")
}

// endText says how the end of a pod goes; its deletionTimestamp already
// contains the grace.
func (x *explainer) endText(p *snapshot.Pod) string {
	if x.r.Options.Now.Unix() > int64(p.Deleted) {
		return "Terminating, its grace ended " + age(x.r.Options.Now, p.Deleted) + " ago"
	}
	return "Terminating until " + clock(p.Deleted)
}

func (x *explainer) revisionText(p *snapshot.Pod) string {
	which := "another"
	switch {
	case !x.target.known():
		which = "which one is current cannot be told"
	case x.target.updated(p):
		which = "current"
	}
	return fmt.Sprintf("revision %s (%s)", orNone(p.Labels[hashLabel]), which)
}

func (x *explainer) podResult() string {
	switch x.v.State {
	case Covered:
		return pass
	case Outdated:
		return pass + ", outdated"
	case Unready, Missing:
		return fail
	case Misplaced:
		switch x.v.Reason {
		case LatentUnrecreatable:
			return "stays"
		case DeletionPending:
			return "to be deleted"
		default:
			return "ending"
		}
	case Unknown, Excluded:
		return unknown
	default:
		return unknown
	}
}

// podMore continues with what the line of the pod has no room for: other pods
// of the node, what could not be read, what is waited for.
func (x *explainer) podMore(p *snapshot.Pod) {
	for _, i := range x.pods {
		if q := &x.r.Snapshot.Pods[i]; q != p {
			x.more("", "also "+x.podText(q), "", false)
		}
	}
	if b := x.v.failing(); b != x.v {
		x.more("", x.r.besideText(x.d, b), "", true)
	}
	e := x.evidence()
	if e.Unread != "" {
		x.more("", "not read: "+e.Unread, unknown, true)
	}
	if e.AvailableAt != nil && x.v.Reason == NotAvailableYet {
		x.more("", fmt.Sprintf("available at %s (minReadySeconds %d)", e.AvailableAt.UTC().Format("15:04:05Z"), x.d.DaemonSet.Spec.MinReadySeconds), "", false)
	}
	if len(e.Finalizers) > 0 && p.Deleted != 0 {
		x.more("", "finalizers: "+strings.Join(e.Finalizers, ", "), "", false)
	}
	switch {
	case x.v.Reason == SchedGated: // of the template, or of admission
		x.more("gates", strings.Join(e.Drift, ", "), fail, true)
	case len(e.Drift) > 0:
		x.more("admission", strings.Join(e.Drift, ", "), fail, true)
	}
	if x.v.Reason == SchedNoScheduler || len(e.Claims) > 0 && e.Event == nil && e.Scheduler == nil {
		x.more("scheduler", x.r.message(x.d, x.v), fail, true)
	}
}
