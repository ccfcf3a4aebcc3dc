package pairs

import (
	"fmt"
	"math/rand/v2"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pair is one question: should this node run this DaemonSet?
type Pair struct {
	DaemonSet *appsv1.DaemonSet
	Node      *corev1.Node
}

// Decode makes a pair of any bytes: the same bytes give the same pair.
func Decode(data []byte) Pair {
	c := fromBytes(data)
	return Pair{DaemonSet: daemonSet(c), Node: node(c)}
}

// Encode gives bytes that Decode turns into a pair with the same placement
// rules, labels and taints. Only what this package makes can be written.
func Encode(p Pair) ([]byte, error) {
	c := &coder{}
	c.template(p.DaemonSet.Spec.Template.Spec.DeepCopy())
	c.node(p.Node.DeepCopy())
	if c.err != nil {
		return nil, fmt.Errorf("encode DaemonSet %s and node %s: %w", p.DaemonSet.Name, p.Node.Name, c.err)
	}
	return c.out, nil
}

// RandomDaemonSet makes a DaemonSet.
func RandomDaemonSet(r *rand.Rand) *appsv1.DaemonSet { return daemonSet(&coder{choose: r.IntN}) }

// RandomNode makes a node.
func RandomNode(r *rand.Rand) *corev1.Node { return node(&coder{choose: r.IntN}) }

// DaemonSetOf wraps a pod template's spec in a DaemonSet.
func DaemonSetOf(template corev1.PodSpec) *appsv1.DaemonSet {
	labels := map[string]string{"app": "agent"}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "agent", UID: "agent"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: template},
		},
	}
}

func daemonSet(c *coder) *appsv1.DaemonSet {
	ds := DaemonSetOf(corev1.PodSpec{})
	c.template(&ds.Spec.Template.Spec)
	return ds
}

func node(c *coder) *corev1.Node {
	n := &corev1.Node{}
	c.node(n)
	return n
}

func (c *coder) template(s *corev1.PodSpec) {
	// Most templates name no node.
	named := 0
	if s.NodeName != "" {
		named = 5
	}
	if c.index(6, named) == 5 {
		text(c, &s.NodeName, nodeNames)
	}
	hostNetwork := []bool{false, true}
	pick(c, &s.HostNetwork, hostNetwork)
	list(c, &s.Tolerations, 4, c.toleration)
	selected := 0
	if s.NodeSelector != nil {
		selected = 3
	}
	if c.index(4, selected) == 3 {
		table(c, &s.NodeSelector, 2, c.label)
	}
	optional(c, &s.Affinity, 1, 2, c.affinity)
	list(c, &s.Containers, 1, c.container)
}

func (c *coder) affinity(a *corev1.Affinity) {
	optional(c, &a.NodeAffinity, 1, 6, func(na *corev1.NodeAffinity) {
		optional(c, &na.RequiredDuringSchedulingIgnoredDuringExecution, 1, 6, func(s *corev1.NodeSelector) {
			list(c, &s.NodeSelectorTerms, 4, c.term)
		})
		// Preferences never decide.
		list(c, &na.PreferredDuringSchedulingIgnoredDuringExecution, 1, func(p *corev1.PreferredSchedulingTerm) {
			p.Weight = 1
			c.term(&p.Preference)
		})
	})
}

func (c *coder) term(t *corev1.NodeSelectorTerm) {
	list(c, &t.MatchExpressions, 2, func(r *corev1.NodeSelectorRequirement) {
		text(c, &r.Key, labelKeys)
		text(c, &r.Operator, operators)
		c.values(r, labelValues)
	})
	// Two terms in three have no matchFields.
	fields := 0
	if t.MatchFields != nil {
		fields = 2
	}
	if c.index(3, fields) < 2 {
		return
	}
	list(c, &t.MatchFields, 2, func(r *corev1.NodeSelectorRequirement) {
		text(c, &r.Key, fieldKeys)
		text(c, &r.Operator, fieldOperators)
		c.values(r, nodeNames)
	})
}

// values visits as many values as the operator takes, and in one choice of
// four any number.
func (c *coder) values(r *corev1.NodeSelectorRequirement, from []string) {
	each := func(v *string) { text(c, v, from) }
	most := 2
	switch r.Operator {
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		most = 0
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		most = 1
	}
	usual := 0
	if len(r.Values) != most || r.Values == nil {
		usual = 3
	}
	if c.index(4, usual) == 3 {
		list(c, &r.Values, 3, each)
		return
	}
	if !c.encoding() {
		r.Values = make([]string, most)
	}
	for i := range r.Values {
		each(&r.Values[i])
	}
}

// numeric draws, in one choice of three, the narrow form of a toleration or a
// taint: one that compares numbers. Two that meet by chance among all keys,
// operators and values are too rare to prove anything about the feature gate.
// What is encoded is always in the wide form, which can say everything.
func (c *coder) numeric() bool { return c.index(3, 0) == 2 }

func (c *coder) toleration(t *corev1.Toleration) {
	if c.numeric() {
		pick(c, &t.Key, numericKeys)
		pick(c, &t.Operator, numericOperators)
		pick(c, &t.Value, numbers)
		pick(c, &t.Effect, numericTolerationEffects)
		return
	}
	text(c, &t.Key, taintKeys)
	text(c, &t.Operator, tolerationOperators)
	text(c, &t.Value, taintValues)
	text(c, &t.Effect, tolerationEffects)
	optional(c, &t.TolerationSeconds, 2, 3, func(s *int64) { pick(c, s, seconds) })
}

func (c *coder) taint(t *corev1.Taint) {
	if c.numeric() {
		c.numericTaint(t)
		return
	}
	text(c, &t.Key, taintKeys)
	text(c, &t.Value, taintValues)
	text(c, &t.Effect, taintEffects)
}

func (c *coder) numericTaint(t *corev1.Taint) {
	pick(c, &t.Key, numericKeys)
	pick(c, &t.Value, numbers)
	pick(c, &t.Effect, numericTaintEffects)
}

func (c *coder) label(e *entry) {
	text(c, &e.key, labelKeys)
	text(c, &e.value, labelValues)
}

func (c *coder) container(k *corev1.Container) {
	// Room and ports are the scheduler's business, not the controller's.
	asked := memory[0]
	if q, ok := k.Resources.Requests[corev1.ResourceMemory]; ok {
		asked = q.String()
	}
	pick(c, &asked, memory)
	port := hostPorts[0]
	if len(k.Ports) > 0 {
		port = k.Ports[0].HostPort
	}
	pick(c, &port, hostPorts)
	if c.encoding() {
		return
	}
	k.Name = "main"
	k.Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(asked)}
	if port != 0 {
		k.Ports = []corev1.ContainerPort{{HostPort: port, ContainerPort: port}}
	}
}

func (c *coder) node(n *corev1.Node) {
	text(c, &n.Name, nodeNames)
	table(c, &n.Labels, 5, c.label)
	// A quarter of the nodes have one taint, a number: among others it would
	// seldom be the one that decides.
	if c.index(4, 0) == 3 {
		n.Spec.Taints = make([]corev1.Taint, 1)
		c.numericTaint(&n.Spec.Taints[0])
	} else {
		list(c, &n.Spec.Taints, 4, c.taint)
	}
	pick(c, &n.Spec.Unschedulable, []bool{false, true})
	list(c, &n.Status.Conditions, 1, func(k *corev1.NodeCondition) {
		k.Type = corev1.NodeReady
		pick(c, &k.Status, readyStatuses)
	})
}
