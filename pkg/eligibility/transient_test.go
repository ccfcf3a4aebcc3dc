package eligibility_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

func TestClassesOfTaints(t *testing.T) {
	transient := known(t, "maintenance", "example.com/*", "readiness.k8s.io/gpu*", "karpenter.sh/*", " spaced ")
	for _, c := range []struct {
		name string
		key  string
		want eligibility.Class
	}{
		{"a node that is not ready is broken", "node.kubernetes.io/not-ready", eligibility.Broken},
		{"a node that nobody reaches is broken", "node.kubernetes.io/unreachable", eligibility.Broken},
		{"a node without its route is arriving", "node.kubernetes.io/network-unavailable", eligibility.Arriving},
		{"a node that its cloud has not set up is arriving", "node.cloudprovider.kubernetes.io/uninitialized", eligibility.Arriving},
		{"a known prefix takes any rest", "startup-taint.cluster-autoscaler.kubernetes.io/gpu", eligibility.Arriving},
		{"a known suffix takes any beginning", "ebs.csi.aws.com/agent-not-ready", eligibility.Arriving},
		{"a suffix is not a part of the middle", "ebs.csi.aws.com/agent-not-ready-yet", ""},
		{"a node that the autoscaler removes is leaving", "ToBeDeletedByClusterAutoscaler", eligibility.Leaving},
		{"keys are compared with their case", "tobedeletedbyclusterautoscaler", ""},
		{"a taint that somebody chose is structural", "dedicated", ""},
		{"a control-plane taint is structural", "node-role.kubernetes.io/control-plane", ""},
		{"a declared key is declared", "maintenance", eligibility.Declared},
		{"a declared key is not a prefix", "maintenance-window", ""},
		{"a declared prefix takes any rest", "example.com/reboot", eligibility.Declared},
		{"the longer of two prefixes wins", "readiness.k8s.io/gpu-driver", eligibility.Declared},
		{"the shorter prefix still takes the others", "readiness.k8s.io/network", eligibility.Arriving},
		{"a known key keeps its class under a declared prefix", "karpenter.sh/disrupted", eligibility.Leaving},
		{"spaces around a pattern do not count", "spaced", eligibility.Declared},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, effect := range []corev1.TaintEffect{noSchedule, noExecute, prefer} {
				tt := taint(c.key, "any", effect)
				if got := transient.Class(&tt); got != c.want {
					t.Errorf("%s:%s is %q, want %q", c.key, effect, got, c.want)
				}
			}
		})
	}
}

func TestDeclaringAKnownTaintKeepsItsClass(t *testing.T) {
	tt := taint("node.kubernetes.io/not-ready", "", noSchedule)
	if got := known(t, "node.kubernetes.io/not-ready").Class(&tt); got != eligibility.Broken {
		t.Errorf("got %q", got)
	}
}

func TestPatternsThatWouldHideTooMuchAreRefused(t *testing.T) {
	for _, p := range []string{"", " ", "*", "**", "*/agent", "a*b", "a**", "a*b*"} {
		if _, err := eligibility.NewTransient([]string{"fine", p}); err == nil {
			t.Errorf("%q should be refused", p)
		}
	}
}

func TestOneSetOfPatternsDoesNotReachTheNext(t *testing.T) {
	known(t, "dedicated")
	tt := taint("dedicated", "", noSchedule)
	if got := known(t).Class(&tt); got != "" {
		t.Errorf("a pattern of another set makes it %q", got)
	}
}

func TestSteadySetsTransientTaintsAside(t *testing.T) {
	plain := eligibility.Compile(template(selector("a", "x")))
	a := labels("a", "x")
	lost := taint("node.kubernetes.io/unreachable", "", noSchedule)
	for _, c := range []struct {
		name      string
		node      *corev1.Node
		transient eligibility.Transient
		want      bool
	}{
		{"a lost node should run it but for its taint", node(a, lost), known(t), true},
		{"a structural taint beside it still counts", node(a, lost, taint("dedicated", "", noSchedule)), known(t), false},
		{"a declared taint is set aside", node(a, lost, taint("dedicated", "", noSchedule)), known(t, "dedicated"), true},
		{"a label that is missing is never set aside", node(nil, lost), known(t), false},
		{"no patterns at all set nothing aside", node(a, lost), eligibility.Transient{}, false},
		{"nil sets nothing aside", node(a, lost), nil, false},
		{"a transient NoExecute taint is set aside as well", node(a, taint("ToBeDeletedByClusterAutoscaler", "", noExecute)), known(t), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := plain.Steady(c.node, false, c.transient); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}
