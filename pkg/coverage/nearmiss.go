package coverage

import (
	"fmt"
	"slices"

	"github.com/agnivade/levenshtein"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// deprecatedLabels maps a label that kubelets no longer set to the one that
// took its place (kubernetes.io/docs/reference/labels-annotations-taints).
var deprecatedLabels = map[string]string{
	corev1.LabelFailureDomainBetaZone:   corev1.LabelTopologyZone,
	corev1.LabelFailureDomainBetaRegion: corev1.LabelTopologyRegion,
	corev1.LabelInstanceType:            corev1.LabelInstanceTypeStable,
	"beta.kubernetes.io/os":             corev1.LabelOSStable,
	"beta.kubernetes.io/arch":           corev1.LabelArchStable,
	"node-role.kubernetes.io/master":    "node-role.kubernetes.io/control-plane",
}

// maxDistance is the edit distance up to which a label counts as misspelt.
const maxDistance = 2

// labelIndex knows which labels exist in the cluster: a label that some node
// has was not misspelt.
type labelIndex struct {
	values map[string]map[string]bool
	nodes  []*corev1.Node
	pairs  map[string]bool // whether any node has both of two keys
}

func newLabelIndex(nodes []*corev1.Node) *labelIndex {
	x := &labelIndex{values: map[string]map[string]bool{}, nodes: nodes, pairs: map[string]bool{}}
	for _, n := range nodes {
		for k, v := range n.Labels {
			if k == corev1.LabelHostname {
				continue
			}
			set := x.values[k]
			if set == nil {
				set = map[string]bool{}
				x.values[k] = set
			}
			set[v] = true
		}
	}
	return x
}

// hint says which label of the node was probably meant by a requirement that
// does not hold; empty if none.
func (x *labelIndex) hint(r eligibility.RequirementResult, n *corev1.Node) string {
	if r.Field || !r.Positive || r.Err != "" {
		return ""
	}
	if r.Has {
		return x.valueHint(r)
	}
	return x.keyHint(r, n)
}

// keyHint looks for a label of the node whose key was probably meant.
func (x *labelIndex) keyHint(r eligibility.RequirementResult, n *corev1.Node) string {
	wants := func(v string) bool { return len(r.Values) == 0 || slices.Contains(r.Values, v) }
	if now, ok := deprecatedLabels[r.Key]; ok {
		if v, has := n.Labels[now]; has && wants(v) {
			return fmt.Sprintf("%s is deprecated: the node has %s=%s", r.Key, now, v)
		}
	}
	if near, v := nearKey(r.Key, n.Labels, wants); near != "" && !x.together(r.Key, near) {
		return fmt.Sprintf("the node has %s=%s, a misspelt %s", near, v, r.Key)
	}
	return ""
}

// valueHint tells whether a value that no node has is the node's, misspelt.
func (x *labelIndex) valueHint(r eligibility.RequirementResult) string {
	if r.Operator != corev1.NodeSelectorOpIn || placeLabel(r.Key) {
		return ""
	}
	for _, want := range r.Values {
		if !x.values[r.Key][want] && misspelt(want, r.Value) {
			return fmt.Sprintf("no node has %s=%s; this one has %s", r.Key, want, r.Value)
		}
	}
	return ""
}

// together reports whether any node has both labels: then neither is a
// misspelt form of the other.
func (x *labelIndex) together(a, b string) bool {
	k := a + "\x00" + b
	if v, ok := x.pairs[k]; ok {
		return v
	}
	v := slices.ContainsFunc(x.nodes, func(n *corev1.Node) bool {
		_, hasA := n.Labels[a]
		_, hasB := n.Labels[b]
		return hasA && hasB
	})
	x.pairs[k] = v
	return v
}

func nearKey(key string, labels map[string]string, wants func(string) bool) (near, value string) {
	best := maxDistance + 1
	for k, v := range labels {
		d := maxDistance + 1
		if abs(len(k)-len(key)) <= maxDistance && wants(v) && misspelt(key, k) {
			d = levenshtein.ComputeDistance(key, k)
		}
		if d < best || d == best && d <= maxDistance && k < near {
			best, near, value = d, k, v
		}
	}
	return near, value
}

// misspelt reports whether b is within the edit distance of a, and long enough
// for that to mean something.
func misspelt(a, b string) bool {
	if a == b || min(len(a), len(b)) < 4 || abs(len(a)-len(b)) > maxDistance {
		return false
	}
	d := levenshtein.ComputeDistance(a, b)
	return d <= maxDistance && d*2 < min(len(a), len(b))
}

func abs(n int) int { return max(n, -n) }
