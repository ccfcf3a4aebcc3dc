package snapshot

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Scope is the set of DaemonSets that a question is about.
type Scope struct {
	Namespace string          // empty for all namespaces
	Names     []string        // empty for all; only with a namespace when live
	Selector  labels.Selector // nil for all
}

// Match reports whether d is in the scope.
func (s Scope) Match(d *appsv1.DaemonSet) bool {
	if s.Namespace != "" && d.Namespace != s.Namespace {
		return false
	}
	if len(s.Names) > 0 && !slices.Contains(s.Names, d.Name) {
		return false
	}
	return s.Selector == nil || s.Selector.Matches(labels.Set(d.Labels))
}

// More is what a first analysis asks to be read in addition: the second pass
// over a live cluster. A capture holds all that it ever will.
type More struct {
	// DaemonSets whose pods are to be listed again by their own selector: this
	// finds orphans, and pods that appeared between the first lists. What
	// such a list says is final.
	DaemonSets []types.NamespacedName
	// EventNamespaces are the namespaces whose Warning events are wanted.
	EventNamespaces []string
	// Namespaces to read themselves.
	Namespaces []string
	// Nodes whose bound pods are all wanted.
	Nodes []string
	// Held are DaemonSets of which it is wanted who drives their rollout.
	Held []types.NamespacedName
}

// Empty reports whether nothing more is needed.
func (m More) Empty() bool {
	return len(m.DaemonSets)+len(m.EventNamespaces)+len(m.Namespaces)+len(m.Nodes)+len(m.Held) == 0
}
