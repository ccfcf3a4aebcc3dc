package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// schedulingFixes are for pods that the scheduler does not bind.
func (r *Result) schedulingFixes(d *DaemonSetResult, v *Verdict) []string {
	e := &v.Detail.Evidence
	switch v.Reason {
	case SchedInsufficient, SchedNoVictims, SchedTooManyPods:
		return insufficientFixes(d, e)
	case SchedNeverFits:
		return neverFitsFixes(e.Room)
	case SchedHostPort:
		return r.portFixes(d, e.Room)
	case SchedNoScheduler:
		return []string{"start scheduler " + r.schedulerName(v) + ", or correct spec.schedulerName in the template"}
	case SchedAdmissionDrift:
		return driftFixes(d.DaemonSet.Namespace, e.Drift)
	case SchedVolume:
		if e.Scheduler != nil && slices.ContainsFunc(e.Scheduler.Reasons, func(s string) bool { return strings.HasSuffix(s, "not found") }) {
			return []string{"create what the scheduler does not find, or correct its name in spec.template.spec.volumes"}
		}
		return nil
	default:
		return nil
	}
}

func (r *Result) portFixes(d *DaemonSetResult, room *Room) []string {
	if room == nil || len(room.HostPorts) == 0 {
		return nil
	}
	holder := room.HostPorts[0].Pod
	if r.own(d, holder) {
		return []string{"set maxSurge to 0 and maxUnavailable to 1: the old pod " + holder + " holds the port until it is gone"}
	}
	return []string{fmt.Sprintf("move %s off the node, or change one of the ports", holder)}
}

func neverFitsFixes(room *Room) []string {
	if room == nil {
		return nil
	}
	var most []string
	for _, x := range room.Resources {
		if x.Asks > x.Allocatable {
			most = append(most, x.Name+" "+quantity(x.Name, x.Allocatable))
		}
	}
	if len(most) == 0 {
		return nil
	}
	return []string{"request less than " + strings.Join(most, ", ") + ", or keep the DaemonSet off such nodes"}
}

func insufficientFixes(d *DaemonSetResult, e *Evidence) []string {
	const critical = "set priorityClassName: system-node-critical in the template"
	if e.Room == nil || e.Room.NotExamined {
		return []string{critical + ", or request less"}
	}
	var less []string
	for _, x := range e.Room.Resources {
		if x.Short && x.Name != "pods" && x.Free > 0 {
			less = append(less, fmt.Sprintf("%s %s", x.Name, quantity(x.Name, x.Free)))
		}
	}
	if e.Room.Preemption == preemptPossible {
		text := "wait: the scheduler can preempt pods of lower priority"
		if len(less) > 0 {
			text += "; or request at most " + strings.Join(less, ", ")
		}
		return []string{text}
	}
	switch class := d.DaemonSet.Spec.Template.Spec.PriorityClassName; {
	case strings.HasPrefix(class, "system-") && len(less) == 0:
		return []string{"move pods off the node: nothing of lower priority is there to preempt"}
	case strings.HasPrefix(class, "system-"):
		return []string{"request at most " + strings.Join(less, ", ")}
	case len(less) == 0:
		return []string{critical}
	default:
		return []string{critical + ", or request at most " + strings.Join(less, ", ")}
	}
}

// own reports whether a pod, by its key, belongs to the DaemonSet.
func (r *Result) own(d *DaemonSetResult, pod string) bool {
	namespace, name, _ := strings.Cut(pod, "/")
	i, ok := slices.BinarySearchFunc(r.Snapshot.Pods, name, func(p snapshot.Pod, name string) int {
		return cmp.Or(strings.Compare(p.Namespace, namespace), strings.Compare(p.Name, name))
	})
	return ok && r.Snapshot.Pods[i].Owner != nil && r.Snapshot.Pods[i].Owner.UID == d.DaemonSet.UID
}
