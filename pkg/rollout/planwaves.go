package rollout

import (
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
	wanted, ends := pl.waves(wanted, p)
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

// waves puts canaries first and returns where each wave ends. Canaries are
// spread also where the order goes by zone: the first wave must meet every
// kind of node.
func (pl *planner) waves(wanted []*corev1.Node, p *Policy) ([]*corev1.Node, []int) {
	ends := waveEnds(len(wanted), p)
	if len(ends) < 2 && p.CanarySelector == "" {
		return wanted, ends
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
	var first []*corev1.Node
	if len(ends) > 0 {
		first = spread(pool, p.CanarySpread, ends[0])
	}
	out := slices.Clone(first)
	for _, n := range wanted {
		if !slices.Contains(first, n) {
			out = append(out, n)
		}
	}
	return out, ends
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
