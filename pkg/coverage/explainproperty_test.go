package coverage

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Every pair of every world can be explained: without a panic, in order, and
// without a change to what was read.
func TestEveryPairOfAWorldIsExplained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := randomWorld(t).analyze()
		was := copyOf(r.Snapshot)
		for i := range r.DaemonSets {
			for _, n := range r.Snapshot.Nodes {
				e, err := r.ExplainPair(i, n.Name)
				if err != nil {
					t.Fatalf("%s: %v", n.Name, err)
				}
				checkLines(t, e)
				again, _ := r.ExplainPair(i, n.Name)
				if !reflect.DeepEqual(e, again) {
					t.Fatalf("two answers: %v and %v", e, again)
				}
			}
		}
		l, err := r.NodeView(nil)
		if err != nil || len(l.Items) != len(r.Snapshot.Nodes) {
			t.Fatalf("%d of %d nodes: %v", len(l.Items), len(r.Snapshot.Nodes), err)
		}
		for i := range l.Items {
			checkNode(t, r, &l.Items[i])
		}
		if !reflect.DeepEqual(was, copyOf(r.Snapshot)) {
			t.Fatal("the snapshot was changed")
		}
	})
}

func copyOf(s *snapshot.Snapshot) any {
	var out []any
	for _, n := range s.Nodes {
		out = append(out, n.DeepCopy())
	}
	for _, d := range s.DaemonSets {
		out = append(out, d.DeepCopy())
	}
	for i := range s.Pods {
		out = append(out, s.Pods[i], s.Pods[i].Full.DeepCopy())
	}
	return append(out, slices.Clone(s.Events))
}

func checkLines(t *rapid.T, e *Explanation) {
	number := 0
	for _, l := range e.Rules {
		switch {
		case l.Number == 0 && number > 0:
		case l.Number != number+1 || l.Rule == "":
			t.Fatalf("line %+v after number %d", l, number)
		default:
			number++
		}
		if l.Operands == "" || l.Failed && l.Result == pass || strings.HasPrefix(l.Result, fail) && !l.Failed {
			t.Fatalf("line %+v", l)
		}
	}
	run := lineOf(e, "should run")
	if s := e.Verdict.State; s.ShouldRun() && run.Result != "yes" || (s == Excluded || s == Misplaced) && run.Result != "no" {
		t.Fatalf("%v, and should run says %q", s, run.Result)
	}
	if s := e.Verdict.State; s == Covered && e.Headline != "" || (s == Excluded || s == Misplaced) && e.Headline == "" {
		t.Fatalf("%v with headline %q", s, e.Headline)
	}
	// The rules that say no are those that fail.
	if run.Result == "no" {
		var failed []string
		for _, l := range e.Rules {
			if l.Rule == "should run" {
				break
			}
			if l.Failed {
				failed = append(failed, fmt.Sprint(l.Number))
			}
		}
		if want := "now: no (" + strings.Join(failed, ", ") + ")."; len(failed) == 0 || !strings.HasPrefix(run.Operands, want) {
			t.Fatalf("%q, and %v fail", run.Operands, failed)
		}
	}
}

// Each change does what it says: what is printed is read back as a person
// would act on it, done to a copy, and all nodes are counted again.
func TestEachChangeDoesWhatItSays(t *testing.T) {
	kinds, worlds := map[string]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		worlds++
		r := randomWorld(t).analyze()
		for i := range r.DaemonSets {
			for _, n := range r.Snapshot.Nodes {
				e, err := r.ExplainPair(i, n.Name)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range e.Changes {
					if strings.HasPrefix(c.Effect, "the pod would fit") {
						checkFit(t, r, i, e, c)
					} else {
						checkChange(t, r, &r.DaemonSets[i], n, e, c)
					}
					kinds[c.Where+" "+strings.Join(strings.Fields(c.Do)[:2], " ")]++
				}
			}
		}
	})
	// Rare ones are in the tables.
	seen(t, worlds, kinds, "template tolerate a", "template remove nodeSelector", "template remove the", "node kubectl taint", "node kubectl label")
}

// What is said to let a pod fit lets it fit, on nodes filled at random.
func TestWhatIsSaidToFitFits(t *testing.T) {
	kinds, worlds := map[string]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		worlds++
		w := newPairWorld()
		w.node("n1", nil).Status.Allocatable = amounts("cpu", "4", "memory", "8Gi", "pods", pick(t, "pods", []string{"2", "29"}))
		d := w.set("ns", "ds-0", asksOf("cpu", pick(t, "cpu", []string{"500m", "2", "5"}), "memory", pick(t, "memory", []string{"100Mi", "3Gi", "9Gi"})),
			func(s *corev1.PodSpec) {
				s.PriorityClassName = pick(t, "class", []string{"", "system-node-critical"})
				if chance(t, "port", 50) {
					s.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 9100}}
				}
			})
		w.pod(d, "n1", pending("0/1 nodes are available: 1 Insufficient cpu."), func(p *corev1.Pod) {
			if p.Spec.PriorityClassName != "" {
				p.Spec.Priority = new(int32(systemNodeCritical))
			}
		})
		for i := range spread(t, "others", 4) {
			p := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1", Priority: new(pick(t, "priority", []int32{-1, 0, 100, systemNodeCritical}))}}
			p.Namespace, p.Name = "team", fmt.Sprintf("p%d", i)
			p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: amounts(
				"cpu", pick(t, "cpu", []string{"0", "1", "3500m"}), "memory", pick(t, "memory", []string{"0", "1Gi", "7000000000"}))}}}
			if chance(t, "port", 30) {
				p.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 9100}}
			}
			w.addPod(p)
		}
		r := w.analyze()
		e, err := r.ExplainPair(0, "n1")
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, e)
		for _, c := range e.Changes {
			checkFit(t, r, 0, e, c)
			kinds[strings.Join(strings.Fields(c.Do)[:2], " ")]++
		}
	})
	seen(t, worlds, kinds, "request at")
}

// seen holds that a property was not proven on worlds that have nothing to
// show: each kind is there some twenty times in a hundred of them.
func seen(t *testing.T, worlds int, kinds map[string]int, want ...string) {
	t.Helper()
	for _, kind := range want {
		if worlds >= 100 && kinds[kind] == 0 {
			t.Errorf("none of %d worlds had a change %q: %v", worlds, kind, kinds)
		}
	}
}

func checkChange(t *rapid.T, r *Result, d *DaemonSetResult, n *corev1.Node, e *Explanation, c Change) {
	spec, changed := d.DaemonSet.Spec.Template.Spec.DeepCopy(), n.DeepCopy()
	if c.Where == inTemplate {
		for _, part := range strings.Split(c.Do, ", and ") {
			editTemplate(t, spec, part)
		}
	} else {
		runCommands(t, changed, c.Do)
	}
	gates := []bool{d.Gate}
	if e.Verdict.State == Unknown {
		gates = []bool{false, true}
	}
	for _, gate := range gates {
		a := eligibility.Compile(spec).Evaluate(changed, gate)
		if stays := strings.Contains(c.Effect, "would stay"); stays && (a.ShouldRun || !a.ShouldContinue) || !stays && !a.ShouldRun {
			t.Fatalf("%q on %s gives %+v, not %q", c.Do, n.Name, a, c.Effect)
		}
	}
	before, after := 0, 0
	for _, o := range r.Snapshot.Nodes {
		if eligibility.Compile(&d.DaemonSet.Spec.Template.Spec).Evaluate(o, d.Gate).ShouldRun {
			before++
		}
		if o.Name == n.Name {
			o = changed
		}
		if eligibility.Compile(spec).Evaluate(o, d.Gate).ShouldRun {
			after++
		}
	}
	if before != c.From || after != c.To {
		t.Fatalf("%q: %d -> %d, counted %d -> %d", c.Do, c.From, c.To, before, after)
	}
	if strings.HasPrefix(c.Do, "set nodeSelector ") || strings.HasPrefix(c.Do, "replace nodeSelector ") {
		for _, o := range r.Snapshot.Nodes {
			if d.Rules.Evaluate(o, d.Gate).ShouldRun && !eligibility.Compile(spec).Evaluate(o, d.Gate).ShouldRun {
				t.Fatalf("%q takes it from %s", c.Do, o.Name)
			}
		}
	}
}

var (
	addToAffinity    = regexp.MustCompile(`^add (.*) to node affinity (.*) \(term (\d+)\)$`)
	dropFromAffinity = regexp.MustCompile(`^drop from node affinity (.*) \(term (\d+)\)$`)
)

// editTemplate does what a person would who reads one part of a change.
func editTemplate(t *rapid.T, s *corev1.PodSpec, do string) {
	cut := func(prefix string) (string, bool) { return strings.CutPrefix(do, prefix) }
	if key, ok := cut("tolerate "); ok {
		s.Tolerations = append(s.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
	} else if do == "remove nodeName" {
		s.NodeName = ""
	} else if key, ok := cut("remove nodeSelector "); ok {
		delete(s.NodeSelector, key)
	} else if pair, ok := cut("set nodeSelector "); ok {
		k, v, _ := strings.Cut(pair, "=")
		s.NodeSelector[k] = v
	} else if words, ok := cut("replace nodeSelector "); ok {
		old, pair, _ := strings.Cut(words, " by ")
		k, v, _ := strings.Cut(pair, "=")
		delete(s.NodeSelector, old)
		s.NodeSelector[k] = v
	} else if do == "remove the required node affinity" {
		s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
	} else if m := addToAffinity.FindStringSubmatch(do); m != nil {
		q := requirementOf(t, s, m[2], m[3])
		q.Values = append(q.Values, strings.Trim(m[1], `"`))
	} else if m := dropFromAffinity.FindStringSubmatch(do); m != nil {
		term := termOf(s, int(m[2][0]-'1'))
		q := requirementOf(t, s, m[1], m[2])
		same := func(o corev1.NodeSelectorRequirement) bool { return reflect.DeepEqual(o, *q) }
		if i := slices.IndexFunc(term.MatchExpressions, same); i >= 0 {
			term.MatchExpressions = slices.Delete(term.MatchExpressions, i, i+1)
		} else {
			i := slices.IndexFunc(term.MatchFields, same)
			term.MatchFields = slices.Delete(term.MatchFields, i, i+1)
		}
	} else {
		t.Fatalf("nobody knows how to %q", do)
	}
}

func requirementOf(t *rapid.T, s *corev1.PodSpec, text, term string) *corev1.NodeSelectorRequirement {
	x := termOf(s, int(term[0]-'1'))
	for _, list := range [][]corev1.NodeSelectorRequirement{x.MatchExpressions, x.MatchFields} {
		for i := range list {
			if eligibility.FormatRequirement(list[i].Key, list[i].Operator, list[i].Values) == text {
				return &list[i]
			}
		}
	}
	t.Fatalf("term %s has no %q", term, text)
	return nil
}

var goesByItself = regexp.MustCompile(`^(?:mend|wait for) the node: (.*):(\w+) goes when `)

// runCommands does to the node what kubectl would.
func runCommands(t *rapid.T, n *corev1.Node, do string) {
	if m := goesByItself.FindStringSubmatch(do); m != nil {
		n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(x corev1.Taint) bool { return x.Key == m[1] && string(x.Effect) == m[2] })
		return
	}
	for _, line := range strings.Split(do, " && ") {
		f := strings.Fields(line) // good names need no quotes
		if len(f) < 5 || f[0] != "kubectl" || f[2] != "node" || f[3] != n.Name || strings.ContainsAny(line, "'\";|$`\n") {
			t.Fatalf("not a command on %s: %q", n.Name, line)
		}
		switch arg, minus := strings.CutSuffix(f[4], "-"); {
		case f[1] == "taint" && minus && len(f) == 5:
			i := strings.LastIndex(arg, ":")
			n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(x corev1.Taint) bool { return x.Key == arg[:i] && string(x.Effect) == arg[i+1:] })
		case f[1] == "label" && minus && !strings.Contains(arg, "=") && len(f) == 5:
			delete(n.Labels, arg)
		case f[1] == "label" && len(f) == 6 && f[5] == "--overwrite":
			k, v, _ := strings.Cut(f[4], "=")
			n.Labels[k] = v
		default:
			t.Fatalf("nobody knows how to %q", line)
		}
	}
}

// checkFit changes the waiting pod as the change says, and looks whether it
// fits then, or can make room.
func checkFit(t *rapid.T, r *Result, i int, e *Explanation, c Change) {
	var v *Verdict
	for j := range r.DaemonSets[i].Verdicts {
		if w := &r.DaemonSets[i].Verdicts[j]; r.node(w).Name == e.Node {
			v = w
		}
	}
	p := *r.pod(v)
	asks := *p.Requests
	p.Requests = &asks
	switch {
	case c.Do == "set priorityClassName: system-node-critical":
		p.Priority = 2000001000
	case strings.HasPrefix(c.Do, "request at most "):
		for _, part := range strings.Split(strings.TrimPrefix(c.Do, "request at most "), ", ") {
			f := strings.Fields(part)
			have := snapshot.RequestsOf(amounts(f[0], f[1]))
			asks.MilliCPU = min(asks.MilliCPU, max(have.MilliCPU, boolTo(f[0] != "cpu", asks.MilliCPU)))
			asks.Memory = min(asks.Memory, max(have.Memory, boolTo(f[0] != "memory", asks.Memory)))
		}
	case c.Do == "take another host port than 9100/TCP":
		p.HostPorts = nil
	default:
		t.Fatalf("nobody knows how to %q", c.Do)
	}
	if reflect.DeepEqual(p, *r.pod(v)) {
		t.Fatalf("%q changes nothing", c.Do)
	}
	left := *r.Snapshot
	left.Pods = slices.DeleteFunc(slices.Clone(r.Snapshot.Pods), func(q snapshot.Pod) bool { return q.Priority < p.Priority })
	if room := computeRoom(newIndex(&left), v.Node, r.node(v), &p, r.Options.Now); len(room.short())+len(room.HostPorts) > 0 {
		t.Fatalf("%q, and with every lower priority gone still %+v", c.Do, room)
	}
	if c.From != c.To || c.From != int(r.DaemonSets[i].Counts.Desired) {
		t.Fatalf("%+v", c)
	}
}

func boolTo(yes bool, v int64) int64 {
	if yes {
		return v
	}
	return 0
}

// checkNode holds a row of the node view against the verdicts.
func checkNode(t *rapid.T, r *Result, n *NodeCoverage) {
	if len(n.DaemonSets) != len(r.DaemonSets) || n.Summary.Nodes != len(r.DaemonSets) {
		t.Fatalf("%d of %d DaemonSets, %d counted", len(n.DaemonSets), len(r.DaemonSets), n.Summary.Nodes)
	}
	var cost NodeCost
	for i := range r.Snapshot.Pods {
		p := &r.Snapshot.Pods[i]
		own := p.Owner != nil && slices.ContainsFunc(r.DaemonSets, func(d DaemonSetResult) bool { return d.DaemonSet.UID == p.Owner.UID })
		if own && p.EffectiveNode() == n.Name && !p.Terminal() {
			cost.Pods++
			cost.MilliCPU += p.Requests.MilliCPU
			cost.Memory += p.Requests.Memory
		}
	}
	if n.Cost.Pods < cost.Pods || n.Cost.MilliCPU < cost.MilliCPU || n.Cost.Memory < cost.Memory {
		t.Fatalf("cost %+v, and the pods of the DaemonSets alone are %+v", n.Cost, cost)
	}
}
