package rollout

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Comparison is what there is to see around a node that failed, beside the
// verdict on it.
type Comparison struct {
	Node     string   `json:"node"`
	Zone     string   `json:"zone,omitempty"`
	Arch     string   `json:"arch,omitempty"`
	Instance string   `json:"instanceType,omitempty"`
	Ready    string   `json:"ready"`          // of the node itself: True, False, Unknown
	Fine     []string `json:"fine,omitempty"` // nodes of the scope with an available pod of the target
	// FineShare is what those share and this node does not have, as in amd64.
	FineShare string `json:"fineShare,omitempty"`
	// Alike counts nodes of later waves that are like this one, where the
	// target is fine on none of its kind.
	Alike *Alike `json:"alike,omitempty"`
	// Worse are other pods of this node that were there and became unready
	// since the new pod came.
	Worse []string `json:"worse,omitempty"`
}

// Compare looks around a node that failed; nil where it is not there.
func Compare(v *View, r *Run, node string, now time.Time) *Comparison {
	n := v.Node(node)
	if n == nil || v.DaemonSet == nil {
		return nil
	}
	c := &Comparison{Node: node, Zone: ZoneOf(n.Node), Arch: ArchOf(n.Node), Instance: instanceOf(n.Node), Ready: string(n.Ready)}
	hash := r.Target.Hash
	shares := map[string]bool{}
	for _, m := range r.Members {
		o := v.member(m)
		if o == nil || m.Node == node || !v.fineOn(o, hash, now) {
			continue
		}
		c.Fine = append(c.Fine, m.Node)
		shares[ArchOf(o.Node)] = true
	}
	if len(shares) == 1 && !shares[c.Arch] {
		for a := range shares {
			c.FineShare = a
		}
	}
	if what := v.onlyFailsOn([]string{node}, hash, now); what != "" {
		c.Alike = &Alike{What: what}
		for _, m := range r.Members {
			if o := v.member(m); o != nil && m.Node != node && ArchOf(o.Node) == what && runsOther(o, hash) {
				c.Alike.Waiting++
			}
		}
	}
	c.Worse = v.worse(n, r)
	return c
}

// fineOn reports whether an available pod of a revision runs on the node.
func (v *View) fineOn(n *NodeView, hash string, now time.Time) bool {
	return slices.ContainsFunc(n.Pods, func(p *snapshot.Pod) bool {
		return p.Labels[hashLabel] == hash && n.available(p, v.DaemonSet.Spec.MinReadySeconds, now)
	})
}

// runsOther reports whether a live pod of another revision runs on the node.
func runsOther(n *NodeView, hash string) bool {
	return slices.ContainsFunc(n.Pods, func(p *snapshot.Pod) bool { return live(p) && p.Labels[hashLabel] != hash })
}

// onlyFailsOn returns the architecture that all failing nodes share, if the
// revision is fine on other ones and on none of this; else "".
func (v *View) onlyFailsOn(failing []string, hash string, now time.Time) string {
	arch := ""
	for _, name := range failing {
		n := v.Node(name)
		if n == nil {
			return ""
		}
		a := ArchOf(n.Node)
		if a == "" || arch != "" && a != arch {
			return ""
		}
		arch = a
	}
	elsewhere := false
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if !v.fineOn(n, hash, now) {
			continue
		}
		if ArchOf(n.Node) == arch {
			return ""
		}
		elsewhere = true
	}
	if !elsewhere {
		return ""
	}
	return arch
}

// worse are other pods that became unready after the new pod came: those that
// were unready before, or that are newer, say nothing.
func (v *View) worse(n *NodeView, r *Run) []string {
	var came snapshot.Time
	for _, p := range n.Pods {
		if p.Labels[hashLabel] == r.Target.Hash && (came == 0 || p.Created < came) {
			came = p.Created
		}
	}
	if f := r.flight(n.Node.Name); f != nil {
		came = snapshot.TimeOf(&f.Started)
	}
	if came == 0 {
		return nil
	}
	var out []string
	for _, p := range n.Others {
		if !p.Ready && p.Deleted == 0 && p.Created < came && p.ReadySince >= came {
			out = append(out, p.Namespace+"/"+p.Name)
		}
	}
	return out
}

func instanceOf(n *corev1.Node) string { return n.Labels[corev1.LabelInstanceTypeStable] }

// Choice is a verb that a person may take where a run has stopped.
type Choice struct {
	Verb    Verb   `json:"verb"`
	Node    string `json:"node,omitempty"`
	Because string `json:"because,omitempty"` // why it is not possible; empty where it is
	Pods    int    `json:"pods,omitempty"`    // of undo: how many it replaces
}

// Choices says which of undo, retry and skip are possible now. What there is
// nothing to do it to is left out.
func Choices(r *Run, v *View, now time.Time) []Choice {
	p := r.Policy
	if p == nil {
		p = &Policy{}
	}
	d := newDecider(p, r, v, NewObserved(now, r.Epoch), now)
	node := ""
	if r.Because != nil {
		node = r.Because.Node
	}
	var out []Choice
	for _, verb := range []Verb{VerbUndo, VerbRetry, VerbSkip} {
		c := Choice{Verb: verb}
		if !Allowed(r.Phase, verb) {
			c.Because = "not while the run is " + string(r.Phase)
		}
		switch {
		case verb == VerbUndo && r.Target.Hash == "":
			continue // nothing has changed yet
		case verb == VerbUndo:
			for _, n := range CountRevisions(v, now) {
				if n.Hash == r.Target.Hash {
					c.Pods = n.Pods
				}
			}
			if why := d.wayBack(); why != "" && c.Because == "" {
				c.Because = why
			}
		case node == "" || verb == VerbRetry && !r.failed(node):
			continue // there is no node to do it to
		case d.holds():
			continue // the run does not go on with what was taken back
		default:
			c.Node = node
		}
		out = append(out, c)
	}
	return out
}

// wayBack is cannotUndo where there is a DaemonSet to ask.
func (d *decider) wayBack() string {
	if d.v.DaemonSet == nil {
		return "the DaemonSet is not there"
	}
	return d.cannotUndo()
}
