package coverage

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Report makes the report of the result, in the order of the snapshot.
func (r *Result) Report() *DaemonSetCoverageList {
	l := &DaemonSetCoverageList{
		TypeMeta: metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindList},
		Source:   r.source(),
		Summary:  r.Summary(),
		Items:    make([]DaemonSetCoverage, len(r.DaemonSets)),
	}
	for i := range r.DaemonSets {
		l.Items[i] = r.item(&r.DaemonSets[i])
	}
	return l
}

func (r *Result) source() ReportSource {
	s := &r.Snapshot.Source
	out := ReportSource{
		Context: s.Context, Server: s.Server, ServerVersion: s.ServerVersion,
		TakenAtInferred: s.TakenAtInferred, From: s.From,
	}
	if !s.TakenAt.IsZero() {
		t := metav1.NewTime(s.TakenAt.UTC())
		out.TakenAt = &t
	}
	for _, f := range r.Snapshot.Incomplete {
		out.Incomplete = append(out.Incomplete, IncompleteRead{
			Verb: f.Verb, Resource: f.Resource, Namespace: f.Namespace, Error: f.Error, Remedy: r.readRemedy(f),
		})
	}
	return out
}

// GrantRemedy is how the remedy of a forbidden read begins: a command follows.
const GrantRemedy = "print the role that grants it: "

// unreadRemedy is the remedy of the failed read that a verdict or a finding
// names; empty where no read failed.
func (r *Result) unreadRemedy(unread string) string {
	for _, f := range r.Snapshot.Incomplete {
		if describeRead(f) == unread {
			return r.readRemedy(f)
		}
	}
	return ""
}

func (r *Result) readRemedy(f snapshot.ReadFailure) string {
	switch {
	case f.Absent:
		return "take the capture again, with the subcommand snapshot or: " + r.Options.command("kubectl", "get",
			"nodes,daemonsets.apps,controllerrevisions.apps,pods,events,namespaces", "-o", "json") + " -A"
	case f.Forbidden:
		return GrantRemedy + r.Options.command("kubectl", "ds-coverage", "rbac")
	default:
		return "try again"
	}
}

func (r *Result) item(d *DaemonSetResult) DaemonSetCoverage {
	out := DaemonSetCoverage{
		TypeMeta:    metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindDaemonSet},
		ObjectMeta:  objectMeta(d.DaemonSet),
		Revision:    d.Revision,
		Strategy:    string(d.DaemonSet.Spec.UpdateStrategy.Type),
		Summary:     d.Summary,
		StatusDrift: d.Drift,
		Findings:    r.findings(d),
		Nodes:       make([]NodeVerdict, len(d.Verdicts)),
	}
	for i := range d.Verdicts {
		out.Nodes[i] = r.verdict(d, &d.Verdicts[i])
	}
	return out
}

// findings are those of the analysis; what could not be read gets the remedy of
// the read.
func (r *Result) findings(d *DaemonSetResult) []Finding {
	out := slices.Clone(d.Findings)
	for i := range out {
		if remedy := r.unreadRemedy(out[i].Evidence.Unread); remedy != "" {
			out[i].Remedy = remedy
		} else if out[i].Evidence.Rollout != nil {
			out[i].Remedy = r.heldRemedy(d)
		}
	}
	return out
}

// verdict makes text of one compact verdict.
func (r *Result) verdict(d *DaemonSetResult, v *Verdict) NodeVerdict {
	out := NodeVerdict{
		Node: r.node(v).Name, State: v.State, Reason: v.Reason,
		Suspect: v.Suspect, Settling: v.Settling,
	}
	if p := r.pod(v); p != nil {
		out.Pod, out.PodRevision, out.Restarts = p.Name, p.Labels[hashLabel], p.Restarts
		out.Since = metaTime(since(p))
	}
	if v.Detail == nil {
		return out
	}
	out.Evidence = v.Detail.Evidence
	out.Contributing = slices.Clone(v.Detail.Contributing)
	if v.Detail.Since != 0 {
		out.Since = metaTime(v.Detail.Since)
	}
	if v.Hidden {
		for _, t := range v.Detail.Evidence.Taints {
			if t.Class != "" {
				out.HiddenBy = append(out.HiddenBy, t.String())
			}
		}
	}
	out.Message, out.Remedy = r.words(d, v)
	if b := v.Detail.beside; b != nil {
		r.tellBeside(d, b, &out)
	}
	return out
}

// source of a pod's image, for messages.
func (c *ContainerEvidence) label() string {
	if c.Init {
		return "init container " + c.Name
	}
	return "container " + c.Name
}

func taintList(ts []TaintEvidence) string {
	var out []string
	for _, t := range ts {
		out = append(out, t.String())
	}
	return strings.Join(out, ", ")
}
