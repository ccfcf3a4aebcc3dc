package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// PlanInput is what a plan is made from beside the snapshot and the policy.
type PlanInput struct {
	Now time.Time
	// Template is the new one; nil where the template already changed.
	Template *corev1.PodTemplateSpec
	// TargetHash is of the revision that Template comes from, where it is an
	// older one: pods that still run it are current.
	TargetHash string
	OwnNode    string // the node that the driver runs on
	// PodsOn is how many pods run on each node, for the order fewest-pods.
	PodsOn map[string]int
	// Budgets of the namespaces whose pods the run disrupts.
	Budgets []*policyv1.PodDisruptionBudget
	// BudgetPods are the pods of those Budgets that are never met. One that is
	// not there was not read.
	BudgetPods BudgetPods
	// Denied are permissions that the review refused, as in
	// "delete pods in kube-system".
	Denied   []string
	Terminal bool
	// HeldBy is another run that holds the Lease; empty for none.
	HeldBy string
	// HeldFix is what may be done about that run, with commands.
	HeldFix string
}

// PlanVerdict is what a run would do with a node.
type PlanVerdict string

// Verdicts of a plan.
const (
	WillUpdate       PlanVerdict = "WillUpdate"
	Current          PlanVerdict = "Current"          // runs the target already
	Skip             PlanVerdict = "Skip"             // and Reason says why
	WouldNotComeBack PlanVerdict = "WouldNotComeBack" // its pod would not come back: it is left alone
	WouldBeLost      PlanVerdict = "WouldBeLost"      // the new template would cost its pod at once: start refuses
)

// PlanNode is one node of a plan.
type PlanNode struct {
	Node     string      `json:"node"`
	UID      string      `json:"-"`
	Zone     string      `json:"zone,omitempty"`
	Arch     string      `json:"arch,omitempty"`
	Wave     int         `json:"wave,omitempty"` // 0: nothing is done to it
	Verdict  PlanVerdict `json:"verdict"`
	Reason   string      `json:"reason,omitempty"`
	Pod      string      `json:"pod,omitempty"`
	Revision string      `json:"revision,omitempty"` // hash that its pod runs
	Down     bool        `json:"down,omitempty"`     // no available pod now

	node *corev1.Node
	lost bool
	free bool // acting on it costs no availability
}

// PlanWave is one wave of a plan.
type PlanWave struct {
	Number  int            `json:"number"`
	Canary  bool           `json:"canary,omitempty"`
	Late    bool           `json:"late,omitempty"` // lost nodes, if they come back
	Nodes   int            `json:"nodes"`
	InAll   int            `json:"inAll"`
	Zones   map[string]int `json:"zones,omitempty"`
	Then    string         `json:"then"` // approve, go on, done
	Members []string       `json:"members"`
}

// Plan is what a run would do, before anything is written.
type Plan struct {
	Namespace string     `json:"namespace"`
	Name      string     `json:"name"`
	Policy    *Policy    `json:"policy"` // with every default
	Target    Revision   `json:"target"` // the zero value while there is none
	From      Revision   `json:"from"`
	Strategy  string     `json:"strategy"` // before anybody armed it
	Arms      bool       `json:"arms"`     // OnDelete for the run, and given back
	Change    bool       `json:"change"`
	Ceiling   int        `json:"ceiling"`
	Parallel  int        `json:"parallel"`
	Down      []string   `json:"down,omitempty"` // count for the ceiling from the start
	Fenced    []string   `json:"fenced,omitempty"`
	Updates   int        `json:"updates"`
	Nodes     []PlanNode `json:"nodes"` // the scope, in order
	Waves     []PlanWave `json:"waves"`
	Checks    []Check    `json:"checks"`
	Owners    []Owner    `json:"owners,omitempty"`
	Estimate  *Estimate  `json:"estimate,omitempty"`

	before Planned
}

// Places is how many nodes that work may be replaced at a time: what the nodes
// that are down before leave of the ceiling, and no more than may be in flight.
func (pl *Plan) Places() int { return max(min(pl.Parallel, pl.Ceiling-len(pl.Down)), 0) }

// AtOnce is how many pods are deleted at a time, at most: as many as there are
// places now, and one more for each node that is down, whose pod needs no place,
// and which gives its place back once it works. A node that is lost does neither.
func (pl *Plan) AtOnce() int {
	most := pl.Places()
	for i := range pl.Nodes {
		if n := &pl.Nodes[i]; !n.lost && (n.Down || n.free && n.Verdict == WillUpdate) {
			most++
		}
	}
	return min(most, pl.Parallel, pl.Updates)
}

// MakePlan plans a run. An error is a bad input; what would keep a run from
// starting is among the checks.
func MakePlan(v *View, p *Policy, in PlanInput) (*Plan, error) {
	if v.DaemonSet == nil {
		return nil, errors.New("the DaemonSet is not there")
	}
	if v.Unread != "" {
		return nil, fmt.Errorf("a plan needs what could not be read: %s", v.Unread)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	pl := &planner{v: v, in: &in, ds: v.DaemonSet}
	if in.Template != nil {
		pl.v, pl.misfits = v.withTemplate(in.Template), v.misfits(in.Template)
	}
	if err := pl.known(p); err != nil {
		return nil, err
	}
	return pl.make(p)
}

type planner struct {
	v      *View
	in     *PlanInput
	ds     *daemonSet
	target string // hash; empty where the template is still to come
	out    *Plan
	// misfits are the nodes whose pods the new template costs.
	misfits []misfit
}

// known refuses names and selectors that match nothing.
func (pl *planner) known(p *Policy) error {
	var errs []error
	for _, list := range []struct {
		field string
		names []string
	}{{"nodes", p.Nodes}, {"excludeNodes", p.ExcludeNodes}} {
		for _, n := range list.names {
			if pl.v.Node(n) == nil {
				errs = append(errs, fmt.Errorf("policy: %s: the cluster has no node %q%s", list.field, n, pl.nearest(n)))
			}
		}
	}
	for _, s := range []struct{ field, selector string }{{"nodeSelector", p.NodeSelector}, {"canarySelector", p.CanarySelector}} {
		sel, err := labels.Parse(s.selector)
		if err != nil || s.selector == "" {
			continue
		}
		if !slices.ContainsFunc(pl.v.Nodes, func(n NodeView) bool { return sel.Matches(labels.Set(n.Node.Labels)) }) {
			errs = append(errs, fmt.Errorf("policy: %s: %q matches no node", s.field, s.selector))
		}
	}
	return errors.Join(append(errs, pl.keys(p)...)...)
}

// keys refuses labels to spread or order by that no node has: nothing would be
// spread or ordered.
func (pl *planner) keys(p *Policy) []error {
	var errs []error
	want := func(field, label string) {
		if !slices.ContainsFunc(pl.v.Nodes, func(n NodeView) bool { _, has := n.Node.Labels[label]; return has }) {
			errs = append(errs, fmt.Errorf("policy: %s: no node has the label %q", field, label))
		}
	}
	for _, k := range p.CanarySpread {
		if k != "zone" && k != "arch" {
			want("canarySpread", k)
		}
	}
	order, _ := parseOrder(p.Order) // Check has refused what is wrong with it
	for _, k := range order {
		if k.label != "" {
			want("order", k.label)
		}
	}
	return errs
}

func (pl *planner) make(p *Policy) (*Plan, error) {
	pl.target = pl.in.TargetHash
	if cur := pl.v.current(); cur != nil && pl.in.Template == nil {
		pl.target = cur.Labels[hashLabel]
	}
	nodes := pl.judge(p)
	archs, updates := map[string]bool{}, 0
	for i := range nodes {
		if nodes[i].Verdict == WillUpdate && !nodes[i].lost {
			archs[nodes[i].Arch] = true
			updates++
		}
	}
	full := p.WithDefaults(Context{Nodes: updates, Archs: len(archs), Terminal: pl.in.Terminal})
	pl.out = &Plan{
		Namespace: pl.ds.Namespace, Name: pl.ds.Name, Policy: full, From: pl.from(), Updates: updates,
		Strategy: string(pl.ds.Spec.UpdateStrategy.Type), Change: pl.in.Template != nil,
		Ceiling: full.Ceiling(len(nodes)), Parallel: full.Parallel(len(nodes)), before: Planned{TemplateSum(&pl.ds.Spec.Template), pl.v.templateGeneration()},
	}
	armed, err := ArmedOf(pl.ds)
	if err != nil {
		return nil, err
	}
	pl.out.Arms = !pl.v.onDelete() || armed != nil
	if armed != nil {
		pl.out.Strategy = armed.Original
	}
	if r := pl.v.revisionByHash(pl.target); r != nil {
		pl.out.Target = pl.v.pin(r)
	}
	if err := pl.order(nodes, full); err != nil {
		return nil, err
	}
	for i := range pl.out.Nodes {
		n := &pl.out.Nodes[i]
		if !n.Down {
			continue
		}
		if full.FenceBroken {
			pl.out.Fenced = append(pl.out.Fenced, n.Node)
		} else {
			pl.out.Down = append(pl.out.Down, n.Node)
		}
	}
	pl.out.Owners = OwnersOf(&pl.ds.ObjectMeta)
	pl.out.Estimate = estimate(pl.v, pl.out, full)
	pl.checks(full)
	return pl.out, nil
}

// Run makes the run that a plan starts.
func (pl *Plan) Run(id Identity, gatesSHA256 string) (*Run, error) {
	r := &Run{
		Version: SchemaVersion, Identity: id, From: pl.From, Change: pl.Change, Before: pl.before, Original: pl.Strategy,
		Policy: pl.Policy.WithoutCommands(), GatesSHA256: gatesSHA256,
	}
	r.Phase = Arming
	r.Fenced = slices.Clone(pl.Fenced)
	for i := range pl.Nodes {
		r.Members = append(r.Members, Member{Node: pl.Nodes[i].Node, UID: pl.Nodes[i].UID})
	}
	r.Size = len(r.Members)
	end := 0
	for _, w := range pl.Waves {
		end += w.Nodes
		r.Waves = append(r.Waves, end)
		if w.Late {
			r.Late = w.Number
		}
	}
	for _, o := range pl.Owners {
		if o.Template && r.TemplateOwner == "" {
			r.TemplateOwner = o.Name
		}
	}
	if n := r.EstimateBytes(); n > MaxRunBytes {
		return nil, fmt.Errorf("a run over %d nodes would need about %d KiB in its Lease, and %d are allowed: use --node-selector", len(r.Members), n>>10, MaxRunBytes>>10)
	}
	return r, r.Validate()
}

// withTemplate is the view as it would be with another template.
func (v *View) withTemplate(t *corev1.PodTemplateSpec) *View {
	out := *v
	ds := *v.DaemonSet
	ds.Spec.Template = *t
	out.DaemonSet = &ds
	out.Nodes = slices.Clone(v.Nodes)
	out.same = nil
	out.eligible()
	return &out
}

func names(list []string) string {
	const show = 3
	if len(list) <= show {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:show], ", ") + fmt.Sprintf(", +%d", len(list)-show)
}
