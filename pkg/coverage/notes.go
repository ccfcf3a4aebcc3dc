package coverage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// notes say what a reader may not expect, or would ask next.
func (r *Result) notes(c *Cause, ms []member) []string {
	out := r.reasonNotes(c, ms)
	for _, m := range ms {
		if m.v.Detail != nil && slices.Contains(m.v.Detail.Contributing, ArchMismatch) && c.Reason != ArchMismatch {
			out = append(out, "all failing nodes have an architecture that no healthy node has: the image may not be made for it")
			break
		}
	}
	return out
}

// retryLong is after how long without an attempt to create pods it is worth
// knowing how to have one: the controller doubles the time between two up to
// 1000 s (DefaultTypedControllerRateLimiter of client-go util/workqueue,
// v0.37.2), and does not learn that what refused the pods was mended.
const retryLong = time.Minute

func (r *Result) reasonNotes(c *Cause, ms []member) []string {
	d := ms[0].d
	var out []string
	switch c.Reason {
	case TaintTransient, TaintStructural:
		if len(c.DaemonSets) == 1 {
			out = r.asideNotes(d, ms[0].v)
		}
	case CreateForbiddenPSA, CreateQuota, CreateQuotaScope, CreateWebhook, CreateVAP, CreateMissingRef, CreateConflict, CreateLimit, CreateInvalid, CreateFailed:
		out = r.refusedNotes(d, &ms[0].v.Detail.Evidence)
	case ImagePull:
		if len(c.DaemonSets) == 1 {
			out = pullNotes(d, len(c.Nodes))
		}
	case ArchMismatch:
		out = r.archNotes(d, ms)
	case SchedInsufficient, SchedNeverFits, SchedTooManyPods, SchedNoVictims:
		out = roomNotes(d, ms)
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
	default: // the facts say all
	}
	return out
}

// refusedNotes are on pods that cannot be created.
func (r *Result) refusedNotes(d *DaemonSetResult, e *Evidence) []string {
	var out []string
	if d.having((*Verdict).covered) > 0 {
		out = append(out, "other nodes keep their pods only until something deletes them")
	}
	if e.Event != nil && e.Event.Last != nil && r.Options.Now.Sub(e.Event.Last.Time) > retryLong {
		out = append(out, "once that is mended, the controller takes up to 17 minutes to try again; any change of the DaemonSet, as of an annotation, makes it try at once")
	}
	return out
}

// asideNotes count the nodes that would run it without the taint.
func (r *Result) asideNotes(d *DaemonSetResult, v *Verdict) []string {
	s, same := &d.DaemonSet.Status, r.causeKey(d, v)
	aside := d.having(func(v *Verdict) bool { return r.shown(v) && r.causeKey(d, v) == same })
	return []string{fmt.Sprintf("status says %d desired, %d ready; recomputed: %s should run it now, %d with the taint set aside",
		s.DesiredNumberScheduled, s.NumberReady, count(int(d.Counts.Desired), "node"), int(d.Counts.Desired)+aside)}
}

// pullNotes say where to look for an image: where some node has it, at the
// others, else at the image.
func pullNotes(d *DaemonSetResult, nodes int) []string {
	switch running := d.having(func(v *Verdict) bool { return v.State == Covered }); {
	case running > 0:
		return []string{"the same revision runs on " + count(running, "node") + ": the image is there, and these nodes do not get it"}
	case nodes > 1:
		return []string{"no node runs this revision: look at the image and the pull secret, not at the nodes"}
	}
	return nil
}

func (r *Result) archNotes(d *DaemonSetResult, ms []member) []string {
	var out []string
	if n, a := r.otherArch(d, ms); n > 0 {
		out = append(out, fmt.Sprintf("it runs on %s: %s", count(n, "node"), a))
	}
	if n := r.sameArchOutdated(d, ms); n > 0 {
		out = append(out, fmt.Sprintf("%s of this architecture still run the old revision and would fail the same way", count(n, "more node")))
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
	return d.having(func(v *Verdict) bool { return v.State == Outdated && arch(r.node(v)) == a && a != "" })
}

// otherArch counts the nodes that run the revision which the group cannot, and
// names their architectures; 0 where one of them has the group's.
func (r *Result) otherArch(d *DaemonSetResult, ms []member) (int, string) {
	a := arch(r.node(ms[0].v))
	archs := map[string]bool{}
	n := d.having(func(v *Verdict) bool {
		if v.State == Covered {
			archs[arch(r.node(v))] = true
		}
		return v.State == Covered
	})
	if archs[a] || archs[""] {
		return 0, ""
	}
	return n, strings.Join(slices.Sorted(maps.Keys(archs)), " or ")
}

// findingCauses are the findings that a person should see; failed reads have a
// line of their own.
func (r *Result) findingCauses() []Cause {
	out := r.goneCauses()
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		for _, f := range d.Findings {
			if f.Reason == ReadFailed || f.Reason == RevisionInferred || f.Reason == SchedNodeGone || r.told(d, f) {
				continue
			}
			name := d.DaemonSet.Namespace + "/" + d.DaemonSet.Name
			c := Cause{Reason: f.Reason, Object: name, DaemonSets: []string{name}, Nodes: f.Nodes, class: 3,
				Facts: []Fact{{"seen", f.Message}}}
			if f.Remedy != "" {
				c.Fixes = []string{f.Remedy}
			}
			if f.Evidence.Rollout != nil {
				c.Fixes, c.Looks = r.heldFixes(d), r.heldLooks(d)
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

// goneCauses is the paragraph on pods of nodes that are gone: a node that goes
// leaves those of many DaemonSets.
func (r *Result) goneCauses() []Cause {
	c := Cause{Reason: SchedNodeGone, Fixes: []string{asFix(rowOf[SchedNodeGone].Remedy)}, class: 3}
	var pods []string
	namespaces := map[string]bool{}
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		for _, f := range d.Findings {
			if f.Reason == SchedNodeGone {
				pods = append(pods, f.Evidence.Pods...)
				namespaces[d.DaemonSet.Namespace] = true
				c.DaemonSets = append(c.DaemonSets, d.DaemonSet.Namespace+"/"+d.DaemonSet.Name)
			}
		}
	}
	if len(pods) == 0 {
		return nil
	}
	if c.Object = count(len(c.DaemonSets), "DaemonSet"); len(c.DaemonSets) == 1 {
		c.Object = c.DaemonSets[0]
	}
	where := []string{"-A"}
	if len(namespaces) == 1 { // a role may allow no more
		where = []string{"-n", slices.Collect(maps.Keys(namespaces))[0]}
	}
	slices.Sort(pods)
	c.Facts = []Fact{{"seen", goneText(pods)}}
	c.Looks = []string{r.Options.command(slices.Concat([]string{"kubectl", "get", "pods"}, where, []string{"-o", "wide"})...)}
	return []Cause{c}
}

// told reports whether a paragraph about the same nodes says it already.
func (r *Result) told(d *DaemonSetResult, f Finding) bool {
	return slices.ContainsFunc(d.Verdicts, func(v Verdict) bool {
		switch f.Reason {
		case TaintHidesNodes:
			return v.Suspect && v.Reason == TaintStructural && slices.Contains(f.Nodes, r.node(&v).Name)
		case RolloutDriven:
			return v.State == Outdated && r.shown(&v)
		default:
			return false
		}
	})
}
