package snapshot

import (
	"cmp"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArmAnnotation on a DaemonSet tells that ds-rollout holds its update strategy
// at OnDelete. Its value is JSON that names the run and the strategy before.
const ArmAnnotation = APIGroup + "/arm"

// RolloutLease is the name of the Lease that the driver of a DaemonSet's
// rollout holds, in its namespace.
func RolloutLease(daemonSet string) string {
	const most = 253 // of an object's name
	if len(rolloutPrefix)+len(daemonSet) > most {
		daemonSet = daemonSet[:most-len(rolloutPrefix)]
	}
	return rolloutPrefix + daemonSet
}

const rolloutPrefix = "ds-rollout."

// Lease is who drives a rollout, without what is stored of it.
type Lease struct {
	Namespace string
	Name      string
	// Gone is set where there is none: nothing below is set then.
	Gone     bool
	Holder   string // empty where the last one let go
	Duration time.Duration
	Renewed  Time // by the holder's clock
}

// LeaseOf makes the record of l.
func LeaseOf(l *coordinationv1.Lease) Lease {
	out := Lease{Namespace: l.Namespace, Name: l.Name}
	if l.Spec.HolderIdentity != nil {
		out.Holder = *l.Spec.HolderIdentity
	}
	if l.Spec.LeaseDurationSeconds != nil {
		out.Duration = time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	}
	if l.Spec.RenewTime != nil {
		out.Renewed = TimeOf(&metav1.Time{Time: l.Spec.RenewTime.Time})
	}
	return out
}

// IsRolloutLease tells the Leases of rollouts from those of nodes and
// controllers.
func IsRolloutLease(name string) bool { return strings.HasPrefix(name, rolloutPrefix) }

// RolloutLease finds the Lease of a DaemonSet's rollout; false where it was not
// asked for.
func (s *Snapshot) RolloutLease(namespace, daemonSet string) (Lease, bool) {
	name := RolloutLease(daemonSet)
	for _, l := range s.Leases {
		if l.Namespace == namespace && l.Name == name {
			return l, true
		}
	}
	return Lease{}, false
}

func compareLeases(a, b Lease) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}
