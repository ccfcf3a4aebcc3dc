package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Cause is one paragraph of the screen: pairs that suffer from the same thing,
// across DaemonSets and nodes.
type Cause struct {
	Reason Reason
	// Object is what it is about: storage/fsx-csi-node, node ip-10-0-1-7,
	// 3 DaemonSets.
	Object string
	// Count is how many of what, in which state: 155 nodes Excluded (suspect).
	Count  string
	Facts  []Fact   // what was seen: taint, event, cpu, image, node ...
	Shared string   // what the nodes have in common; empty if nothing
	Nodes  []string // all node names, in order
	Notes  []string
	Fixes  []string // each changes something
	Looks  []string // each only reads
	// DaemonSets are the keys namespace/name concerned, in order.
	DaemonSets []string

	class int // 0 gaps, suspects and unknowns; 1 outdated; 2 misplaced; 3 findings
	named bool
}

// Fact is one labelled line of a cause.
type Fact struct {
	Label string
	Text  string
}

// member is one pair of a cause.
type member struct {
	d *DaemonSetResult
	v *Verdict
}

type causeKey struct {
	reason    Reason
	class     int
	object    string // DaemonSet or namespace, where the cause is its own
	signature string
}

// Causes groups everything that is wrong by its cause: worst class first, then
// by the number of nodes. What is only starting or ending is left out while it is young;
// it is counted in the summary.
func (r *Result) Causes() []Cause {
	groups := map[causeKey][]member{}
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		for j := range d.Verdicts {
			v := &d.Verdicts[j]
			if r.shown(v) {
				v = v.failing()
				k := r.causeKey(d, v)
				groups[k] = append(groups[k], member{d, v})
			}
		}
	}
	var out []Cause
	for k, ms := range groups {
		out = append(out, r.cause(k, ms))
	}
	out = append(out, r.findingCauses()...)
	slices.SortFunc(out, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(len(b.Nodes), len(a.Nodes)), rank(a.Reason)-rank(b.Reason),
			strings.Compare(a.Object, b.Object), strings.Compare(strings.Join(a.Nodes, ","), strings.Join(b.Nodes, ",")))
	})
	return out
}

func (r *Result) shown(v *Verdict) bool {
	switch v.State {
	case Covered:
		return false
	case Excluded:
		return v.Suspect
	case Unready, Missing:
		return !v.Settling || !passing(v.Reason)
	default:
		return !v.Settling || v.trouble()
	}
}

// passing reports whether a reason is what everything young goes through. Any
// other reason is worth a paragraph from the first second.
func passing(r Reason) bool {
	switch r {
	case Starting, NodeYoung, Terminating, NotAvailableYet:
		return true
	default:
		return false
	}
}

// causeKey is equal for pairs that suffer from the same thing.
func (r *Result) causeKey(d *DaemonSetResult, v *Verdict) causeKey {
	e := &Evidence{}
	if v.Detail != nil {
		e = &v.Detail.Evidence
	}
	if k, ok := nodeKey(v, e); ok {
		return k
	}
	k := causeKey{reason: v.Reason, class: class(v.State), object: d.DaemonSet.Namespace + "/" + d.DaemonSet.Name}
	switch {
	case v.State == Misplaced:
		k.signature = taintList(e.Taints) + requirementKeys(e.Requirements)
	case len(e.Requirements) > 0:
		k.signature = requirementKeys(e.Requirements)
	case e.Scheduler != nil:
		k.signature = quotedName.ReplaceAllString(strings.Join(e.Scheduler.Reasons, ", "), "")
	case e.Container != nil:
		c := e.Container
		k.signature = strings.Join([]string{c.Name, c.Reason, c.LastReason, fmt.Sprint(c.ExitCode != nil && *c.ExitCode != 0)}, " ")
	}
	return k
}

// nodeKey is the key of what a node does to every DaemonSet alike; false where
// the cause is the DaemonSet's own.
func nodeKey(v *Verdict, e *Evidence) (causeKey, bool) {
	k := causeKey{reason: v.Reason, class: class(v.State)}
	if !v.State.ShouldRun() && v.Detail != nil && slices.Contains(v.Detail.Contributing, NodeLost) {
		k.reason = NodeLost
	}
	switch k.reason {
	case NodeLost:
		k.class = 0
		k.signature = conditionReason(e) // nodes that went together are one cause
	case NodeNotReady, NodeShutdown, NodeNotReadyCNI:
		k.signature = conditionReason(e)
	case TaintTransient, TaintStructural, TaintGateDependent:
		k.signature = taintList(e.Taints)
	case UnknownReason:
		k.signature = e.Unread
	case LatentUnrecreatable:
		if len(e.Requirements) > 0 {
			return causeKey{}, false
		}
		k.signature = taintList(e.Taints)
	default:
		return causeKey{}, false
	}
	return k, true
}

func conditionReason(e *Evidence) string {
	if e.Condition == nil {
		return ""
	}
	return e.Condition.Reason
}

func requirementKeys(rs []RequirementEvidence) string {
	var out []string
	for _, q := range rs {
		out = append(out, q.Requirement)
	}
	return strings.Join(out, ", ")
}

func class(s State) int {
	switch s {
	case Outdated:
		return 1
	case Misplaced:
		return 2
	default:
		return 0
	}
}

func (r *Result) cause(k causeKey, ms []member) Cause {
	c := Cause{Reason: k.reason, class: k.class}
	nodes := map[int32]bool{}
	sets := map[string]bool{}
	for _, m := range ms {
		nodes[m.v.Node] = true
		sets[m.d.DaemonSet.Namespace+"/"+m.d.DaemonSet.Name] = true
	}
	group := slices.Sorted(maps.Keys(nodes))
	for _, i := range group {
		c.Nodes = append(c.Nodes, r.Snapshot.Nodes[i].Name)
	}
	c.DaemonSets = slices.Sorted(maps.Keys(sets))
	c.Shared = shared(r.Snapshot.Nodes, group, r.Options.Now)
	if k.reason == ArchMismatch {
		// The architecture is what it is about, whatever else they share.
		if s := sharedBy([]dimension{{value: arch}}, r.Snapshot.Nodes, group, r.Options.Now); s != "" {
			c.Shared = s
		}
	}
	r.heading(&c, ms)
	r.tell(&c, ms)
	return c
}

// heading names the object and counts: of one DaemonSet the nodes, of one node
// the DaemonSets, else both.
func (r *Result) heading(c *Cause, ms []member) {
	aboutNode := c.Reason == NodeLost || c.Reason == NodeNotReady || c.Reason == NodeShutdown
	switch {
	case len(c.DaemonSets) == 1:
		c.Object = c.DaemonSets[0]
	case len(c.Nodes) == 1 && aboutNode:
		c.Object, c.named = "node "+c.Nodes[0], true
	case aboutNode:
		c.Object = count(len(c.Nodes), "node")
	default:
		c.Object = count(len(c.DaemonSets), "DaemonSet")
	}
	ofSets := aboutNode && len(c.DaemonSets) > 1
	noun := "node"
	if ofSets {
		noun = "DaemonSet"
	}
	c.Count = c.countText(r.tally(ms, ofSets), noun)
}

// tally counts by state what a cause concerns, each only once: DaemonSets where
// it is about those of a node, else nodes.
func (r *Result) tally(ms []member, ofSets bool) map[State]int {
	type one struct {
		state State
		what  string
	}
	seen := map[one]bool{}
	out := map[State]int{}
	for _, m := range ms {
		what := r.node(m.v).Name
		switch set := m.d.DaemonSet.Namespace + "/" + m.d.DaemonSet.Name; {
		case ofSets:
			what = set
		case m.v.State == Misplaced:
			what = set + " " + what // pods are counted, not nodes
		}
		if k := (one{m.v.State, what}); !seen[k] {
			seen[k] = true
			out[m.v.State]++
		}
	}
	return out
}

// countText lists the counts, the worst state first.
func (c *Cause) countText(byState map[State]int, noun string) string {
	var parts []string
	for _, s := range []State{Missing, Unready, Unknown, Excluded, Outdated, Misplaced} {
		n := byState[s]
		if n == 0 {
			continue
		}
		what := noun
		if s == Misplaced && c.Reason != NodeLost {
			what = "pod"
		}
		text := count(n, what) + " " + s.String()
		if len(parts) > 0 && what == noun {
			text = fmt.Sprintf("%d %s", n, s)
		}
		switch {
		case s == Excluded:
			text += " (suspect)"
		case c.Reason == LatentUnrecreatable:
			text += " (latent)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// InHeading reports whether the object of the heading is the only node, so
// that no line of nodes is needed.
func (c *Cause) InHeading() bool { return c.named }
