package rollout

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// account is a ServiceAccount of a world that may do nothing by itself.
type account struct {
	name string
	path string // of its kubeconfig
}

func (a *account) user(w *world) string { return "system:serviceaccount:" + w.name + ":" + a.name }

func (w *world) account(t *testing.T, name string) *account {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: name}}
	accounts := shared.client.CoreV1().ServiceAccounts(w.name)
	if _, err := accounts.Create(t.Context(), sa, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[contextName] = &clientcmdapi.Cluster{Server: shared.cluster.URL(), CertificateAuthorityData: shared.cluster.RESTConfig().CAData}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts[contextName] = &clientcmdapi.Context{Cluster: contextName, AuthInfo: name}
	config.CurrentContext = contextName
	a := &account{name: name, path: filepath.Join(t.TempDir(), "kubeconfig")}
	if err := clientcmd.WriteToFile(*config, a.path); err != nil {
		t.Fatal(err)
	}
	return a
}

// use runs all further commands of the world as the account.
func (w *world) use(a *account) { w.kubectl = shared.kubectl.As(a.path) }

// roles are what `kubectl ds-rollout rbac` prints to drive with a policy.
type roles struct {
	wide   rbacv1.ClusterRole
	narrow *rbacv1.Role // with -n
}

// printed reads the roles for driving out of what rbac prints.
func (w *world) printed(t *testing.T, namespaced bool, policy ...string) roles {
	t.Helper()
	args := []string{"ds-rollout", "rbac", "--name", w.name}
	if namespaced {
		args = append(args, "-n", w.name, agent)
	}
	r, err := shared.kubectl.Run(t.Context(), append(args, policy...)...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != 0 {
		t.Fatalf("rbac: exit code %d\n%s", r.Code, r.Stderr)
	}
	var out roles
	for doc := range strings.SplitSeq(r.Stdout, "\n---\n") {
		var meta metav1.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(doc), &meta); err != nil {
			t.Fatal(err)
		}
		switch {
		case meta.Name != w.name+"-drive":
		case meta.Kind == "ClusterRole":
			err = yaml.Unmarshal([]byte(doc), &out.wide)
		case meta.Kind == "Role":
			out.narrow = &rbacv1.Role{}
			err = yaml.Unmarshal([]byte(doc), out.narrow)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out.wide.Rules) == 0 || namespaced != (out.narrow != nil) {
		t.Fatalf("rbac printed no role for driving:\n%s", r.Stdout)
	}
	return out
}

// grant makes the roles under a name of their own, and binds them.
func (w *world) grant(t *testing.T, a *account, r roles) {
	t.Helper()
	ctx, api := t.Context(), shared.client.RbacV1()
	name := w.name + "-" + a.name
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: w.name, Name: a.name}}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	meta := metav1.ObjectMeta{Name: name}
	if _, err := api.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: r.wide.Rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: subjects, RoleRef: ref("ClusterRole")}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if r.narrow == nil {
		return
	}
	meta.Namespace = w.name
	if _, err := api.Roles(w.name).Create(ctx, &rbacv1.Role{ObjectMeta: meta, Rules: r.narrow.Rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.RoleBindings(w.name).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: meta, Subjects: subjects, RoleRef: ref("Role")}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// may asks the server as the account.
func (a *account) may(t *testing.T, ask authorizationv1.ResourceAttributes) bool {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", a.path)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(rest.CopyConfig(config))
	if err != nil {
		t.Fatal(err)
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &ask}}
	got, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Status.Allowed
}

// permission is one verb of a role.
type permission struct {
	group, resource, verb string
	wide                  bool
}

func (p permission) String() string { return p.verb + " " + p.resource }

// each lists what the roles grant, every permission once.
func (r *roles) each() []permission {
	var out []permission
	add := func(rules []rbacv1.PolicyRule, wide bool) {
		for _, rule := range rules {
			for _, verb := range rule.Verbs {
				out = append(out, permission{rule.APIGroups[0], rule.Resources[0], verb, wide})
			}
		}
	}
	add(r.wide.Rules, true)
	if r.narrow != nil {
		add(r.narrow.Rules, false)
	}
	return out
}

// without is the roles less one permission; ok is false where the other role
// grants it as well.
func (r *roles) without(p permission) (out roles, ok bool) {
	out = roles{wide: *r.wide.DeepCopy(), narrow: r.narrow.DeepCopy()}
	drop := func(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
		for i := range rules {
			if rules[i].APIGroups[0] == p.group && rules[i].Resources[0] == p.resource {
				rules[i].Verbs = slices.DeleteFunc(rules[i].Verbs, func(v string) bool { return v == p.verb })
			}
		}
		return slices.DeleteFunc(rules, func(r rbacv1.PolicyRule) bool { return len(r.Verbs) == 0 })
	}
	if p.wide {
		out.wide.Rules = drop(out.wide.Rules)
		return out, true
	}
	out.narrow.Rules = drop(out.narrow.Rules)
	twin := permission{p.group, p.resource, p.verb, true}
	return out, !slices.Contains(r.each(), twin)
}

// helpful are permissions that a run does without.
func helpful(p permission) bool { return p.resource == "events" && p.verb == "create" }

// TestTheLeastRolesAreEnough drives with nothing but what rbac prints for the
// policy, with all that a policy can ask for; and without any one verb of it
// start refuses before it writes.
func TestTheLeastRolesAreEnough(t *testing.T) {
	t.Parallel()
	for name, namespaced := range map[string]bool{"in all namespaces": false, "in one namespace": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 3, worldOptions{})
			policy := []string{"--drain", "--gate-daemonset", w.name + "/" + agent}
			full := w.printed(t, namespaced, policy...)
			start := fast(newImage, policy...)

			accounts := map[permission]*account{}
			for i, p := range full.each() {
				less, ok := full.without(p)
				if helpful(p) || !ok {
					continue
				}
				a := w.account(t, fmt.Sprintf("less-%d", i))
				w.grant(t, a, less)
				accounts[p] = a
			}
			driver := w.account(t, "driver")
			w.grant(t, driver, full)
			eventually(t, "the server to know the roles", func() bool {
				return driver.may(t, authorizationv1.ResourceAttributes{Verb: "delete", Resource: "pods", Namespace: w.name})
			})
			if len(accounts) < 15 {
				t.Fatalf("rbac prints only %d permissions: %v", len(accounts), full.each())
			}
			for p, a := range accounts {
				left := p.wide && slices.Contains(full.each(), permission{p.group, p.resource, p.verb, false})
				w.refusedWithout(t, p, left, a, start)
			}

			w.web(t, 2, nil)
			w.use(driver)
			w.run(t, 0, "start", start...)
			w.all(t, newImage, 3)
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
			for _, r := range w.wrote(t, driver.user(w)) {
				if r.Code == 403 {
					t.Errorf("the roles are not enough: %s", r)
				}
			}
		})
	}
}

// readFirst are permissions of what a plan itself is made from: without the
// DaemonSet there is nothing to plan, and without the others nothing can be
// told.
var readFirst = map[string]int{"get daemonsets": 2, "list nodes": 3, "list pods": 3, "list controllerrevisions": 3}

// refusedWithout runs start without a permission; left tells that it is still
// granted in the world's own namespace.
func (w *world) refusedWithout(t *testing.T, p permission, left bool, a *account, start []string) {
	t.Helper()
	w.use(a)
	full := append([]string{"ds-rollout", "start", "-n", w.name, agent, "--yes"}, start...)
	r, err := w.kubectl.Run(t.Context(), full...)
	if err != nil {
		t.Fatal(err)
	}
	said := r.Stdout + r.Stderr
	resource, sub, _ := strings.Cut(p.resource, "/")
	named := false
	for line := range strings.Lines(said) {
		named = named || strings.Contains(line, p.verb) && strings.Contains(line, resource) && strings.Contains(line, sub)
	}
	want := 1
	if code, first := readFirst[p.String()]; first && !left {
		want = code
	}
	if r.Code != want || !named || !strings.Contains(said, "rbac") {
		t.Errorf("without %s (wide: %t): exit code %d, want %d and a line that names it:\n%s", p, p.wide, r.Code, want, said)
	}
	for _, sent := range w.wrote(t, a.user(w)) {
		t.Errorf("without %s (wide: %t) it sent %s", p, p.wide, sent)
	}
}

// TestAPermissionIsTakenAwayMidRun: the run stops, says which, and goes on
// when it is there again.
func TestAPermissionIsTakenAwayMidRun(t *testing.T) {
	t.Parallel()
	for _, p := range []permission{
		{"", "pods", "delete", true}, {"", "nodes", "patch", true}, {"coordination.k8s.io", "leases", "update", true},
	} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 6, worldOptions{})
			full := w.printed(t, false, "--cordon")
			driver := w.account(t, "driver")
			w.grant(t, driver, full)
			ask := authorizationv1.ResourceAttributes{Verb: p.verb, Group: p.group, Resource: p.resource, Namespace: w.name}
			eventually(t, "the server to know the role", func() bool { return driver.may(t, ask) })
			w.use(driver)
			run := w.start(t, "start", fast(newImage, "--cordon")...)
			run.until(t, "a node to be done", is(core.EventNodeDone))
			less, _ := full.without(p)
			w.change(t, driver, less)
			r := run.wait(t, 2)
			said := r.stderr
			if !strings.Contains(said, p.verb) || !strings.Contains(said, p.resource) || !strings.Contains(said, "resume") {
				t.Errorf("it does not say which permission is missing, and how to go on:\n%s", said)
			}
			w.judge(t, twoAtATime)
			w.change(t, driver, full)
			eventually(t, "the server to know the role again", func() bool { return driver.may(t, ask) })
			w.run(t, 0, "resume")
			w.all(t, newImage, 6)
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
		})
	}
}

// change puts other rules into the ClusterRole of an account.
func (w *world) change(t *testing.T, a *account, r roles) {
	t.Helper()
	api := shared.client.RbacV1().ClusterRoles()
	role, err := api.Get(t.Context(), w.name+"-"+a.name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	role.Rules = r.wide.Rules
	if _, err := api.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestTheReadRoleIsEnoughToLook at plans, status and history.
func TestTheReadRoleIsEnoughToLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	reader := w.account(t, "reader")
	r, err := shared.kubectl.Run(t.Context(), "ds-rollout", "rbac", "--read-only", "--name", w.name, "--bind-to", "sa:"+w.name+"/"+reader.name)
	if err != nil || r.Code != 0 {
		t.Fatalf("rbac: %v, exit code %d\n%s", err, r.Code, r.Stderr)
	}
	path := filepath.Join(t.TempDir(), "roles.yaml")
	if err := os.WriteFile(path, []byte(r.Stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	w.apply(t, path)
	eventually(t, "the server to know the role", func() bool {
		return reader.may(t, authorizationv1.ResourceAttributes{Verb: "list", Group: "apps", Resource: "controllerrevisions", Namespace: w.name})
	})
	w.patch(t, `{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}`)
	w.settled(t, simnode.Ready(2))
	w.use(reader)
	for verb, words := range map[string]string{"status": w.name + "/" + agent, "history": "REVISION", "plan": "permissions"} {
		code := 0
		if verb == "plan" { // says that it may not start
			code = 1
		}
		if r := w.run(t, code, verb); !strings.Contains(r.stdout, words) {
			t.Errorf("%s does not show %q:\n%s%s", verb, words, r.stdout, r.stderr)
		}
	}
	w.wroteNothing(t, reader.user(w))
}
