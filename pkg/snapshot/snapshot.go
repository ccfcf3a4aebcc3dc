package snapshot

import (
	"cmp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Snapshot is what was read from a cluster, in canonical order after Sort.
// A reader that could not read something says so in Incomplete; an absent
// list without an entry there means that the cluster has none.
type Snapshot struct {
	Source     Source
	Nodes      []*corev1.Node               // all live nodes, by name
	DaemonSets []*appsv1.DaemonSet          // those asked for, by namespace and name
	Revisions  []*appsv1.ControllerRevision // of those DaemonSets, by namespace and name
	Pods       []Pod                        // by namespace and name
	Events     []Event                      // by namespace, object, time
	Namespaces []Namespace                  // those of the DaemonSets, by name; may be absent
	Leases     []Lease                      // of rollouts that hold a DaemonSet, by namespace and name

	// FullNodes names the nodes of which every bound pod is in Pods, not only
	// those of DaemonSets: the room on such a node can be computed. AllPods
	// says so of all nodes.
	FullNodes map[string]bool
	AllPods   bool

	// Incomplete lists every read that failed or that a capture lacks.
	Incomplete []ReadFailure
}

// Source says where a snapshot came from.
type Source struct {
	Context       string    // kubeconfig context, empty inside a pod or for a capture that does not say
	Server        string    // URL of the API server
	ServerVersion string    // as in v1.37.2
	ClusterUID    types.UID // UID of the namespace kube-system, which stands for the cluster
	TakenAt       time.Time
	// TakenAtInferred is set where a capture does not carry its time and the
	// newest timestamp inside it stands for it.
	TakenAtInferred bool
	From            string // file or folder of a capture, empty when live
}

// Resource names as RBAC knows them, used in ReadFailure.
const (
	ResourceNodes      = "nodes"
	ResourceDaemonSets = "daemonsets"
	ResourceRevisions  = "controllerrevisions"
	ResourcePods       = "pods"
	ResourceEvents     = "events"
	ResourceNamespaces = "namespaces"
	ResourceLeases     = "leases"
	// ResourceNodePods stands for the pods that are bound to a node. It is not
	// ResourcePods: a role for some namespaces refuses it, and that must not
	// cast doubt on the pods that were read.
	ResourceNodePods = "pods by spec.nodeName"
)

// ReadFailure is one read that did not happen, and why.
type ReadFailure struct {
	Verb      string // list, get; empty for what a capture lacks
	Group     string // API group, empty for core
	Resource  string // as in RBAC: nodes, pods ...
	Namespace string // empty for all namespaces
	Error     string // the server's words, untrusted text
	Forbidden bool   // the server said 403: a role can grant it
	Absent    bool   // a capture that does not hold this resource
}

// Missing returns the first failure that covers resource in namespace; an
// empty namespace asks for any.
func (s *Snapshot) Missing(resource, namespace string) (ReadFailure, bool) {
	for _, f := range s.Incomplete {
		if f.Resource == resource && (f.Namespace == "" || namespace == "" || f.Namespace == namespace) {
			return f, true
		}
	}
	return ReadFailure{}, false
}

// PodsComplete reports whether every pod bound to node is in Pods.
func (s *Snapshot) PodsComplete(node string) bool { return s.AllPods || s.FullNodes[node] }

// Namespace is what verdicts need of a namespace.
type Namespace struct {
	Name        string
	Terminating bool
	// NodeSelector is the value of the annotation that the admission plugin
	// PodNodeSelector or OpenShift applies to the pods of the namespace.
	NodeSelector string
	// Enforce is the label pod-security.kubernetes.io/enforce.
	Enforce string
}

// Sort puts everything in canonical order and drops doubles of one UID, so
// that the order of reading never shows in a result.
func (s *Snapshot) Sort() {
	slices.SortFunc(s.Nodes, func(a, b *corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.DaemonSets, func(a, b *appsv1.DaemonSet) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	slices.SortFunc(s.Revisions, func(a, b *appsv1.ControllerRevision) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(s.Pods, func(a, b Pod) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
			strings.Compare(string(a.UID), string(b.UID)))
	})
	// A pod may come from two lists: one by label, one by its node. The same
	// UID is the same pod; the later read is the one with the full object.
	s.Pods = compactPods(s.Pods)
	slices.SortFunc(s.Events, compareEvents)
	s.Events = slices.CompactFunc(s.Events, func(a, b Event) bool { return a == b })
	slices.SortFunc(s.Namespaces, func(a, b Namespace) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(s.Leases, compareLeases)
	slices.SortFunc(s.Incomplete, func(a, b ReadFailure) int {
		return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Namespace, b.Namespace),
			strings.Compare(a.Verb, b.Verb), strings.Compare(a.Error, b.Error))
	})
	s.Incomplete = slices.Compact(s.Incomplete)
}

func compactPods(pods []Pod) []Pod {
	out := pods[:0]
	for _, p := range pods {
		if n := len(out); n > 0 && p.Namespace == out[n-1].Namespace && p.Name == out[n-1].Name &&
			(p.UID == out[n-1].UID) {
			if out[n-1].Full == nil {
				out[n-1] = p
			}
			continue
		}
		out = append(out, p)
	}
	return out
}
