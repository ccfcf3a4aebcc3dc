package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// pairWorld builds the snapshots of the tests of explanations and node views.
type pairWorld struct {
	snapshot.Snapshot
	interner snapshot.Interner
	opts     Options
}

var pairNow = time.Date(2026, 11, 23, 8, 12, 4, 0, time.UTC)

func newPairWorld() *pairWorld {
	w := &pairWorld{opts: Options{Now: pairNow, Grace: 5 * time.Minute}}
	w.AllPods, w.Source.From = true, "capture.json"
	return w
}

func (w *pairWorld) analyze() *Result {
	w.Sort()
	return Analyze(&w.Snapshot, w.opts)
}

func ago(d time.Duration) metav1.Time { return metav1.NewTime(pairNow.Add(-d)) }

// node adds a node; labels are key=value, taints key=value:Effect.
func (w *pairWorld) node(name string, labels []string, taints ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(41 * 24 * time.Hour), Labels: map[string]string{}}}
	for _, l := range labels {
		k, v, _ := strings.Cut(l, "=")
		n.Labels[k] = v
	}
	for _, t := range taints {
		n.Spec.Taints = append(n.Spec.Taints, taintNamed(t))
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: ago(24 * time.Hour)}}
	n.Status.Allocatable = amounts("cpu", "4", "memory", "8Gi", "pods", "29")
	w.Nodes = append(w.Nodes, n)
	return n
}

func taintNamed(s string) corev1.Taint {
	i := strings.LastIndex(s, ":")
	k, v, _ := strings.Cut(s[:i], "=")
	return corev1.Taint{Key: k, Value: v, Effect: corev1.TaintEffect(s[i+1:])}
}

func amounts(pairs ...string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		out[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return out
}

// set adds a DaemonSet with its current revision, hash "new".
func (w *pairWorld) set(namespace, name string, change ...func(*corev1.PodSpec)) *appsv1.DaemonSet {
	uid := types.UID(namespace + "/" + name)
	labels := map[string]string{"app": name}
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: uid}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "agent"}}
	for _, c := range change {
		c(&d.Spec.Template.Spec)
	}
	w.DaemonSets = append(w.DaemonSets, d)
	yes := true
	w.Revisions = append(w.Revisions, &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name + "-new", Labels: map[string]string{hashLabel: "new"}, CreationTimestamp: ago(24 * time.Hour),
			OwnerReferences: []metav1.OwnerReference{{Kind: "DaemonSet", Name: name, UID: uid, Controller: &yes}},
		}, Revision: 2,
	})
	return d
}

func asksOf(pairs ...string) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) { s.Containers[0].Resources.Requests = amounts(pairs...) }
}

func selects(key, value string) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) {
		if s.NodeSelector == nil {
			s.NodeSelector = map[string]string{}
		}
		s.NodeSelector[key] = value
	}
}

func tolerates(ts ...corev1.Toleration) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) { s.Tolerations = append(s.Tolerations, ts...) }
}

func exists(key string) corev1.Toleration {
	return corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists}
}

// requires adds terms of the required node affinity.
func requires(terms ...corev1.NodeSelectorTerm) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}
	}
}

// term makes a term of KEY OPERATOR VALUE,... each.
func termOfWords(requirements ...string) corev1.NodeSelectorTerm {
	var t corev1.NodeSelectorTerm
	for _, r := range requirements {
		f := strings.Fields(r)
		q := corev1.NodeSelectorRequirement{Key: f[0], Operator: corev1.NodeSelectorOperator(f[1])}
		if len(f) > 2 {
			q.Values = strings.Split(f[2], ",")
		}
		t.MatchExpressions = append(t.MatchExpressions, q)
	}
	return t
}

// pod adds a pod of d that runs on the node, current and ready for a day.
func (w *pairWorld) pod(d *appsv1.DaemonSet, node string, change ...func(*corev1.Pod)) *corev1.Pod {
	yes := true
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: d.Namespace, Name: d.Name + "-" + node, CreationTimestamp: ago(24 * time.Hour),
		Labels:          map[string]string{"app": d.Name, hashLabel: "new"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "DaemonSet", Name: d.Name, UID: d.UID, Controller: &yes}},
	}, Spec: *d.Spec.Template.Spec.DeepCopy()}
	p.Spec.NodeName = node
	p.Spec.Affinity = nil
	p.Spec.Tolerations, _ = eligibility.Tolerations(&d.Spec.Template.Spec) // as the controller does
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: ago(23 * time.Hour)}}
	return w.addPod(p, change...)
}

func (w *pairWorld) addPod(p *corev1.Pod, change ...func(*corev1.Pod)) *corev1.Pod {
	for _, c := range change {
		c(p)
	}
	if p.UID == "" {
		p.UID = types.UID(fmt.Sprintf("pod-%d", len(w.Pods)))
	}
	w.Pods = append(w.Pods, w.interner.Pod(p))
	return p
}

// other adds a pod of something else: owner kind, cpu and memory.
func (w *pairWorld) other(namespace, name, node, kind, cpu, memory string) {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if kind != "" {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: "x", UID: types.UID(kind + name), Controller: &yes}}
	}
	p.Spec.NodeName = node
	p.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{Requests: amounts("cpu", cpu, "memory", memory)}}}
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	w.addPod(p)
}

// pending makes a pod wait for its node, with the scheduler's word.
func pending(words string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		node := p.Spec.NodeName
		p.Spec.NodeName = ""
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{node}}}}}}}}
		p.Status.Phase = corev1.PodPending
		p.Status.Conditions = nil
		if words != "" {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
				Reason: corev1.PodReasonUnschedulable, Message: words, LastTransitionTime: ago(9 * time.Hour)}}
		}
	}
}

func named(name string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Name = name } }

func (w *pairWorld) event(namespace, kind, name, reason, message string, before time.Duration) {
	w.Events = append(w.Events, snapshot.Event{
		Namespace: namespace, Kind: kind, Name: name, Reason: reason, Message: message, Count: 1,
		Last: snapshot.Time(pairNow.Add(-before).Unix()),
	})
}

// explained explains one pair, and fails the test if it cannot be.
func explained(t testing.TB, r *Result, namespace, name, node string) *Explanation {
	t.Helper()
	at := r.Find(namespace, name)
	if len(at) != 1 {
		t.Fatalf("Find(%q, %q) = %v", namespace, name, at)
	}
	e, err := r.ExplainPair(at[0], node)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ruleText is an explanation as lines: number|rule|operands|result.
func ruleText(e *Explanation) string {
	var out []string
	for _, l := range e.Rules {
		number := ""
		if l.Number > 0 {
			number = fmt.Sprint(l.Number)
		}
		out = append(out, strings.Join([]string{number, l.Rule, l.Operands, l.Result}, "|"))
	}
	return strings.Join(out, "\n")
}

func changeText(e *Explanation) string {
	var out []string
	for _, c := range e.Changes {
		out = append(out, fmt.Sprintf("%s|%s|%d -> %d", c.Where, c.Do, c.From, c.To))
	}
	return strings.Join(out, "\n")
}

// lineOf returns the first line of a rule.
func lineOf(e *Explanation, rule string) RuleLine {
	i := slices.IndexFunc(e.Rules, func(l RuleLine) bool { return l.Rule == rule })
	if i < 0 {
		return RuleLine{}
	}
	return e.Rules[i]
}

func lines(s ...string) string { return strings.Join(s, "\n") }
