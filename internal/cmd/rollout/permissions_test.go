package rollout

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/cli-runtime/pkg/genericiooptions"

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
		for _, o := range []*rbacOptions{
			{}, {RoleOptions: cli.RoleOptions{Namespace: "logging"}},
			{RoleOptions: cli.RoleOptions{Namespace: "logging"}, DaemonSets: []string{"other", "agent"}},
		} {
			var wide, narrow []rbacv1.PolicyRule
			for _, obj := range o.roles("x", p, nil) {
				switch r := obj.(type) {
				case *rbacv1.ClusterRole:
					wide = append(wide, r.Rules...)
				case *rbacv1.Role:
					narrow = append(narrow, r.Rules...)
				}
			}
			for _, a := range accesses(p, "logging", "agent") {
				resource := a.Resource
				if a.Subresource != "" {
					resource += "/" + a.Subresource
				}
				grants := func(r rbacv1.PolicyRule) bool {
					return slices.Contains(r.APIGroups, a.Group) && slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, a.Verb) &&
						(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, a.Name))
				}
				if !slices.ContainsFunc(wide, grants) && (a.Namespace == "" || !slices.ContainsFunc(narrow, grants)) {
					t.Errorf("%s, namespace %q, %v: the roles lack %s", name, o.Namespace, o.DaemonSets, a)
				}
			}
		}
	}
}

func TestRolesHoldNoMoreThanThePolicyNeeds(t *testing.T) {
	has := func(p *rollout.Policy, verb, resource string) bool {
		return slices.ContainsFunc(append(rules(p, true, nil), rules(p, false, nil)...), func(r rbacv1.PolicyRule) bool {
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
	for _, r := range append(rules(nil, true, nil), rules(nil, false, nil)...) {
		for _, v := range r.Verbs {
			if !slices.Contains([]string{"get", "list", "watch"}, v) {
				t.Errorf("the role for reading grants %s %s", v, r.Resources[0])
			}
		}
	}
}

// What can be limited to the named DaemonSets is: their strategy and template,
// and the Leases of their runs.
func TestRolesForOneDaemonSetReachNoOther(t *testing.T) {
	for name, p := range policies {
		for _, r := range rules(p, false, []string{"agent"}) {
			want := map[string]string{"leases": "ds-rollout.agent", "daemonsets": "agent"}[r.Resources[0]]
			reads := !slices.ContainsFunc(r.Verbs, func(v string) bool { return !slices.Contains([]string{"get", "list", "watch"}, v) })
			if want == "" || slices.Equal(r.Verbs, []string{"create"}) || r.Resources[0] == "daemonsets" && reads {
				want = ""
			}
			if got := strings.Join(r.ResourceNames, ","); got != want {
				t.Errorf("%s: %v %s of %q, want %q", name, r.Verbs, r.Resources[0], got, want)
			}
		}
	}
}

// Pods around a pod are listed; only who waits for them to leave watches them.
func TestPodsOfAllNamespacesAreWatchedWhereTheyAreWaitedFor(t *testing.T) {
	for name, want := range map[string]bool{"plain": false, "cordon": false, "drain": true, "gates": false, "order": false} {
		got := slices.ContainsFunc(rules(policies[name], true, nil), func(r rbacv1.PolicyRule) bool {
			return r.Resources[0] == "pods" && slices.Contains(r.Verbs, "watch")
		})
		if got != want {
			t.Errorf("%s: pods of all namespaces are watched: %v, want %v", name, got, want)
		}
	}
}

func TestPodsOfOtherNamespacesAreAskedForWhereTheyAreLookedAt(t *testing.T) {
	for name, want := range map[string]bool{"plain": false, "cordon": false, "drain": true, "gates": true, "order": true} {
		got := slices.ContainsFunc(rules(policies[name], true, nil), func(r rbacv1.PolicyRule) bool { return r.Resources[0] == "pods" })
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

// What is applied for one DaemonSet replaces nothing of what was for another.
func TestRolesOfOtherDaemonSetsHaveOtherNames(t *testing.T) {
	long := strings.Repeat("a", 250)
	seen := map[string]string{}
	for _, args := range [][]string{
		{}, {"-n", "logging"}, {"-n", "metrics"}, {"-n", "logging", "agent"}, {"-n", "metrics", "agent"}, {"-n", "logging", "vector"},
		{"-n", "logging", "agent", "vector"}, {"-n", "logging", "agent.vector"}, {"-n", "logging", long + "b"}, {"-n", "logging", long + "c"},
	} {
		name := roleNameOf(t, args...)
		if was, ok := seen[name]; ok || len(name) > 253-len("-drive") || len(content.IsPathSegmentName(name)) > 0 {
			t.Errorf("%v are called %q, as are %s", args, name, was)
		}
		seen[name] = strings.Join(args, " ")
	}
	if a, b := roleNameOf(t, "-n", "logging", "vector", "agent"), roleNameOf(t, "-n", "logging", "ds/agent", "vector", "agent"); a != b {
		t.Errorf("the same DaemonSets: %q and %q", a, b)
	}
	if got := roleNameOf(t, "-n", "logging", "vector", "--name", "mine"); got != "mine" {
		t.Errorf("--name mine: %q", got)
	}
}

func roleNameOf(t *testing.T, args ...string) (name string) {
	t.Helper()
	a := newApp(genericiooptions.NewTestIOStreamsDiscard(), "v1.2.3")
	cmd, err := makeRBACCommand(a, func(_ context.Context, o *rbacOptions) error {
		name = o.Name
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Flags().StringVarP(a.kube.Namespace, "namespace", "n", "", "")
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return name
}

// Who looks may look at every run of the namespace.
func TestTheReadRoleIsForAllDaemonSets(t *testing.T) {
	one := (&rbacOptions{RoleOptions: cli.RoleOptions{Namespace: "logging"}, DaemonSets: []string{"agent"}}).roles("x", nil, nil)
	all := (&rbacOptions{RoleOptions: cli.RoleOptions{Namespace: "logging"}}).roles("x", nil, nil)
	if !reflect.DeepEqual(one, all) {
		t.Errorf("for one DaemonSet %+v, and for all %+v", one, all)
	}
}
