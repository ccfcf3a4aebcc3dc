package rollout

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// gateFlags are gates, and when they are asked. What differs from gate to gate
// stands in a policy file.
type gateFlags struct {
	builtin       []string
	pods          []string
	daemonSets    []string
	exec          []string
	http          []string
	promql        []string
	prometheusURL string
	cel           []string
	when          []string
	timeout       time.Duration
	retries       int32
	interval      time.Duration
}

// noGate among the words of --gate is none of the built-in ones.
const noGate = "none"

var (
	builtinGates = []string{string(rollout.GateCollateral), string(rollout.GateWarnings), string(rollout.GateConditions)}
	// moments as flags name them: words of a policy file are in camel case.
	moments = map[string]rollout.When{"before-wave": rollout.BeforeWave, "before-node": rollout.BeforeNode, "after-node": rollout.AfterNode}
	whens   = []string{"before-wave", "before-node", "after-node"}
)

func (g *gateFlags) add(fs *pflag.FlagSet) {
	fs.StringSliceVar(&g.builtin, "gate", builtinGates, "Built-in gates after each node: collateral (no other pod of the node got worse), events (no new Warning event of pod or node), conditions (no condition of the node got worse); or none. A policy file that names built-in gates, or has an empty list of gates, goes before the default.")
	fs.StringArrayVar(&g.pods, "gate-pods", nil, "Gate: the pods of the node with these labels (label query) are ready; may be repeated.")
	fs.StringArrayVar(&g.daemonSets, "gate-daemonset", nil, "Gate: the pod of the DaemonSet NAMESPACE/NAME on the node is available; may be repeated.")
	fs.StringArrayVar(&g.exec, "gate-exec", nil, "Gate: this command, run here and without a shell, ends with 0; may be repeated. Words are parted at blanks, quotes hold them together.")
	fs.StringArrayVar(&g.http, "gate-http", nil, "Gate: a GET of this URL is answered with 2xx; may be repeated.")
	fs.StringArrayVar(&g.promql, "gate-promql", nil, "Gate: this query returns something, at --prometheus-url; may be repeated.")
	fs.StringVar(&g.prometheusURL, "prometheus-url", "", "URL of the Prometheus that --gate-promql asks.")
	fs.StringArrayVar(&g.cel, "gate-cel", nil, "Gate: this CEL expression over node, pod, daemonSet and run is true; may be repeated.")
	fs.StringSliceVar(&g.when, "gate-when", []string{"after-node"}, "When the gates of these flags are asked: before-wave, before-node, after-node. Built-in gates are asked after a node.")
	fs.DurationVar(&g.timeout, "gate-timeout", rollout.DefaultGateTimeout, "How long one attempt of a gate of these flags may take.")
	fs.Int32Var(&g.retries, "gate-retries", 0, "How often a gate of these flags that fails is asked again.")
	fs.DurationVar(&g.interval, "gate-interval", rollout.DefaultGateInterval, "How long between two attempts of a gate of these flags.")
}

func (g *gateFlags) apply(fs *pflag.FlagSet, p *rollout.Policy) error {
	switch {
	case g.timeout <= 0:
		return cli.Usagef("--gate-timeout: %s is not more than 0", g.timeout)
	case g.interval <= 0:
		return cli.Usagef("--gate-interval: %s is not more than 0", g.interval)
	case g.retries < 0:
		return cli.Usagef("--gate-retries: %d is negative", g.retries)
	}
	if err := g.applyBuiltin(fs, p); err != nil {
		return err
	}
	probes, err := g.probes()
	if err != nil {
		return err
	}
	if len(g.when) == 0 {
		return cli.Usagef("--gate-when takes %s", strings.Join(whens, ", "))
	}
	for _, when := range g.when {
		if err := oneOf("gate-when", when, whens); err != nil {
			return err
		}
		for _, probe := range probes {
			name := probe.kind
			if when != "after-node" {
				name += "-" + when
			}
			p.Gates = append(p.Gates, g.timed(fs, rollout.Gate{Name: freeName(p, name), When: moments[when], Probe: probe.Probe}))
		}
	}
	if fs.Changed("gate-when") && len(probes) == 0 {
		return cli.Usagef("--gate-when is about gates of flags: add one, such as --gate-exec; built-in gates are asked after a node, those of a file when it says")
	}
	return checkURLs(p)
}

// applyBuiltin puts the built-in gates first: they cost nothing.
func (g *gateFlags) applyBuiltin(fs *pflag.FlagSet, p *rollout.Policy) error {
	has := func(gate rollout.Gate) bool { return gate.Builtin != "" }
	switch {
	case fs.Changed("gate"):
		p.Gates = slices.DeleteFunc(p.Gates, has)
	case slices.ContainsFunc(p.Gates, has), p.Gates != nil && len(p.Gates) == 0:
		return nil // the file decides
	}
	var first []rollout.Gate
	for _, w := range g.builtin {
		if w == noGate && len(g.builtin) == 1 {
			break
		}
		if err := oneOf("gate", w, append(slices.Clone(builtinGates), noGate)); err != nil {
			return err
		}
		if w == noGate {
			return cli.Usagef("--gate none goes with no other gate")
		}
		gate := rollout.Gate{Name: freeName(p, w), When: rollout.AfterNode, Probe: rollout.Probe{Builtin: rollout.BuiltinGate(w)}}
		if slices.ContainsFunc(first, func(f rollout.Gate) bool { return f.Builtin == gate.Builtin }) {
			return cli.Usagef("--gate: %q is there twice", w)
		}
		first = append(first, g.timed(fs, gate))
	}
	p.Gates = append(first, p.Gates...)
	return nil
}

func (g *gateFlags) timed(fs *pflag.FlagSet, gate rollout.Gate) rollout.Gate {
	if fs.Changed("gate-timeout") {
		gate.Timeout = &metav1.Duration{Duration: g.timeout}
	}
	if fs.Changed("gate-interval") {
		gate.Interval = &metav1.Duration{Duration: g.interval}
	}
	gate.Retries = g.retries
	return gate
}

type kindOfProbe struct {
	kind string
	rollout.Probe
}

// probes are what the flags look at, in a fixed order.
func (g *gateFlags) probes() ([]kindOfProbe, error) {
	var out []kindOfProbe
	each := func(flag string, values []string, make func(string) (rollout.Probe, error)) error {
		for _, v := range values {
			if strings.TrimSpace(v) == "" {
				return cli.Usagef("--gate-%s takes what to look at, not an empty word", flag)
			}
			p, err := make(v)
			if err != nil {
				return cli.Usagef("--gate-%s %q: %w", flag, v, err)
			}
			out = append(out, kindOfProbe{flag, p})
		}
		return nil
	}
	if (len(g.promql) > 0) != (g.prometheusURL != "") {
		return nil, cli.Usagef("--gate-promql and --prometheus-url go together: one is the query, the other whom to ask")
	}
	for _, k := range []struct {
		flag   string
		values []string
		make   func(string) (rollout.Probe, error)
	}{
		{"pods", g.pods, func(v string) (rollout.Probe, error) { return rollout.Probe{Pods: v}, nil }},
		{"daemonset", g.daemonSets, func(v string) (rollout.Probe, error) { return rollout.Probe{DaemonSet: v}, nil }},
		{"exec", g.exec, func(v string) (rollout.Probe, error) {
			words, err := commandWords(v)
			return rollout.Probe{Exec: words}, err
		}},
		{"http", g.http, func(v string) (rollout.Probe, error) { return rollout.Probe{HTTP: v}, nil }},
		{"promql", g.promql, func(v string) (rollout.Probe, error) {
			return rollout.Probe{PromQL: &rollout.PromQL{URL: g.prometheusURL, Query: v}}, nil
		}},
		{"cel", g.cel, func(v string) (rollout.Probe, error) { return rollout.Probe{CEL: v}, nil }},
	} {
		if err := each(k.flag, k.values, k.make); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// freeName is a name that no gate of p has yet: exec, exec-2 ...
func freeName(p *rollout.Policy, name string) string {
	taken := func(s string) bool {
		return slices.ContainsFunc(p.Gates, func(g rollout.Gate) bool { return g.Name == s })
	}
	out := name
	for i := 2; taken(out); i++ {
		out = fmt.Sprintf("%s-%d", name, i)
	}
	return out
}

// checkURLs refuses URLs that cannot be asked.
func checkURLs(p *rollout.Policy) error {
	for i := range p.Gates {
		g := &p.Gates[i]
		for _, s := range []string{g.HTTP, promURL(g)} {
			u, err := url.Parse(s)
			if s != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
				return cli.Usagef("gate %s: %q is not a URL such as https://host/path", g.Name, s)
			}
		}
		if g.PromQL != nil && (g.PromQL.URL == "" || strings.TrimSpace(g.PromQL.Query) == "") {
			return cli.Usagef("gate %s: promql needs a url and a query", g.Name)
		}
	}
	return nil
}

func promURL(g *rollout.Gate) string {
	if g.PromQL == nil {
		return ""
	}
	return g.PromQL.URL
}
