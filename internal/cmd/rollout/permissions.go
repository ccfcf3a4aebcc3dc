package rollout

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// need is a row of the one table that both the review before a run and the
// roles that rbac prints are made from.
type need struct {
	group, resource, subresource string
	// read is enough for plan, status and history; drive is what a run needs
	// beside it.
	read, drive []string
	// wide is in all namespaces, or of what has none.
	wide bool
	// when says for which policies; nil is all.
	when func(*rollout.Policy) bool
	// helps is what a run does without where it is refused.
	helps bool
	// named is the one object of a DaemonSet's run that it is about; nil for any.
	// RBAC cannot limit create by a name.
	named func(daemonSet string) string
}

var needs = []need{
	{resource: "namespaces", read: []string{"get"}, wide: true}, // the UID that stands for the cluster
	{resource: "nodes", read: []string{"get", "list", "watch"}, wide: true},
	{resource: "nodes", drive: []string{"patch"}, wide: true, when: cordons},
	{group: "apps", resource: "daemonsets", read: []string{"get", "list", "watch"}},
	{group: "apps", resource: "daemonsets", drive: []string{"patch"}, named: func(ds string) string { return ds }},
	{group: "apps", resource: "controllerrevisions", read: []string{"list", "watch"}, drive: []string{"patch"}},
	{resource: "pods", read: []string{"get", "list", "watch"}, drive: []string{"delete"}},
	{group: "coordination.k8s.io", resource: "leases", read: []string{"get", "list", "watch"}, drive: []string{"update", "delete"}, named: rollout.LeaseName},
	{group: "coordination.k8s.io", resource: "leases", drive: []string{"create"}},
	{group: "policy", resource: "poddisruptionbudgets", read: []string{"list"}},
	{resource: "events", read: []string{"list"}, drive: []string{"create"}, helps: true},
	// What stands around the pod on its node is in any namespace.
	{resource: "pods", drive: []string{"list"}, wide: true, when: looksAround},
	{resource: "pods", drive: []string{"watch"}, wide: true, when: watchesAround},
	{resource: "pods", subresource: "eviction", drive: []string{"create"}, wide: true, when: drains},
	{group: "policy", resource: "poddisruptionbudgets", drive: []string{"list"}, wide: true, when: drains},
	{resource: "events", drive: []string{"list"}, wide: true, when: func(p *rollout.Policy) bool {
		return hasGate(p, func(g *rollout.Gate) bool { return g.Builtin == rollout.GateWarnings })
	}},
	{group: "apps", resource: "daemonsets", drive: []string{"get"}, wide: true, when: func(p *rollout.Policy) bool {
		return hasGate(p, func(g *rollout.Gate) bool { return g.DaemonSet != "" })
	}},
}

func drains(p *rollout.Policy) bool  { return p.Drain != nil }
func cordons(p *rollout.Policy) bool { return p.Cordon || drains(p) }

// watchesAround reports whether a run waits for other pods of a node.
func watchesAround(p *rollout.Policy) bool { return drains(p) || p.WaitForJobs != nil }

// looksAround reports whether a run looks at other pods of a node.
func looksAround(p *rollout.Policy) bool {
	return watchesAround(p) || countsPods(p) || hasGate(p, func(g *rollout.Gate) bool {
		return g.Builtin == rollout.GateCollateral || g.Pods != "" || g.DaemonSet != "" || g.CEL != ""
	})
}

// countsPods reports whether the order goes by the pods of each node.
func countsPods(p *rollout.Policy) bool {
	return slices.Contains(p.Order, "fewest-pods") || slices.Contains(p.Order, "-fewest-pods")
}

func hasGate(p *rollout.Policy, is func(*rollout.Gate) bool) bool {
	for i := range p.Gates {
		if is(&p.Gates[i]) {
			return true
		}
	}
	return false
}

// needsOf are the rows that a policy needs; nil is reading alone.
func needsOf(p *rollout.Policy) []need {
	var out []need
	for _, n := range needs {
		switch {
		case p == nil && len(n.read) == 0, p != nil && n.when != nil && !n.when(p):
			continue
		case p == nil:
			n.drive = nil
		}
		out = append(out, n)
	}
	return out
}

func (n *need) verbs() []string { return slices.Concat(n.read, n.drive) }

// accesses are what the review asks before a run of a DaemonSet.
func accesses(p *rollout.Policy, namespace, daemonSet string) []kube.Access {
	var out []kube.Access
	for _, n := range needsOf(p) {
		if n.helps {
			continue
		}
		for _, v := range n.verbs() {
			a := kube.Access{Verb: v, Group: n.group, Resource: n.resource, Subresource: n.subresource, Namespace: namespace}
			if n.wide {
				a.Namespace = ""
			}
			if n.named != nil {
				a.Name = n.named(daemonSet)
			}
			out = append(out, a)
		}
	}
	return out
}

// rules are the rows of one reach, as a role for these DaemonSets has them, or
// for all: one rule for each resource, and one for those that are named.
func rules(p *rollout.Policy, wide bool, daemonSets []string) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, n := range needsOf(p) {
		if n.wide != wide {
			continue
		}
		out = addRule(out, n, daemonSets)
	}
	return out
}

// verbOrder is how verbs are listed: reading first.
var verbOrder = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// inOrder sorts rules as the table has them, and their verbs, so that what the
// two roles differ in can be seen.
func inOrder(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	row := func(r *rbacv1.PolicyRule) int {
		return slices.IndexFunc(needs, func(n need) bool { return n.group == r.APIGroups[0] && n.path() == r.Resources[0] })
	}
	slices.SortStableFunc(rules, func(a, b rbacv1.PolicyRule) int { return cmp.Compare(row(&a), row(&b)) })
	for i := range rules {
		slices.SortFunc(rules[i].Verbs, func(a, b string) int {
			return cmp.Compare(slices.Index(verbOrder, a), slices.Index(verbOrder, b))
		})
	}
	return rules
}

// path is the resource as a rule names it.
func (n *need) path() string {
	if n.subresource != "" {
		return n.resource + "/" + n.subresource
	}
	return n.resource
}

func addRule(rules []rbacv1.PolicyRule, n need, daemonSets []string) []rbacv1.PolicyRule {
	resource := n.path()
	var names []string
	if n.named != nil {
		for _, ds := range daemonSets {
			names = append(names, n.named(ds))
		}
	}
	i := slices.IndexFunc(rules, func(r rbacv1.PolicyRule) bool {
		return r.Resources[0] == resource && r.APIGroups[0] == n.group && slices.Equal(r.ResourceNames, names)
	})
	if i < 0 {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{n.group}, Resources: []string{resource}, ResourceNames: names})
		i = len(rules) - 1
	}
	for _, v := range n.verbs() {
		if !slices.Contains(rules[i].Verbs, v) {
			rules[i].Verbs = append(rules[i].Verbs, v)
		}
	}
	return rules
}
