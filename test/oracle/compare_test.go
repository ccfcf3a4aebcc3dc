package oracle

import (
	"errors"
	"fmt"
	"reflect"
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
	selected := e.NodeNameOK && e.SelectorOK() && e.AffinityOK
	rebuilt := eligibility.Answer{ShouldRun: selected, ShouldContinue: selected}
	onlyTransient, gateDependent := selected, false
	for _, t := range e.Taints {
		gateDependent = gateDependent || t.GateDependent
	}
	for _, t := range e.Untolerated() {
		rebuilt.ShouldRun = false
		if t.Taint.Effect == corev1.TaintEffectNoExecute {
			rebuilt.ShouldContinue = false
		}
		onlyTransient = onlyTransient && t.Class != ""
	}
	anyTerm := false
	for _, t := range e.Terms {
		anyTerm = anyTerm || t.OK
		// A node without a name has no fields, and the rule is of the term.
		if holds := !t.Empty && !t.Broken && len(t.Failing()) == 0; holds != t.OK {
			return fmt.Errorf("a term says %t and its requirements say %t: %+v", t.OK, holds, t)
		}
		for _, r := range t.Requirements {
			if r.Err != "" && !t.Broken {
				return fmt.Errorf("a requirement of a sound term has the error %q", r.Err)
			}
		}
	}
	other := rules.Evaluate(node, !gate)
	switch {
	case e.Answer != answer:
		return fmt.Errorf("the explanation answers %+v instead of %+v", e.Answer, answer)
	case rebuilt != answer:
		return fmt.Errorf("the parts of the explanation give %+v instead of %+v", rebuilt, answer)
	case e.AffinityOK != (!e.Affinity || anyTerm):
		return fmt.Errorf("affinity is %t, and its terms do not say so", e.AffinityOK)
	case rules.Selects(node) != selected:
		return fmt.Errorf("Selects is %t, the parts beside taints say %t", !selected, selected)
	case rules.Steady(node, gate, eligibility.Transient{}) != answer.ShouldRun, rules.Steady(node, gate, nil) != answer.ShouldRun:
		return errors.New("with no transient taints the steady answer differs from the exact one")
	case rules.Steady(node, gate, transient) != onlyTransient:
		return fmt.Errorf("the steady answer is %t, the classes of the taints say %t", !onlyTransient, onlyTransient)
	case other != answer && !(rules.GateDependent() && gateDependent):
		return fmt.Errorf("the gate changes the answer to %+v, and nothing says that it may", other)
	case answer.ShouldRun && !answer.ShouldContinue:
		return errors.New("a pod should start and may not stay")
	case selected && len(e.Failing()) > 0:
		return fmt.Errorf("the node is selected, and %d requirements fail", len(e.Failing()))
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
