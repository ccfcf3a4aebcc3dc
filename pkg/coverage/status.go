package coverage

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Counts are the numbers of DaemonSet.status, recomputed from the objects as
// updateDaemonSetStatus does (pkg/controller/daemon, v1.37.2).
type Counts struct {
	Desired      int64
	Current      int64
	Ready        int64
	Updated      int64
	Available    int64
	Misscheduled int64
}

// count adds one node to the numbers, given the pod that the controller looks
// at (nil for none).
func (c *Counts) count(d *appsv1.DaemonSet, shouldRun bool, p *snapshot.Pod, t *target, now time.Time) {
	switch {
	case shouldRun:
		c.Desired++
		if p == nil {
			return
		}
		c.Current++
		if p.Ready {
			c.Ready++
			if availableSince(p, d.Spec.MinReadySeconds, now) {
				c.Available++
			}
		}
		if t.updated(p) {
			c.Updated++
		}
	case p != nil:
		c.Misscheduled++
	}
}

// availableSince mirrors podutil.IsPodAvailable (pkg/api/v1/pod, v1.37.2) for
// a ready pod: without minReadySeconds it is available at once.
func availableSince(p *snapshot.Pod, minReadySeconds int32, now time.Time) bool {
	if minReadySeconds == 0 {
		return true
	}
	ends := time.Unix(int64(p.ReadySince), 0).Add(time.Duration(minReadySeconds) * time.Second)
	return p.ReadySince != 0 && !ends.After(now)
}

// reported returns the numbers of DaemonSet.status.
func reported(d *appsv1.DaemonSet) Counts {
	s := &d.Status
	return Counts{
		Desired: int64(s.DesiredNumberScheduled), Current: int64(s.CurrentNumberScheduled),
		Ready: int64(s.NumberReady), Updated: int64(s.UpdatedNumberScheduled),
		Available: int64(s.NumberAvailable), Misscheduled: int64(s.NumberMisscheduled),
	}
}

// doubts are what may make status differ from the objects, gathered while the
// nodes are judged.
type doubts struct {
	latentTaint string // an untolerated NoSchedule taint under a running pod
	settling    bool   // something is younger than the grace
}

// drift compares status with the recomputed numbers, and says why they
// differ. The causes are those that the controller's source allows
// (pkg/controller/daemon/daemon_controller.go, v1.37.2: updateDaemonSetStatus).
func drift(d *appsv1.DaemonSet, got Counts, t *target, why doubts) []StatusDrift {
	was := reported(d)
	if got.Misscheduled <= was.Misscheduled {
		// Status knows of the taint; something else is new.
		why.latentTaint = ""
	}
	because := driftCause(d, t, why)
	var out []StatusDrift
	add := func(field string, reported, recomputed int64) {
		if reported != recomputed {
			out = append(out, StatusDrift{Field: field, Reported: reported, Recomputed: recomputed, Because: because})
		}
	}
	add("desiredNumberScheduled", was.Desired, got.Desired)
	add("currentNumberScheduled", was.Current, got.Current)
	add("numberMisscheduled", was.Misscheduled, got.Misscheduled)
	add("numberReady", was.Ready, got.Ready)
	add("updatedNumberScheduled", was.Updated, got.Updated)
	add("numberAvailable", was.Available, got.Available)
	return out
}

func driftCause(d *appsv1.DaemonSet, t *target, why doubts) string {
	switch _, ok := selectorOf(d); {
	case d.DeletionTimestamp != nil:
		return "the DaemonSet is being deleted: the controller no longer writes its status"
	case !ok:
		return "the selector is empty: the controller refuses to act on the DaemonSet"
	case d.Status.ObservedGeneration < d.Generation:
		return fmt.Sprintf("the controller has observed generation %d of %d", d.Status.ObservedGeneration, d.Generation)
	case why.latentTaint != "":
		return "taint " + why.latentTaint + " was added under a running pod, which wakes no sync of the controller"
	case !t.known():
		return "no revision could be read to tell current pods from others"
	case why.settling:
		return "nodes or pods changed within the grace, and the controller may not have counted them yet"
	default:
		return "a change of a node or pod that woke no sync of the controller; it recounts at the next change of a pod"
	}
}
