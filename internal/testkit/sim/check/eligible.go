package check

import "slices"

// eligible is the controller's rule for a new pod, as far as worlds under test
// use it: equality in nodeSelector, and taints.
func (s *state) eligible(n *Object) bool { return fits(s.ds.DaemonSet, n, "NoSchedule", "NoExecute") }

// stays is the rule for a pod that runs.
func stays(d *DaemonSet, n *Object) bool { return fits(d, n, "NoExecute") }

func fits(d *DaemonSet, n *Object, effects ...string) bool {
	for k, v := range d.NodeSelector {
		if n.Labels[k] != v {
			return false
		}
	}
	tolerations := append(slices.Clone(d.Tolerations), added...)
	for _, t := range n.Node.Taints {
		if !slices.Contains(effects, t.Effect) {
			continue
		}
		ok := slices.ContainsFunc(tolerations, func(o Toleration) bool {
			return (o.Effect == "" || o.Effect == t.Effect) && (o.Key == t.Key || o.Key == "" && o.Operator == "Exists") &&
				(o.Operator == "Exists" || o.Value == t.Value)
		})
		if !ok {
			return false
		}
	}
	return true
}

// added are the tolerations that the DaemonSet controller gives every pod.
var added = []Toleration{
	{"node.kubernetes.io/not-ready", "Exists", "", "NoExecute"},
	{"node.kubernetes.io/unreachable", "Exists", "", "NoExecute"},
	{"node.kubernetes.io/disk-pressure", "Exists", "", "NoSchedule"},
	{"node.kubernetes.io/memory-pressure", "Exists", "", "NoSchedule"},
	{"node.kubernetes.io/pid-pressure", "Exists", "", "NoSchedule"},
	{"node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule"},
}
