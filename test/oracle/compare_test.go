package oracle

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/controller/daemon"
	daemonutil "k8s.io/kubernetes/pkg/controller/daemon/util"
	"k8s.io/kubernetes/pkg/features"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/test/oracle/pairs"
)

// setGate turns the comparison operators of tolerations on or off, for the
// whole process as the controller reads it. The caller puts it back to off.
func setGate(t testing.TB, on bool) {
	t.Helper()
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(map[string]bool{string(features.TaintTolerationComparisonOperators): on}); err != nil {
		t.Fatal(err)
	}
}

// upstream asks kubernetes. The gate must be set to what is asked.
func upstream(p pairs.Pair) eligibility.Answer {
	run, stay := daemon.NodeShouldRunDaemonPod(logr.Discard(), p.Node, p.DaemonSet)
	return eligibility.Answer{ShouldRun: run, ShouldContinue: stay}
}

// compare asks both and says where they differ, or where our own explanation
// does not give our own answer.
func compare(p pairs.Pair, rules *eligibility.Rules, gate bool, transient eligibility.Transient) (eligibility.Answer, error) {
	want, got := upstream(p), rules.Evaluate(p.Node, gate)
	if got != want {
		return want, fmt.Errorf("gate %t: eligibility says %+v, the controller says %+v", gate, got, want)
	}
	if err := consistent(p.Node, rules, gate, transient, got); err != nil {
		return want, fmt.Errorf("gate %t: %w", gate, err)
	}
	return want, nil
}

// consistent holds every other way to ask against the answer.
func consistent(node *corev1.Node, rules *eligibility.Rules, gate bool, transient eligibility.Transient, answer eligibility.Answer) error {
	e := rules.Explain(node, gate, transient)
	if err := termsConsistent(&e); err != nil {
		return err
	}
	selected := e.NodeNameOK && e.SelectorOK() && e.AffinityOK
	mayFlip := rules.GateDependent() && slices.ContainsFunc(e.Taints, func(t eligibility.TaintResult) bool { return t.GateDependent })
	for _, rule := range []struct {
		name  string
		holds bool
	}{
		{"the explanation gives the answer", e.Answer == answer},
		{"the parts of the explanation give the answer", rebuild(&e, selected) == answer},
		{"Selects is all but taints", rules.Selects(node) == selected},
		{"a selected node has no failing requirement", !selected || len(e.Failing()) == 0},
		{"steady is exact where nothing is transient", rules.Steady(node, gate, eligibility.Transient{}) == answer.ShouldRun &&
			rules.Steady(node, gate, nil) == answer.ShouldRun},
		{"steady passes over classes, and only those", rules.Steady(node, gate, transient) == (selected && onlyTransient(&e))},
		{"a pod that should start may stay", !answer.ShouldRun || answer.ShouldContinue},
		{"an answer that the gate changes is marked", mayFlip || rules.Evaluate(node, !gate) == answer},
	} {
		if !rule.holds {
			return fmt.Errorf("%s: this does not hold for the answer %+v and the explanation %+v", rule.name, answer, e)
		}
	}
	return nil
}

// rebuild makes the answer anew from the parts of an explanation.
func rebuild(e *eligibility.Explanation, selected bool) eligibility.Answer {
	a := eligibility.Answer{ShouldRun: selected, ShouldContinue: selected}
	for _, t := range e.Untolerated() {
		a.ShouldRun = false
		if t.Taint.Effect == corev1.TaintEffectNoExecute {
			a.ShouldContinue = false
		}
	}
	return a
}

func onlyTransient(e *eligibility.Explanation) bool {
	return !slices.ContainsFunc(e.Untolerated(), func(t eligibility.TaintResult) bool { return t.Class == "" })
}

// termsConsistent holds each term against its requirements, and the affinity
// against its terms.
func termsConsistent(e *eligibility.Explanation) error {
	some := false
	for _, t := range e.Terms {
		some = some || t.OK
		if holds := !t.Empty && !t.Broken && len(t.Failing()) == 0; holds != t.OK {
			return fmt.Errorf("a term says %t and its requirements say %t: %+v", t.OK, holds, t)
		}
		if wrong := slices.ContainsFunc(t.Requirements, func(r eligibility.RequirementResult) bool { return r.Err != "" }); wrong != t.Broken {
			return fmt.Errorf("a term says broken %t and its requirements say %t: %+v", t.Broken, wrong, t)
		}
	}
	if e.AffinityOK != (!e.Affinity || some) {
		return fmt.Errorf("affinity is %t, and its terms do not say so", e.AffinityOK)
	}
	return nil
}

// unchanged asks once more, and says whether a question changed what it was
// asked about, and whether the pod's tolerations are those of the controller.
func unchanged(p pairs.Pair, gate bool, transient eligibility.Transient) error {
	ds, node := p.DaemonSet.DeepCopy(), p.Node.DeepCopy()
	rules := eligibility.Compile(&p.DaemonSet.Spec.Template.Spec)
	got, _ := eligibility.Tolerations(&p.DaemonSet.Spec.Template.Spec)
	rules.Explain(p.Node, gate, transient)
	rules.Evaluate(p.Node, gate)
	rules.Steady(p.Node, gate, transient)
	if !reflect.DeepEqual(ds, p.DaemonSet) || !reflect.DeepEqual(node, p.Node) {
		return errors.New("asking has changed the DaemonSet or the node")
	}
	daemonutil.AddOrUpdateDaemonPodTolerations(&ds.Spec.Template.Spec)
	if want := ds.Spec.Template.Spec.Tolerations; !equality.Semantic.DeepEqual(want, got) {
		return fmt.Errorf("a pod gets the tolerations\n%+v, the controller gives it\n%+v", got, want)
	}
	return nil
}

// report prints a pair that failed, and the bytes to keep it by.
func report(t testing.TB, p pairs.Pair, err error) {
	t.Helper()
	data, encodeErr := pairs.Encode(p)
	if encodeErr != nil {
		t.Error(encodeErr)
	}
	t.Errorf("%v\ntemplate:\n%s\nnode:\n%s\ntaints:\n%s\nseed for %s:\n%s", err,
		show(p.DaemonSet.Spec.Template.Spec), show(p.Node.ObjectMeta), show(p.Node.Spec.Taints), corpus, corpusEntry(data))
}

// show prints YAML, and Go where a text is no UTF-8 and YAML cannot.
func show(v any) string {
	if out, err := yaml.Marshal(v); err == nil {
		return string(out)
	}
	return fmt.Sprintf("%+v", v)
}
