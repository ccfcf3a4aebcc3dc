package coverage

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// maxExamined is how many nodes' pods are read to compute the room on them.
const maxExamined = 50

// maxHeld is of how many DaemonSets it is read who drives their rollout.
const maxHeld = 10

// examining picks nodes to read: one for each key.
type examining struct {
	keys  map[examinedKey]bool
	names []string // in order
}

func (x *examining) add(node string, k examinedKey) {
	at, ok := slices.BinarySearch(x.names, node)
	if x.keys[k] || !ok && len(x.names) >= maxExamined {
		return
	}
	if x.keys == nil {
		x.keys = map[examinedKey]bool{}
	}
	x.keys[k] = true
	if !ok {
		x.names = slices.Insert(x.names, at, node)
	}
}

// examinedKey is equal for pairs of which one is examined for all: what one
// DaemonSet asks says nothing of another.
type examinedKey struct {
	daemonSet types.UID
	shape     string
}

// Needs says what a second read should bring: pods of DaemonSets whose numbers
// do not add up, events where there are gaps, and the pods of nodes where one
// does not fit. What the snapshot already holds is not asked again.
func (r *Result) Needs() snapshot.More {
	var m snapshot.More
	events, namespaces := map[string]bool{}, map[string]bool{}
	nodes := examining{}
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		ns := d.DaemonSet.Namespace
		if d.Held != nil && d.Held.driver == driverUnread && len(m.Held) < maxHeld {
			m.Held = append(m.Held, types.NamespacedName{Namespace: ns, Name: d.DaemonSet.Name})
		}
		if d.PodsUnread || r.NodesUnread {
			continue
		}
		if d.doubtful() {
			m.DaemonSets = append(m.DaemonSets, types.NamespacedName{Namespace: ns, Name: d.DaemonSet.Name})
		}
		for j := range d.Verdicts {
			v := d.Verdicts[j].failing()
			if d.Verdicts[j].trouble() {
				events[ns] = true
			}
			if v.State == Missing {
				namespaces[ns] = true
			}
			if v.notExamined() {
				nodes.add(r.node(v).Name, examinedKey{d.DaemonSet.UID, shape(r.node(v), r.pod(v))})
			}
		}
	}
	m.EventNamespaces = slices.Sorted(maps.Keys(events))
	m.Namespaces = slices.Sorted(maps.Keys(namespaces))
	m.Nodes = nodes.names
	return m
}

// notExamined reports whether the pods of the node would tell more of its room.
func (v *Verdict) notExamined() bool {
	return v.Detail != nil && v.Detail.Evidence.Room != nil && v.Detail.Evidence.Room.NotExamined
}

// doubtful reports whether the pods of the DaemonSet should be listed again by
// its own selector: one is missing or double, or a number differs from what the
// controller counts, as it does where adopted orphans lack the label by which
// pods were listed. All numbers are compared: an orphan may stand before another
// pod of the same node, and then changes no sum, but who counts as ready or
// updated.
func (d *DaemonSetResult) doubtful() bool {
	if d.Summary.Missing > 0 || d.Counts != reported(d.DaemonSet) {
		return true
	}
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Reason == Duplicate })
}
