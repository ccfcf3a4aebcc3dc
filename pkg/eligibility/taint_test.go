package eligibility_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

func TestTaints(t *testing.T) {
	dedicated, evicting := taint("dedicated", "gpu", noSchedule), taint("dedicated", "gpu", noExecute)
	ask(t, []question{
		{"NoSchedule keeps a new pod away and lets a running one stay", template(), node(nil, dedicated), stays},
		{"NoExecute keeps a new pod away and lets none stay", template(), node(nil, evicting), never},
		{"PreferNoSchedule is ignored", template(), node(nil, taint("dedicated", "gpu", prefer)), runs},
		{"an unknown effect is ignored", template(), node(nil, taint("dedicated", "gpu", "NoAdmit")), runs},
		{"both effects of a key count apart", template(tolerates("dedicated", "Exists", "", noExecute)), node(nil, dedicated, evicting), stays},
		{"a toleration without an effect is for all", template(tolerates("dedicated", "Exists", "", "")), node(nil, dedicated, evicting), runs},
		{"a toleration without a key is for all keys", template(tolerates("", "Exists", "", "")), node(nil, dedicated, taint("x", "y", noExecute)), runs},
		{"an absent operator compares the value", template(tolerates("dedicated", "", "gpu", "")), node(nil, dedicated), runs},
		{"Equal with another value does not tolerate", template(tolerates("dedicated", "Equal", "cpu", "")), node(nil, dedicated), stays},
		{"an unknown operator tolerates nothing", template(tolerates("dedicated", "exists", "", "")), node(nil, dedicated), stays},
		{"no seconds at all are enough", template(tolerates("dedicated", "Exists", "", ""), forSeconds(0)), node(nil, evicting), runs},
		{"a label that does not match outweighs a taint that lets stay", template(selector("a", "x")), node(nil, dedicated), never},
	})
}

func TestDefaultTolerations(t *testing.T) {
	key := func(name string, effect corev1.TaintEffect) *corev1.Node {
		return node(nil, taint("node.kubernetes.io/"+name, "", effect))
	}
	ask(t, []question{
		{"not-ready:NoExecute is tolerated", template(), key("not-ready", noExecute), runs},
		{"unreachable:NoExecute is tolerated", template(), key("unreachable", noExecute), runs},
		{"disk-pressure:NoSchedule is tolerated", template(), key("disk-pressure", noSchedule), runs},
		{"memory-pressure:NoSchedule is tolerated", template(), key("memory-pressure", noSchedule), runs},
		{"pid-pressure:NoSchedule is tolerated", template(), key("pid-pressure", noSchedule), runs},
		{"unschedulable:NoSchedule is tolerated", template(), key("unschedulable", noSchedule), runs},
		{"network-unavailable:NoSchedule is tolerated in the host network", template(hostNetwork), key("network-unavailable", noSchedule), runs},
		{"network-unavailable:NoSchedule is not tolerated elsewhere", template(), key("network-unavailable", noSchedule), stays},
		{"not-ready:NoSchedule is not tolerated, so a lost node leaves desired", template(), key("not-ready", noSchedule), stays},
		{"unreachable:NoSchedule is not tolerated, so a lost node leaves desired", template(), key("unreachable", noSchedule), stays},
		{"disk-pressure:NoExecute is not tolerated", template(), key("disk-pressure", noExecute), never},
		{"out-of-service:NoExecute is not tolerated", template(), key("out-of-service", noExecute), never},
	})
}

func TestTolerationsOfAPod(t *testing.T) {
	added := func(name string, effect corev1.TaintEffect) corev1.Toleration {
		return corev1.Toleration{Key: "node.kubernetes.io/" + name, Operator: corev1.TolerationOpExists, Effect: effect}
	}
	rest := []corev1.Toleration{added("unreachable", noExecute), added("disk-pressure", noSchedule), added("memory-pressure", noSchedule),
		added("pid-pressure", noSchedule), added("unschedulable", noSchedule)}
	defaults := append([]corev1.Toleration{added("not-ready", noExecute)}, rest...)
	broad := corev1.Toleration{Operator: corev1.TolerationOpExists}
	notReady := tolerates("node.kubernetes.io/not-ready", "Exists", "", noExecute)
	var minutes int64 = 300
	limited := corev1.Toleration{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, TolerationSeconds: &minutes}
	for _, c := range []struct {
		name         string
		template     *corev1.PodSpec
		want         []corev1.Toleration
		fromTemplate int
	}{
		{"six are added to none", template(), defaults, 0},
		{"one more in the host network", template(hostNetwork), append(defaults[:6:6], added("network-unavailable", noSchedule)), 0},
		{"they come after those of the template", template(tolerates("", "Exists", "", "")), append([]corev1.Toleration{broad}, defaults...), 1},
		{"seconds of the same toleration are replaced in its place", template(notReady, forSeconds(300)), defaults, 1},
		{"every double of it is replaced", template(notReady, forSeconds(300), notReady, forSeconds(60)),
			append([]corev1.Toleration{defaults[0]}, defaults...), 2},
		{"another effect is another toleration", template(tolerates("node.kubernetes.io/not-ready", "Exists", "", ""), forSeconds(300)),
			append([]corev1.Toleration{limited}, defaults...), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, fromTemplate := eligibility.Tolerations(c.template)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("tolerations (-want +got):\n%s", diff)
			}
			if fromTemplate != c.fromTemplate {
				t.Errorf("%d come from the template, want %d", fromTemplate, c.fromTemplate)
			}
			own, by := eligibility.Compile(c.template).Tolerations()
			if own != c.fromTemplate || own+by != len(c.want) {
				t.Errorf("Compile counts %d of the template and %d added", own, by)
			}
		})
	}
}

func TestComparisonOperatorsNeedTheGate(t *testing.T) {
	tolerate := func(op corev1.TolerationOperator, value string) *corev1.PodSpec {
		return template(tolerates("sla", op, value, ""))
	}
	for _, c := range []struct {
		name     string
		template *corev1.PodSpec
		taint    string
		on       eligibility.Answer
	}{
		{"Gt tolerates a greater taint", tolerate("Gt", "95"), "99", runs},
		{"Gt does not tolerate an equal taint", tolerate("Gt", "95"), "95", stays},
		{"Lt tolerates a smaller taint", tolerate("Lt", "5"), "-6", runs},
		{"Lt does not read a leading zero", tolerate("Lt", "5"), "01", stays},
		{"Lt does not read text", tolerate("Lt", "5"), "few", stays},
		{"Gt does not read a number past int64", tolerate("Gt", "5"), "9223372036854775808", stays},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, n := eligibility.Compile(c.template), node(nil, taint("sla", c.taint, noSchedule))
			if got := rules.Evaluate(n, false); got != stays {
				t.Errorf("gate off: got %+v", got)
			}
			if got := rules.Evaluate(n, true); got != c.on {
				t.Errorf("gate on: got %+v, want %+v", got, c.on)
			}
			if !rules.GateDependent() {
				t.Error("the rules should depend on the gate")
			}
			flips := c.on != stays
			if got := rules.Explain(n, false, nil).Taints[0].GateDependent; got != flips {
				t.Errorf("the taint depends on the gate: %t, want %t", got, flips)
			}
		})
	}
	if eligibility.Compile(tolerate("Exists", "")).GateDependent() {
		t.Error("Exists does not depend on the gate")
	}
}
