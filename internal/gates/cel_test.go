package gates

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestExpressions(t *testing.T) {
	for _, tc := range []struct {
		expr    string
		outcome rollout.GateOutcome
		words   string
	}{
		{`node.metadata.labels.zone == "a"`, rollout.GatePass, `true: node.metadata.labels.zone == "a"`},
		{`node.status.conditions.exists(c, c.type == "Ready" && c.status == "True")`, rollout.GatePass, "true"},
		{`has(node.metadata.labels.gpu)`, rollout.GateFail, "false: has(node.metadata.labels.gpu)"},
		{`node.metadata.labels[?"gpu"].orValue("none") == "none"`, rollout.GatePass, "true"},
		{`pod.metadata.name == "vector-new" && pod.status.containerStatuses.all(c, c.restartCount == 0)`, rollout.GatePass, "true"},
		{`daemonSet.metadata.name == run.name && run.target.number == 8`, rollout.GatePass, "true"},
		{`daemonSet.metadata.namespace.startsWith("log")`, rollout.GatePass, "true"},
		{`run.target.hash.upperAscii() == "ABC"`, rollout.GatePass, "true"},
		{`node.metadata.nope.deep == 1`, rollout.GateError, "cannot look: evaluate: no such key: nope"},
		{`node.metadata.name`, rollout.GateError, "the expression gave string instead of a bool"},
		{`1 / 0 == 1`, rollout.GateError, "division by zero"},
	} {
		t.Run(tc.expr, func(t *testing.T) {
			w := newWorld()
			w.replace()
			r, err := New(celOf(tc.expr), w, Options{})
			if err != nil { // what never depends on an object is found at once
				check(t, Answer{rollout.GateError, err.Error()}, tc.outcome, tc.words)
				return
			}
			check(t, w.ask(t, r, rollout.AfterNode), tc.outcome, tc.words)
		})
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	for expr, words := range map[string]string{
		`node.metadata.name ==`: "Syntax error",
		`nodes.size() > 0`:      "undeclared reference to 'nodes'",
		`"text"`:                "the expression gives string; it must give a bool",
		`1 + 1`:                 "the expression gives int; it must give a bool",
		`true || ` + strings.Repeat("x", maxExpression): "longer than 16384 bytes",
	} {
		_, err := New(celOf(expr), newWorld(), Options{})
		if err == nil || !strings.HasPrefix(err.Error(), `gate "g": cel: `) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s: %v", expr, err)
		}
	}
	p := one(rollout.Gate{When: rollout.BeforeWave, Probe: rollout.Probe{CEL: `node.metadata.name == "x"`}})
	if _, err := New(p, newWorld(), Options{}); err == nil || !strings.Contains(err.Error(), "before a wave there is none") {
		t.Error(err)
	}
	p.Gates[0].CEL = `run.target.number == 8`
	w := newWorld()
	check(t, w.ask(t, newRunner(t, p, w, Options{}), rollout.BeforeWave), rollout.GatePass, "true")
}

// loops is an expression of 10^n steps.
func loops(n int) string {
	list := "[" + strings.TrimSuffix(strings.Repeat("run.target.number,", 10), ",") + "]"
	expr := "true"
	for i := range n {
		v := string(rune('a' + i))
		expr = list + ".all(" + v + ", " + v + " == 8 && " + expr + ")"
	}
	return expr
}

func TestTheCostOfAnExpressionIsBounded(t *testing.T) {
	w := newWorld()
	check(t, w.ask(t, newRunner(t, celOf(loops(2)), w, Options{}), rollout.AfterNode), rollout.GatePass, "true")
	start := time.Now()
	check(t, w.ask(t, newRunner(t, celOf(loops(9)), w, Options{}), rollout.AfterNode), rollout.GateError, "cost limit exceeded")
	if took := time.Since(start); took > 15*time.Second { // 10^9 steps would take minutes
		t.Errorf("took %s", took)
	}
}

func TestAnExpressionIsInterrupted(t *testing.T) {
	w := newWorld()
	r := newRunner(t, celOf(loops(3)), w, Options{}) // well within its cost
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "true")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want := Answer{rollout.GateError, "interrupted before it answered"}
	if got := r.Ask(ctx, w.question(rollout.AfterNode)); got != want {
		t.Errorf("%+v", got)
	}
}

func TestOnlyWhatAnExpressionUsesIsRead(t *testing.T) {
	w := newWorld()
	w.refuse = "pods"
	check(t, w.ask(t, newRunner(t, celOf(`node.metadata.name == "n1"`), w, Options{}), rollout.AfterNode), rollout.GatePass, "true")
	if len(w.reads) > 0 {
		t.Error(w.reads)
	}
	check(t, w.ask(t, newRunner(t, celOf(`pod.metadata.name == "vector-old"`), w, Options{}), rollout.AfterNode), rollout.GateError, "list pods: forbidden")
	if !slices.Equal(w.reads, []string{"list pods"}) {
		t.Error(w.reads)
	}
}

func TestAPodThatIsNotThereIsNull(t *testing.T) {
	w := newWorld()
	w.remove("vector-old")
	check(t, w.ask(t, newRunner(t, celOf(`pod == null`), w, Options{}), rollout.AfterNode), rollout.GatePass, "true")
}
