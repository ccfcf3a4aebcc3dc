package coverage

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// Nodes that are alike share one explanation. A node that is asked about alone
// has its own, and the two must not differ.
func TestAnExclusionIsTheSameAloneAndAmongOthers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := randomWorld(rt)
		all := w.analyze().Report()
		for i := range all.Items {
			for j := range all.Items[i].Nodes {
				among := &all.Items[i].Nodes[j]
				if among.State != Excluded {
					continue
				}
				w.opts.Nodes = func(n *corev1.Node) bool { return n.Name == among.Node }
				alone := w.analyze().Report().Items[i].Nodes
				w.opts.Nodes = nil
				if len(alone) != 1 {
					rt.Fatalf("%d verdicts on %s alone", len(alone), among.Node)
				}
				if x, y := text(rt, &alone[0]), text(rt, among); x != y {
					rt.Fatalf("alone and among others:\n%s\n%s", x, y)
				}
			}
		}
	})
}

func text(t *rapid.T, v *NodeVerdict) string {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// What is said of one node must not show on those that share its explanation.
func TestWhatIsSaidOfOneNodeStaysWithIt(t *testing.T) {
	w := newPairWorld()
	w.set("ns", "ds", selects("accelerator", "nvidia"))
	w.node("near", []string{"acelerator=nvidia"})
	w.node("plain-1", nil)
	w.node("plain-2", nil)
	for i := range 3 {
		w.node(fmt.Sprintf("pool-%d", i), []string{"pool=a", "accelerator=nvidia"})
	}
	w.node("pool-x", []string{"pool=a"})
	suspects := map[string]string{}
	d := w.analyze().Report().Items[0]
	for _, v := range d.Nodes {
		if v.State == Excluded {
			suspects[v.Node] = fmt.Sprint(v.Suspect, v.Evidence.Requirements[0].Hint != "", v.Evidence.Pool != nil)
		}
	}
	want := map[string]string{"near": "true true false", "plain-1": "false false false", "plain-2": "false false false", "pool-x": "true false true"}
	if fmt.Sprint(suspects) != fmt.Sprint(want) {
		t.Errorf("suspect, hint, pool: %v, want %v", suspects, want)
	}
}

// Two nodes share an explanation only where nothing that the rules read differs.
func TestNodesThatDifferInWhatIsReadAreNotAlike(t *testing.T) {
	w := newPairWorld()
	d := w.set("ns", "ds", selects("a", "1"), requires(termOfWords("b Exists")))
	a := w.node("a", []string{"b=1"})
	b := w.node("b", []string{"b=1", "unread=x"})
	differ := []*corev1.Node{
		w.node("no-b", nil), w.node("empty-b", []string{"b="}), w.node("other-a", []string{"a=2", "b=1"}),
		w.node("tainted", []string{"b=1"}, "x:NoSchedule"), w.node("virtual", []string{"b=1", "type=virtual-kubelet"}),
		w.node("two-taints", []string{"b=1"}, "x:NoSchedule", "y:NoSchedule"),
	}
	w.Sort()
	an := &analysis{d: d}
	an.reads, an.byName = readByRules(&d.Spec.Template.Spec)
	sig := func(n *corev1.Node) string { return string(an.signature(n, nil)) }
	if sig(a) != sig(b) {
		t.Error("a label that no rule reads makes a difference")
	}
	seen := []string{sig(a)}
	for _, n := range differ {
		if slices.Contains(seen, sig(n)) {
			t.Errorf("%s is alike to another", n.Name)
		}
		seen = append(seen, sig(n))
	}
	d.Spec.Template.Spec.NodeName = "a"
	if an.reads, an.byName = readByRules(&d.Spec.Template.Spec); sig(a) == sig(b) {
		t.Error("the template names a node, and another one is alike to it")
	}
}
