package rollout

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// orderKey is one key of --order; minus turns it round.
type orderKey struct {
	name  string // zone, age, name, fewest-pods, label
	label string
	minus bool
}

func parseOrder(keys []string) ([]orderKey, error) {
	var out []orderKey
	for i, k := range keys {
		var o orderKey
		rest, minus := strings.CutPrefix(k, "-")
		o.minus = minus
		o.name, o.label, _ = strings.Cut(rest, "=")
		switch {
		case o.name == "label" && o.label != "":
		case o.label != "" || strings.HasSuffix(rest, "="):
			return nil, fmt.Errorf("%q: only label takes =KEY", k)
		case o.name == "zone", o.name == "age", o.name == "name", o.name == "fewest-pods":
		default:
			return nil, fmt.Errorf("%q is not one of zone, age, name, fewest-pods, label=KEY", k)
		}
		for _, p := range out[:i] {
			if p.name == o.name && p.label == o.label {
				return nil, fmt.Errorf("%q is there twice", k)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// ordering compares nodes. The name decides at last, so that there is one
// order only.
type ordering struct {
	keys   []orderKey
	own    string         // the node that the driver itself runs on
	podsOn map[string]int // by node: how many pods run there
}

func (o *ordering) compare(a, b *corev1.Node) int {
	// What drives and what governs goes last, whatever the keys say.
	if c := cmp.Compare(o.last(a), o.last(b)); c != 0 {
		return c
	}
	for _, k := range o.keys {
		var c int
		switch k.name {
		case "zone":
			c = strings.Compare(ZoneOf(a), ZoneOf(b))
		case "age": // oldest first
			c = cmp.Compare(snapshot.TimeOf(&a.CreationTimestamp), snapshot.TimeOf(&b.CreationTimestamp))
		case "name":
			c = strings.Compare(a.Name, b.Name)
		case "fewest-pods":
			c = cmp.Compare(o.podsOn[a.Name], o.podsOn[b.Name])
		case "label":
			c = strings.Compare(a.Labels[k.label], b.Labels[k.label])
		}
		if k.minus {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return strings.Compare(a.Name, b.Name)
}

func (o *ordering) last(n *corev1.Node) int {
	switch {
	case controlPlane(n):
		return 2
	case o.own != "" && n.Name == o.own:
		return 1
	default:
		return 0
	}
}

func controlPlane(n *corev1.Node) bool {
	_, cp := n.Labels["node-role.kubernetes.io/control-plane"]
	_, master := n.Labels["node-role.kubernetes.io/master"]
	return cp || master
}

// ZoneOf returns a node's zone, empty for none.
func ZoneOf(n *corev1.Node) string { return cmp.Or(n.Labels[zoneLabel], n.Labels[oldZoneLabel]) }

// ArchOf returns a node's architecture.
func ArchOf(n *corev1.Node) string {
	return cmp.Or(n.Labels[archLabel], n.Status.NodeInfo.Architecture)
}

// spreadKey is what a node counts as under the keys of canarySpread.
func spreadKey(n *corev1.Node, keys []string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		switch k {
		case "zone":
			out[i] = ZoneOf(n)
		case "arch":
			out[i] = ArchOf(n)
		default:
			out[i] = n.Labels[k]
		}
	}
	return out
}

// spread picks n of nodes, which are in order: each time the first one that
// brings most values not met yet, by the last key first, since an
// architecture that fails is what a canary is for.
func spread(nodes []*corev1.Node, keys []string, n int) []*corev1.Node {
	met := make([]map[string]int, len(keys))
	for i := range met {
		met[i] = map[string]int{}
	}
	taken := make([]bool, len(nodes))
	var out []*corev1.Node
	for len(out) < min(n, len(nodes)) {
		best := -1
		var bestCount []int
		for i, c := range nodes {
			if taken[i] {
				continue
			}
			values := spreadKey(c, keys)
			count := make([]int, len(keys))
			for j := range keys {
				count[len(keys)-1-j] = met[j][values[j]]
			}
			if best < 0 || less(count, bestCount) {
				best, bestCount = i, count
			}
		}
		taken[best] = true
		for j, v := range spreadKey(nodes[best], keys) {
			met[j][v]++
		}
		out = append(out, nodes[best])
	}
	return out
}

func less(a, b []int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
