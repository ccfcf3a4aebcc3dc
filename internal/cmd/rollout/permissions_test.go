package rollout

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

var policies = map[string]*rollout.Policy{
	"plain":  {},
	"cordon": {PerNode: rollout.PerNode{Cordon: true}},
	"drain":  {PerNode: rollout.PerNode{Drain: &rollout.Drain{}}},
	"gates": {Gates: append(builtin("collateral", "events"),
		rollout.Gate{Name: "d", When: rollout.AfterNode, Probe: rollout.Probe{DaemonSet: "a/b"}})},
	"order": {Selection: rollout.Selection{Order: []string{"-fewest-pods"}}},
}

// What the review asks for, the printed roles grant, with and without a
// namespace.
func TestTheRolesGrantWhatTheReviewAsks(t *testing.T) {
	for name, p := range policies {
		for _, namespace := range []string{"", "logging"} {
			o := &rbacOptions{Name: "x", Namespace: namespace, Policy: p}
			var wide, narrow []rbacv1.PolicyRule
			for _, obj := range o.roles("x", p, nil) {
				switch r := obj.(type) {
				case *rbacv1.ClusterRole:
					wide = append(wide, r.Rules...)
				case *rbacv1.Role:
					narrow = append(narrow, r.Rules...)
				}
			}
			for _, a := range accesses(p, "logging") {
				resource := a.Resource
				if a.Subresource != "" {
					resource += "/" + a.Subresource
				}
				grants := func(r rbacv1.PolicyRule) bool {
					return slices.Contains(r.APIGroups, a.Group) && slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, a.Verb)
				}
				if !slices.ContainsFunc(wide, grants) && (a.Namespace == "" || !slices.ContainsFunc(narrow, grants)) {
					t.Errorf("%s, namespace %q: the roles lack %s", name, namespace, a)
				}
			}
		}
	}
}

func TestRolesHoldNoMoreThanThePolicyNeeds(t *testing.T) {
	has := func(p *rollout.Policy, verb, resource string) bool {
		return slices.ContainsFunc(append(rules(p, true), rules(p, false)...), func(r rbacv1.PolicyRule) bool {
			return r.Resources[0] == resource && slices.Contains(r.Verbs, verb)
		})
	}
	for _, c := range []struct {
		verb, resource string
		policies       []string
	}{
		{"patch", "nodes", []string{"cordon", "drain"}},
		{"create", "pods/eviction", []string{"drain"}},
		{"delete", "pods", []string{"plain", "cordon", "drain", "gates", "order"}},
		{"patch", "daemonsets", []string{"plain", "cordon", "drain", "gates", "order"}},
		{"update", "leases", []string{"plain", "cordon", "drain", "gates", "order"}},
	} {
		for name, p := range policies {
			if got, want := has(p, c.verb, c.resource), slices.Contains(c.policies, name); got != want {
				t.Errorf("%s: %s %s is granted: %v, want %v", name, c.verb, c.resource, got, want)
			}
		}
		if has(nil, c.verb, c.resource) {
			t.Errorf("the role for reading grants %s %s", c.verb, c.resource)
		}
	}
	for _, r := range append(rules(nil, true), rules(nil, false)...) {
		for _, v := range r.Verbs {
			if !slices.Contains([]string{"get", "list", "watch"}, v) {
				t.Errorf("the role for reading grants %s %s", v, r.Resources[0])
			}
		}
	}
}

func TestPodsOfOtherNamespacesAreAskedForWhereTheyAreLookedAt(t *testing.T) {
	for name, want := range map[string]bool{"plain": false, "cordon": false, "drain": true, "gates": true, "order": true} {
		got := slices.ContainsFunc(rules(policies[name], true), func(r rbacv1.PolicyRule) bool { return r.Resources[0] == "pods" })
		if got != want {
			t.Errorf("%s: pods of all namespaces: %v, want %v", name, got, want)
		}
	}
}
