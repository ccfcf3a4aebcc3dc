package rollout

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Words of flags that take one of a few.
var (
	pausePlaces = []string{string(rollout.PauseNone), string(rollout.PauseWave), string(rollout.PauseCanary), string(rollout.PauseNode)}
	failureEnds = []string{string(rollout.FailPause), string(rollout.FailHold), string(rollout.FailUndo), string(rollout.FailAbort)}
	orderKeys   = []string{"zone", "age", "name", "fewest-pods", "label="}
	spreadKeys  = []string{"zone", "arch"}
)

func (f *policyFlags) addPace() {
	f.text("max-unavailable", "1", "Ceiling: how many of the nodes that should run the DaemonSet, selected or not, may be without an available pod or not yet proven: a number, or a percentage of them, rounded up. Nodes that are down before count.",
		func(p *rollout.Policy, s string) error {
			v, err := amount("max-unavailable", s)
			p.MaxUnavailable = &v
			return err
		})
	f.number("max-parallel", "How many nodes may be in flight. 0 means as many as --max-unavailable.",
		func(p *rollout.Policy) *int32 { return &p.MaxParallel })
	f.list("waves", nil, "Waves, as numbers or percentages of the nodes to update: cumulative and rounded up, as in 3,5%,25%,100%. The default is one node for each architecture, then 100%.",
		func(p *rollout.Policy, words []string) error {
			p.Waves = make([]intstr.IntOrString, 0, len(words))
			for _, w := range words {
				v, err := amount("waves", w)
				if err != nil {
					return err
				}
				p.Waves = append(p.Waves, v)
			}
			return nil
		})
	f.text("pause-after", "", "Where to wait for approve: none, wave, canary (the first wave) or node. The default is canary where more than 20 nodes are updated and a terminal can be asked, else none.",
		func(p *rollout.Policy, s string) error {
			p.PauseAfter = rollout.PauseAfter(s)
			return oneOf("pause-after", s, pausePlaces)
		})
}

func oneOf(flag, s string, words []string) error {
	if slices.Contains(words, s) {
		return nil
	}
	return cli.Usagef("--%s takes %s, not %q%s", flag, strings.Join(words, ", "), s, cli.DidYouMean(s, words))
}

func (f *policyFlags) addSelection() {
	f.text("canary-selector", "", "Selector (label query) for nodes: the first wave comes from these.",
		func(p *rollout.Policy, s string) error { p.CanarySelector = s; return nil })
	f.list("canary-spread", spreadKeys, "What the nodes of the first wave differ in: zone, arch or label keys.",
		func(p *rollout.Policy, words []string) error { p.CanarySpread = words; return nil })
	f.list("order", []string{"name"}, "Order of the nodes, by zone, age (the oldest first), name, fewest-pods or label=KEY; a - before a key turns it round, as in zone,-age. The node of this process and those of the control plane come last.",
		func(p *rollout.Policy, words []string) error { p.Order = words; return nil })
	zone := f.fs.Bool("one-zone-at-a-time", false, "Finish one zone before the next begins. On where --order begins with zone.")
	f.bind("one-zone-at-a-time", func(p *rollout.Policy) error { v := *zone; p.OneZoneAtATime = &v; return nil })
	f.text("node-selector", "", "Selector (label query) for nodes: only their pods are replaced.",
		func(p *rollout.Policy, s string) error { p.NodeSelector = s; return nil })
	f.list("nodes", nil, "Only the pods of these nodes are replaced.",
		func(p *rollout.Policy, words []string) (err error) {
			p.Nodes, err = nodeNames("nodes", words)
			return err
		})
	f.list("exclude-nodes", nil, "The pods of these nodes are not replaced.",
		func(p *rollout.Policy, words []string) (err error) {
			p.ExcludeNodes, err = nodeNames("exclude-nodes", words)
			return err
		})
}

func nodeNames(flag string, words []string) ([]string, error) {
	out := make([]string, 0, len(words))
	for _, w := range words {
		name, err := cli.NodeName(strings.TrimSpace(w))
		if err != nil {
			return nil, cli.Usagef("--%s: %w", flag, err)
		}
		out = append(out, name)
	}
	return out, nil
}

func (f *policyFlags) addTiming() {
	f.time("soak", rollout.DefaultSoak, "How long a new pod must be available without a break and without a restart before its node is done. minReadySeconds counts where it is longer.",
		func(p *rollout.Policy) **metav1.Duration { return &p.Soak })
	f.time("node-timeout", rollout.DefaultNodeTimeout, "How long a node may take until its new pod is available; after that it has failed.",
		func(p *rollout.Policy) **metav1.Duration { return &p.NodeTimeout })
	f.time("timeout", 0, "How long the run may take, counted anew where it is gone on with after a rest: then the nodes in flight are finished, and the exit code is 6. 0 means for ever.",
		func(p *rollout.Policy) **metav1.Duration { return &p.Timeout })
	f.text("until", "", "No node is started after this time, with its zone, as in 17:00Z, \"17:00 Europe/Berlin\" or 2026-11-23T17:00:00Z: the nodes in flight are finished, then the run pauses.",
		func(p *rollout.Policy, s string) error {
			t, err := parseUntil(s, f.now())
			p.Until = &metav1.Time{Time: t}
			return err
		})
	windows := f.fs.StringArray("window", nil, "Nodes are started in this weekly window only, as in \"Mon-Fri 09:00-17:00 Europe/Berlin\"; may be repeated.")
	f.bind("window", func(p *rollout.Policy) error { p.Windows = *windows; return nil })
	f.bind("timeout", func(p *rollout.Policy) error {
		if p.Timeout != nil && p.Timeout.Duration == 0 {
			p.Timeout = nil
		}
		return nil
	})
}

func (f *policyFlags) addFailing() {
	f.number("max-failures", "How many nodes may fail before the run stops. Each keeps its place under the ceiling.",
		func(p *rollout.Policy) *int32 { return &p.MaxFailures })
	f.text("on-failure", string(rollout.FailPause), "What to do when more nodes fail: pause (wait for a person), hold (put the old template back, touch no pod), undo (and bring the touched nodes back) or abort (end, keep the template).",
		func(p *rollout.Policy, s string) error {
			p.OnFailure = rollout.OnFailure(s)
			return oneOf("on-failure", s, failureEnds)
		})
	f.yes("fence-broken", "Set nodes that are down before the start aside, by name: they do not count to the ceiling until the run touches them.",
		func(p *rollout.Policy) *bool { return &p.FenceBroken })
}

func (f *policyFlags) addAcceptance() {
	f.list("allow-owner", nil, "Change fields that this owner sets, such as argocd or helm, although it may set them back.",
		func(p *rollout.Policy, words []string) error { p.AllowOwner = words; return nil })
	f.yes("accept-gap", "Accept that each node is without a pod for a while where maxSurge promised none.",
		func(p *rollout.Policy) *bool { return &p.AcceptGap })
	f.yes("hand-back", "Accept that the update strategy is given back although old pods remain, which the built-in update then replaces at its own pace.",
		func(p *rollout.Policy) *bool { return &p.HandBack })
	f.yes("act-on-not-ready", "Replace pods on nodes whose Ready is not True, too.",
		func(p *rollout.Policy) *bool { return &p.ActOnNotReady })
}
