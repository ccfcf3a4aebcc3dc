package oracle

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/test/oracle/pairs"
)

// Environment variables that repeat a run, or make it longer.
const (
	seedVar  = "ORACLE_SEED"  // the seed that a run printed
	pairsVar = "ORACLE_PAIRS" // how many pairs
	soakVar  = "KUBECTL_DS_SOAK"
)

// Every node is asked about once. More nodes a DaemonSet would be cheaper, as
// its rules are compiled once, and would see fewer rules.
const nodesPerDaemonSet = 8

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestRandomPairsGetTheControllersAnswer asks kubernetes and us about random
// pairs, each with the feature gate for comparison operators off and on.
func TestRandomPairsGetTheControllersAnswer(t *testing.T) {
	seed := number(t, seedVar, uint64(time.Now().UnixNano()))
	usual := uint64(240_000)
	switch {
	case testing.Short():
		usual = 24_000
	case os.Getenv(soakVar) == "1":
		usual = 5_000_000
	}
	want := number(t, pairsVar, usual)
	t.Logf("repeat with %s=%d %s=%d", seedVar, seed, pairsVar, want)
	t.Cleanup(func() { setGate(t, false) })
	transient, err := eligibility.NewTransient([]string{"gpu*"})
	if err != nil {
		t.Fatal(err)
	}
	for _, gate := range []bool{false, true} {
		setGate(t, gate)
		// The same pairs both times, so that what the gate flips can be seen.
		r := rand.New(rand.NewPCG(seed, 0))
		answers, flips := map[eligibility.Answer]int{}, 0
		asked := uint64(0)
		for asked < want {
			ds := pairs.RandomDaemonSet(r)
			rules := eligibility.Compile(&ds.Spec.Template.Spec)
			for i := range nodesPerDaemonSet {
				p := pairs.Pair{DaemonSet: ds, Node: pairs.RandomNode(r)}
				answer, err := compare(p, rules, gate, transient)
				if err == nil && i == 0 {
					err = unchanged(p, gate, transient)
				}
				if err != nil {
					report(t, p, err)
				}
				answers[answer]++
				if rules.Evaluate(p.Node, !gate) != answer {
					flips++
				}
				asked++
			}
			if t.Failed() {
				t.FailNow()
			}
		}
		// A generator that drifts to one answer proves nothing.
		for _, a := range []eligibility.Answer{{ShouldRun: true, ShouldContinue: true}, {ShouldContinue: true}, {}} {
			share := 100 * float64(answers[a]) / float64(asked)
			t.Logf("gate %t: %+v for %.1f%% of %d pairs", gate, a, share, asked)
			if share < 10 {
				t.Errorf("gate %t: only %.1f%% of the pairs have the answer %+v, at least 10%% should", gate, share, a)
			}
		}
		t.Logf("gate %t: the gate changes %d answers", gate, flips)
		if flips < int(asked/100) {
			t.Errorf("gate %t: the gate changes only %d of %d answers, at least 1%% should", gate, flips, asked)
		}
	}
}

// TestKnownCasesHaveTheirKnownAnswers holds the named cases against
// kubernetes and us, and writes down what the answer is.
func TestKnownCasesHaveTheirKnownAnswers(t *testing.T) {
	transient, err := eligibility.NewTransient(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range pairs.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Cleanup(func() { setGate(t, false) })
			for _, gate := range []bool{false, true} {
				setGate(t, gate)
				p := c.Pair()
				got, err := compare(p, eligibility.Compile(&p.DaemonSet.Spec.Template.Spec), gate, transient)
				if err == nil {
					err = unchanged(p, gate, transient)
				}
				if err != nil {
					report(t, p, err)
				}
				want := eligibility.Answer{ShouldRun: c.Run, ShouldContinue: c.Stay}
				if c.Flips && gate {
					want = eligibility.Answer{ShouldRun: true, ShouldContinue: true}
				}
				if got != want {
					t.Errorf("gate %t: the controller says %+v, the case says %+v", gate, got, want)
				}
			}
		})
	}
}

// TestTemplateMayChangeAfterCompile holds the promise that rules keep nothing
// of the template.
func TestTemplateMayChangeAfterCompile(t *testing.T) {
	r := rand.New(rand.NewPCG(number(t, seedVar, 1), 1))
	for range 2_000 {
		ds := pairs.RandomDaemonSet(r)
		spec := &ds.Spec.Template.Spec
		rules := eligibility.Compile(spec)
		nodes := []*corev1.Node{pairs.RandomNode(r), pairs.RandomNode(r), pairs.RandomNode(r)}
		var before []eligibility.Answer
		for _, n := range nodes {
			before = append(before, rules.Evaluate(n, true))
		}
		scramble(spec)
		for i, n := range nodes {
			if after := rules.Evaluate(n, true); after != before[i] {
				t.Fatalf("%+v became %+v when the template changed after Compile", before[i], after)
			}
		}
	}
}

// scramble overwrites whatever a template holds by reference.
func scramble(s *corev1.PodSpec) {
	for i := range s.Tolerations {
		s.Tolerations[i] = corev1.Toleration{Operator: corev1.TolerationOpExists}
	}
	for k := range s.NodeSelector {
		s.NodeSelector[k] = "scrambled"
	}
	if s.Affinity == nil || s.Affinity.NodeAffinity == nil || s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return
	}
	terms := s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		for _, rs := range [][]corev1.NodeSelectorRequirement{terms[i].MatchExpressions, terms[i].MatchFields} {
			for j := range rs {
				for k := range rs[j].Values {
					rs[j].Values[k] = "scrambled"
				}
				rs[j].Operator = corev1.NodeSelectorOpNotIn
			}
		}
	}
}
