package testkit

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Event is a Warning event about an object, so long ago.
func Event(about metav1.Object, kind, reason, message string, before time.Duration) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: about.GetNamespace(), Name: about.GetName() + "." + reason},
		InvolvedObject: corev1.ObjectReference{
			Kind: kind, Namespace: about.GetNamespace(), Name: about.GetName(), UID: about.GetUID(),
		},
		Type: corev1.EventTypeWarning, Reason: reason, Message: message, Count: 1, LastTimestamp: Ago(before),
	}
}

// World is a cluster in the making.
type World struct {
	snap snapshot.Snapshot
	in   snapshot.Interner
}

// NewWorld begins an empty cluster of which every pod is read.
func NewWorld() *World {
	w := &World{}
	w.snap.AllPods, w.snap.FullNodes, w.snap.Source.TakenAt = true, map[string]bool{}, Now
	return w
}

// Add adds objects and builders, in any order. What it does not know is a
// mistake of the test, and panics.
func (w *World) Add(objects ...any) *World {
	for _, o := range objects {
		switch o := o.(type) {
		case *NodeBuilder:
			w.Add(o.Build())
		case *DaemonSetBuilder:
			w.Add(o.Build())
		case *PodBuilder:
			w.Add(o.Build())
		case *corev1.Node:
			w.snap.Nodes = append(w.snap.Nodes, snapshot.TrimNode(o))
		case *appsv1.DaemonSet:
			w.snap.DaemonSets = append(w.snap.DaemonSets, snapshot.TrimDaemonSet(o))
		case *appsv1.ControllerRevision:
			w.snap.Revisions = append(w.snap.Revisions, snapshot.TrimRevision(o))
		case *corev1.Pod:
			w.snap.Pods = append(w.snap.Pods, w.in.Pod(o))
		case *corev1.Event:
			w.snap.Events = append(w.snap.Events, w.in.EventOf(o))
		case *corev1.Namespace:
			w.snap.Namespaces = append(w.snap.Namespaces, snapshot.NamespaceOf(o))
		default:
			panic(fmt.Sprintf("testkit: a world holds no %T", o))
		}
	}
	return w
}

// Run adds a DaemonSet with its current revision and a pod of it on each of
// the nodes, and returns it.
func (w *World) Run(b *DaemonSetBuilder, nodes ...string) *appsv1.DaemonSet {
	d := b.Build()
	w.Add(d, Revision(d, Hash, 1, 30*24*time.Hour))
	for _, n := range nodes {
		w.Add(PodOf(d, n))
	}
	return d
}

// Unread says that a read failed: an empty namespace stands for all.
func (w *World) Unread(resource, namespace string) *World {
	w.snap.Incomplete = append(w.snap.Incomplete, snapshot.ReadFailure{
		Verb: "list", Resource: resource, Namespace: namespace, Error: "forbidden", Forbidden: true,
	})
	return w
}

// Snapshot returns what was built, sorted.
func (w *World) Snapshot() *snapshot.Snapshot {
	w.snap.Sort()
	return &w.snap
}
