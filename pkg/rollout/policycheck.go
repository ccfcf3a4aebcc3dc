package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Check returns every error of the policy at once, each naming its field as
// the file does.
func (p *Policy) Check() error {
	c := &checker{}
	c.pace(&p.Pace)
	c.selection(&p.Selection)
	c.timing(&p.Timing)
	c.failing(p)
	c.perNode(&p.PerNode)
	c.gates(p.Gates)
	return errors.Join(c.errs...)
}

type checker struct{ errs []error }

func (c *checker) fail(field, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("policy: "+field+": "+format, args...))
}

func (c *checker) pace(p *Pace) {
	if p.MaxUnavailable != nil {
		c.amount("maxUnavailable", *p.MaxUnavailable)
	}
	if p.MaxParallel < 0 {
		c.fail("maxParallel", "%d is negative", p.MaxParallel)
	}
	if v := p.MaxUnavailable; p.MaxParallel > 0 && v != nil && v.Type == intstr.Int && p.MaxParallel > v.IntVal {
		c.fail("maxParallel", "%d in flight at a time need maxUnavailable of at least as many, not %d", p.MaxParallel, v.IntVal)
	}
	for i, w := range p.Waves {
		field := fmt.Sprintf("waves[%d]", i)
		c.amount(field, w)
		if i > 0 && p.Waves[i-1].Type == w.Type && amountOf(p.Waves[i-1]) >= amountOf(w) {
			c.fail(field, "%s is not more than %s: waves are cumulative", w.String(), p.Waves[i-1].String())
		}
	}
	if !slices.Contains([]PauseAfter{"", PauseNone, PauseWave, PauseCanary, PauseNode}, p.PauseAfter) {
		c.fail("pauseAfter", "%q is not one of none, wave, canary, node", p.PauseAfter)
	}
}

// amount is a number from 1, or a percentage from 1% to 100%.
func (c *checker) amount(field string, v intstr.IntOrString) {
	if v.Type == intstr.Int {
		if v.IntVal < 1 {
			c.fail(field, "%d is less than 1: nothing would ever be replaced", v.IntVal)
		}
		return
	}
	switch n, err := percent(v.StrVal); {
	case err != nil:
		c.fail(field, "%v", err)
	case n < 1 || n > 100:
		c.fail(field, "%q is not between 1%% and 100%%", v.StrVal)
	}
}

func amountOf(v intstr.IntOrString) int {
	if v.Type == intstr.Int {
		return v.IntValue()
	}
	n, _ := percent(v.StrVal)
	return n
}

func percent(s string) (int, error) {
	digits, ok := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is neither a whole number nor a whole percentage", s)
	}
	return n, nil
}

func (c *checker) selection(s *Selection) {
	c.selector("canarySelector", s.CanarySelector)
	c.selector("nodeSelector", s.NodeSelector)
	if _, err := parseOrder(s.Order); err != nil {
		c.fail("order", "%v", err)
	}
	seen := map[string]bool{}
	for _, k := range s.CanarySpread {
		switch {
		case k == "":
			c.fail("canarySpread", "a key is empty")
		case seen[k]:
			c.fail("canarySpread", "%q is there twice", k)
		}
		seen[k] = true
	}
	c.names("nodes", s.Nodes)
	c.names("excludeNodes", s.ExcludeNodes)
	for _, n := range s.Nodes {
		if slices.Contains(s.ExcludeNodes, n) {
			c.fail("excludeNodes", "%q is in nodes, too", n)
		}
	}
	if len(s.Nodes) > 0 && s.NodeSelector != "" {
		c.fail("nodes", "it names nodes while nodeSelector selects them: use one of the two")
	}
}

func (c *checker) names(field string, names []string) {
	for i, n := range names {
		switch at := fmt.Sprintf("%s[%d]", field, i); {
		case n == "":
			c.fail(at, "a name is empty")
		case n != strings.TrimSpace(n):
			c.fail(at, "%q has spaces around it", n)
		case slices.Contains(names[:i], n):
			c.fail(at, "%q is there twice", n)
		}
	}
}

func (c *checker) selector(field, s string) {
	if _, err := labels.Parse(s); err != nil {
		c.fail(field, "%v", err)
	}
}

func (c *checker) timing(t *Timing) {
	if t.Soak != nil && t.Soak.Duration < 0 {
		c.fail("soak", "%s is negative", t.Soak.Duration)
	}
	if t.NodeTimeout != nil && t.NodeTimeout.Duration <= 0 {
		c.fail("nodeTimeout", "%s is not more than 0", t.NodeTimeout.Duration)
	}
	if t.Timeout != nil && t.Timeout.Duration <= 0 {
		c.fail("timeout", "%s is not more than 0", t.Timeout.Duration)
	}
	for i, w := range t.Windows {
		if _, err := ParseWindow(w); err != nil {
			c.fail(fmt.Sprintf("windows[%d]", i), "%v", err)
		}
	}
}

func (c *checker) failing(p *Policy) {
	if p.MaxFailures < 0 {
		c.fail("maxFailures", "%d is negative", p.MaxFailures)
	}
	if !slices.Contains([]OnFailure{"", FailPause, FailHold, FailUndo, FailAbort}, p.OnFailure) {
		c.fail("onFailure", "%q is not one of pause, hold, undo, abort", p.OnFailure)
	}
	if v := p.MaxUnavailable; p.MaxFailures > 0 && v != nil && v.Type == intstr.Int && p.MaxFailures >= v.IntVal {
		c.fail("maxFailures", "%d failed nodes fill maxUnavailable %d: the run could not go on after them", p.MaxFailures, v.IntVal)
	}
}

func (c *checker) perNode(p *PerNode) {
	if d := p.Drain; d != nil {
		c.selector("drain.podSelector", d.PodSelector)
		if d.Timeout != nil && d.Timeout.Duration < 0 {
			c.fail("drain.timeout", "%s is negative", d.Timeout.Duration)
		}
	}
	if w := p.WaitForJobs; w != nil {
		c.selector("waitForJobs.selector", w.Selector)
		if w.Selector == "" {
			c.fail("waitForJobs.selector", "is empty: it would wait for every pod of the node")
		}
		if w.Timeout != nil && w.Timeout.Duration < 0 {
			c.fail("waitForJobs.timeout", "%s is negative", w.Timeout.Duration)
		}
	}
}

func (c *checker) gates(gates []Gate) {
	seen := map[string]bool{}
	for i := range gates {
		g, field := &gates[i], fmt.Sprintf("gates[%d]", i)
		switch {
		case g.Name == "":
			c.fail(field+".name", "it is empty")
		case seen[g.Name]:
			c.fail(field+".name", "%q is there twice", g.Name)
		}
		seen[g.Name] = true
		c.gate(field, g)
		c.probe(field, g)
	}
}

func (c *checker) gate(field string, g *Gate) {
	if !slices.Contains([]When{BeforeWave, BeforeNode, AfterNode}, g.When) {
		c.fail(field+".when", "%q is not one of %s, %s, %s", g.When, BeforeWave, BeforeNode, AfterNode)
	}
	if n := g.probes(); n != 1 {
		c.fail(field, "%q has %d of exec, http, promql, cel, pods, daemonSet, builtin instead of one", g.Name, n)
	}
	if g.Timeout != nil && g.Timeout.Duration <= 0 || g.Interval != nil && g.Interval.Duration <= 0 {
		c.fail(field, "%q has a timeout or an interval that is not more than 0", g.Name)
	}
	if g.Retries < 0 {
		c.fail(field+".retries", "%d is negative", g.Retries)
	}

}

func (c *checker) probe(field string, g *Gate) {
	c.selector(field+".pods", g.Pods)
	if ns, name, ok := strings.Cut(g.DaemonSet, "/"); g.DaemonSet != "" && (!ok || ns == "" || name == "") {
		c.fail(field+".daemonSet", "%q is not namespace/name", g.DaemonSet)
	}
	if !slices.Contains([]BuiltinGate{"", GateCollateral, GateWarnings, GateConditions}, g.Builtin) {
		c.fail(field+".builtin", "%q is not one of collateral, events, conditions", g.Builtin)
	}
	if g.When == BeforeWave && (g.Pods != "" || g.DaemonSet != "" || g.Builtin != "") {
		c.fail(field+".when", "%q looks at one node, and before a wave there is none", g.Name)
	}

}

// probes counts what the gate looks at.
func (g *Gate) probes() int {
	n := 0
	for _, set := range []bool{len(g.Exec) > 0, g.HTTP != "", g.PromQL != nil, g.CEL != "", g.Pods != "", g.DaemonSet != "", g.Builtin != ""} {
		if set {
			n++
		}
	}
	return n
}
