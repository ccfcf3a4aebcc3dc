package rollout

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
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
			o := &rbacOptions{RoleOptions: cli.RoleOptions{Name: "x", Namespace: namespace}, Policy: p}
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

// The two roles are read side by side: the same rows in the same order, and
// verbs that read before those that write.
func TestBothRolesHaveOneOrder(t *testing.T) {
	of := func(p *rollout.Policy) (rows []string) {
		for _, obj := range (&rbacOptions{Policy: p}).roles("x", p, nil) {
			for _, r := range obj.(*rbacv1.ClusterRole).Rules {
				rows = append(rows, r.Resources[0])
				at := -1
				for _, v := range r.Verbs {
					i := slices.Index(verbOrder, v)
					if i <= at {
						t.Errorf("%s: %v", r.Resources[0], r.Verbs)
					}
					at = i
				}
			}
		}
		return rows
	}
	read := of(nil)
	for name, p := range policies {
		drive := slices.DeleteFunc(of(p), func(r string) bool { return !slices.Contains(read, r) })
		if !slices.Equal(drive, read) {
			t.Errorf("%s: %v, and the role for reading %v", name, drive, read)
		}
	}
}
