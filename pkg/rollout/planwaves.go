package rollout

import (
	"cmp"
	"slices"

	"github.com/agnivade/levenshtein"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

type daemonSet = appsv1.DaemonSet

// order puts the scope into the order of the run: waves, then lost nodes,
// then those that nothing is done to.
func (pl *planner) order(nodes []PlanNode, p *Policy) error {
	keys, err := parseOrder(p.Order)
	if err != nil {
		return err
	}
	o := &ordering{keys: keys, own: pl.in.OwnNode, podsOn: pl.in.PodsOn}
	byName := make(map[string]*PlanNode, len(nodes))
	var wanted, late, rest []*corev1.Node
	for i := range nodes {
		n := &nodes[i]
		byName[n.Node] = n
		switch {
		case n.Verdict != WillUpdate:
			rest = append(rest, n.node)
		case n.lost && !p.ActOnNotReady:
			late = append(late, n.node)
		default:
			wanted = append(wanted, n.node)
		}
	}
	for _, list := range [][]*corev1.Node{wanted, late, rest} {
		slices.SortFunc(list, o.compare)
	}
	isFree := func(n *corev1.Node) bool { return byName[n.Name].free }
	wanted, ends := waves(wanted, p, o, isFree)
	from := 0
	for i, end := range ends {
		pl.wave(wanted[from:end], byName, PlanWave{Canary: i == 0 && end < len(wanted)})
		from = end
	}
	if len(late) > 0 {
		pl.wave(late, byName, PlanWave{Late: true})
	}
	for _, n := range rest {
		pl.out.Nodes = append(pl.out.Nodes, *byName[n.Name])
	}
	pl.then(p)
	return nil
}

// waves puts canaries first, then nodes that are down already, and returns
// where each wave ends. Canaries are spread also where the order goes by zone:
// the first wave must meet every kind of node. And they are what the policy
// says, however many nodes are down: whoever approves after them has seen the
// new version on these only.
func waves(wanted []*corev1.Node, p *Policy, o *ordering, isFree func(*corev1.Node) bool) ([]*corev1.Node, []int) {
	ends := waveEnds(len(wanted), p)
	out := canaries(wanted, ends, p)
	picked := len(out)
	for _, n := range wanted {
		if !slices.Contains(out[:picked], n) {
			out = append(out, n)
		}
	}
	freeFirst := func(a, b *corev1.Node) int { return cmp.Compare(boolInt(!isFree(a)), boolInt(!isFree(b))) }
	slices.SortStableFunc(out[picked:], func(a, b *corev1.Node) int {
		return cmp.Or(cmp.Compare(o.last(a), o.last(b)), freeFirst(a, b))
	})
	from := 0
	for _, end := range ends { // as Decide does
		slices.SortStableFunc(out[from:end], freeFirst)
		from = end
	}
	return out, ends
}

// canaries picks the nodes of the first wave, where there is another or a
// selector for them.
func canaries(wanted []*corev1.Node, ends []int, p *Policy) []*corev1.Node {
	if len(ends) == 0 || len(ends) < 2 && p.CanarySelector == "" {
		return nil
	}
	pool := wanted
	if sel, err := labels.Parse(p.CanarySelector); err == nil && p.CanarySelector != "" {
		pool = nil
		for _, n := range wanted {
			if sel.Matches(labels.Set(n.Labels)) {
				pool = append(pool, n)
			}
		}
	}
	return spread(pool, p.CanarySpread, ends[0])
}

// waveEnds returns where each wave of n nodes ends; what no wave names comes
// last.
func waveEnds(n int, p *Policy) []int {
	var ends []int
	last := 0
	for _, w := range p.Waves {
		if end := min(scaled(w, n), n); end > last {
			ends, last = append(ends, end), end
		}
	}
	if last < n {
		ends = append(ends, n)
	}
	return ends
}

func (pl *planner) wave(nodes []*corev1.Node, byName map[string]*PlanNode, w PlanWave) {
	w.Number, w.Nodes, w.Zones = len(pl.out.Waves)+1, len(nodes), map[string]int{}
	for _, n := range nodes {
		node := *byName[n.Name]
		node.Wave = w.Number
		pl.out.Nodes = append(pl.out.Nodes, node)
		w.Zones[node.Zone]++
		w.Members = append(w.Members, n.Name)
	}
	w.InAll = len(pl.out.Nodes)
	pl.out.Waves = append(pl.out.Waves, w)
}

// then says what comes after each wave.
func (pl *planner) then(p *Policy) {
	for i := range pl.out.Waves {
		w := &pl.out.Waves[i]
		last := i == len(pl.out.Waves)-1
		switch {
		case last:
			w.Then = "done"
		case p.PauseAfter == PauseWave, p.PauseAfter == PauseCanary && i == 0:
			w.Then = "wait for approve"
		case p.PauseAfter == PauseNode:
			w.Then = "wait for approve after each node"
		default:
			w.Then = "go on"
		}
	}
}

// nearest is a hint at a node that was probably meant.
func (pl *planner) nearest(name string) string {
	best, far := "", 4
	for i := range pl.v.Nodes {
		if n := levenshtein.ComputeDistance(name, pl.v.Nodes[i].Node.Name); n < far {
			best, far = pl.v.Nodes[i].Node.Name, n
		}
	}
	if best == "" {
		return ""
	}
	return "; is it " + best + "?"
}
