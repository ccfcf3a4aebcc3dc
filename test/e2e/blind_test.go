package e2e

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

// printedRole is the role that the plugin itself says it needs.
func printedRole(t *testing.T) *rbacv1.ClusterRole {
	t.Helper()
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict([]byte(plugin(t, shared.kubectl, 0, "rbac").Stdout), role); err != nil {
		t.Fatalf("decoding the printed role: %v", err)
	}
	return role
}

// without takes a resource out of a role.
func without(role *rbacv1.ClusterRole, resource string) *rbacv1.ClusterRole {
	out := role.DeepCopy()
	for i := range out.Rules {
		out.Rules[i].Resources = slices.DeleteFunc(out.Rules[i].Resources, func(r string) bool { return r == resource })
	}
	out.Rules = slices.DeleteFunc(out.Rules, func(r rbacv1.PolicyRule) bool { return len(r.Resources) == 0 })
	return out
}

// as gives kubectl the rights of a role and no others.
func as(t *testing.T, user string, role *rbacv1.ClusterRole) *kubectl.Kubectl {
	t.Helper()
	role = role.DeepCopy()
	role.Name = user
	ctx := t.Context()
	rbac := shared.client.RbacV1()
	if _, err := rbac.ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	if _, err := rbac.ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config, err := shared.cluster.UserKubeconfig(user)
	if err != nil {
		t.Fatal(err)
	}
	k := shared.kubectl.As(config)
	// RBAC is read from a cache: wait until the server knows the role.
	eventually(t, "the role of "+user, func() bool {
		r, err := k.Run(ctx, "auth", "can-i", role.Rules[0].Verbs[0], role.Rules[0].Resources[0])
		return err == nil && r.Code == 0
	})
	return k
}

func reasonsByPair(l *coverage.DaemonSetCoverageList) map[string]string {
	out := map[string]string{}
	for pair, v := range verdicts(l) {
		out[pair] = v.State.String() + "/" + string(v.Reason)
	}
	return out
}

// whileStill looks at the cluster in another way, between two live reads that
// find the same verdicts: pods age and end by themselves, so that what two reads
// at two times say may differ. It returns what was live.
func whileStill(t *testing.T, look func()) map[string]string {
	t.Helper()
	live := func() map[string]string {
		return reasonsByPair(report(t, plugin(t, shared.kubectl, 0, "-A", "-o", "json", "--grace=0s")))
	}
	before := live()
	eventually(t, "two live reads with the same verdicts", func() bool {
		look()
		after := live()
		same := maps.Equal(before, after)
		before = after
		return same
	})
	return before
}

func TestThePrintedRoleIsEnough(t *testing.T) {
	least := as(t, "least", printedRole(t))
	var l *coverage.DaemonSetCoverageList
	want := whileStill(t, func() {
		l = report(t, plugin(t, least, 0, "-A", "-o", "json", "--grace=0s"))
	})
	if len(l.Source.Incomplete) > 0 {
		t.Errorf("incomplete: %+v", l.Source.Incomplete)
	}
	got := reasonsByPair(l)
	for pair, w := range want {
		if got[pair] != w {
			t.Errorf("%s: %s, an admin sees %s", pair, got[pair], w)
		}
	}
}

func TestWhatCannotBeReadIsNeverGreen(t *testing.T) {
	role := printedRole(t)
	for _, c := range []struct {
		resource string
		unknown  bool // pairs are Unknown
		code     int  // of a condition that otherwise holds
	}{
		{"nodes", true, 3},
		{"pods", true, 3},
	} {
		t.Run(c.resource, func(t *testing.T) {
			k := as(t, "no-"+c.resource, without(role, c.resource))
			l := report(t, plugin(t, k, 0, "-A", "-o", "json", "--grace=0s"))
			if c.unknown && l.Summary.Unknown == 0 {
				t.Errorf("nothing is unknown without %s: %+v", c.resource, l.Summary)
			}
			if l.Summary.Covered > 0 {
				t.Errorf("%d pairs are covered without %s", l.Summary.Covered, c.resource)
			}
			r := plugin(t, k, c.code, "-A", "--grace=0s", "--min-coverage=1")
			if !strings.Contains(r.Stdout+r.Stderr, "list "+c.resource) || !strings.Contains(r.Stdout+r.Stderr, "ds-coverage rbac") {
				t.Errorf("the missing verb and the remedy are not named:\n%s%s", r.Stdout, r.Stderr)
			}
		})
	}
}

func TestWithoutEventsTheReasonsThatNeedThemSayUnknown(t *testing.T) {
	k := as(t, "no-events", without(printedRole(t), "events"))
	got := verdicts(report(t, plugin(t, k, 0, "-A", "-o", "json", "--grace=0s")))
	if v := got["security/falco@general-3"]; v.State != coverage.Missing || v.Reason != coverage.UnknownReason {
		t.Errorf("falco on general-3: %s (%s), want Missing (Unknown)", v.State, v.Reason)
	}
	if v := got["kube-system/cilium@general-2"]; v.Reason != coverage.CrashLoop {
		t.Errorf("cilium on general-2: %s, want CrashLoop, which needs no event", v.Reason)
	}
	out := plugin(t, k, 0, "-A", "--grace=0s").Stdout
	if !strings.Contains(out, "Incomplete:") || !strings.Contains(out, "list events in security") {
		t.Errorf("the screen does not say what is missing:\n%s", out)
	}
	flat := plugin(t, k, 0, "-A", "--grace=0s", "--flat")
	if strings.Contains(flat.Stdout, "Incomplete:") || !strings.Contains(flat.Stderr, "Incomplete:") {
		t.Errorf("a flat table says beside its rows, not in them, what is missing:\n%s", flat.Stderr)
	}
}

func TestWithoutRevisionsTheCurrentOneIsInferred(t *testing.T) {
	k := as(t, "no-revisions", without(printedRole(t), "controllerrevisions"))
	l := report(t, plugin(t, k, 0, "-n", "logging", "-o", "json", "--grace=0s"))
	if !l.Items[0].Revision.Inferred {
		t.Errorf("the revision is not marked as inferred: %+v", l.Items[0].Revision)
	}
	if v := verdicts(l)["logging/vector@arm-2"]; v.State != coverage.Outdated {
		t.Errorf("vector on arm-2: %s, want Outdated by the template generation", v.State)
	}
}

func TestWithoutDaemonSetsThereIsOneLine(t *testing.T) {
	k := as(t, "no-daemonsets", without(printedRole(t), "daemonsets"))
	oneLine(t, plugin(t, k, 2, "-A"), "may not list daemonsets.apps", "kubectl ds-coverage rbac")
}

func TestPodsOfOneNamespaceForbidden(t *testing.T) {
	role := without(printedRole(t), "pods")
	k := as(t, "some-pods", role)
	pods := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "list-pods"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}}}
	ctx := t.Context()
	if _, err := shared.client.RbacV1().ClusterRoles().Create(ctx, pods, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"kube-system", "logging", "monitoring", "maintenance", "gpu-operator", "storage", "security"} { // all but datadog
		b := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "list-pods", Namespace: ns},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "list-pods"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "some-pods"}},
		}
		if _, err := shared.client.RbacV1().RoleBindings(ns).Create(ctx, b, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "pods of "+ns, func() bool {
			r, err := k.Run(ctx, "auth", "can-i", "list", "pods", "-n", ns)
			return err == nil && r.Code == 0
		})
	}
	l := report(t, plugin(t, k, 0, "-A", "-o", "json", "--grace=0s"))
	for i := range l.Items {
		d := &l.Items[i]
		if blind := d.Namespace == "datadog"; blind != (d.Summary.Unknown > 0) {
			t.Errorf("%s/%s: %d unknown", d.Namespace, d.Name, d.Summary.Unknown)
		}
	}
}

// TestOnlyWhatIsNeededIsRead looks at what the API server saw of the user that
// has the least role, and of the plugin in general.
func TestOnlyWhatIsNeededIsRead(t *testing.T) {
	plugin(t, shared.kubectl, 0, "-A")
	f, err := os.Open(shared.cluster.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	allowed := []string{"nodes", "daemonsets", "controllerrevisions", "pods", "events", "namespaces", "leases"}
	seen := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e struct {
			Verb      string
			UserAgent string
			ObjectRef struct{ Resource, Subresource, Name string }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("reading the audit log: %v", err)
		}
		if !strings.HasPrefix(e.UserAgent, "kubectl-ds") {
			continue
		}
		seen++
		if e.Verb != "get" && e.Verb != "list" {
			t.Errorf("%s %s by %s: the plugin only reads", e.Verb, e.ObjectRef.Resource, e.UserAgent)
		}
		if e.ObjectRef.Resource == "leases" && (e.Verb != "get" || !strings.HasPrefix(e.ObjectRef.Name, "ds-rollout.")) {
			t.Errorf("%s lease %q by %s: only the Lease of a rollout is read, by its name", e.Verb, e.ObjectRef.Name, e.UserAgent)
		}
		if r := e.ObjectRef.Resource; r != "" && !slices.Contains(allowed, r) {
			t.Errorf("%s %s by %s: not one of %v", e.Verb, r, e.UserAgent, allowed)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("the audit log holds no request of the plugin: the user agent has changed")
	}
}

func TestACaptureGivesTheSameVerdicts(t *testing.T) {
	saved, plain := t.TempDir()+"/capture.json", t.TempDir()+"/plain.json"
	var at time.Time // what kubectl prints does not tell when it was read
	want := whileStill(t, func() {
		plugin(t, shared.kubectl, 0, "snapshot", "-A", "-o", saved)
		r, err := shared.kubectl.Run(t.Context(), "get", "nodes,daemonsets.apps,controllerrevisions.apps,pods,events,namespaces", "-A", "-o", "json")
		if err != nil || r.Code != 0 {
			t.Fatalf("kubectl get: %v %s", err, r.Stderr)
		}
		at = time.Now()
		if err := os.WriteFile(plain, []byte(r.Stdout), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	for _, args := range [][]string{{"--from", saved}, {"--from", plain, "--at", at.UTC().Format(time.RFC3339Nano)}} {
		got := reasonsByPair(report(t, plugin(t, shared.kubectl, 0, append(args, "-o", "json", "--grace=0s")...)))
		for pair, w := range want {
			if got[pair] != w {
				t.Errorf("%s from %s: %s, live %s", pair, args[1], got[pair], w)
			}
		}
	}
}

func TestNoValueOfAnEnvironmentIsSaved(t *testing.T) {
	const marker = "hunter2-marker"
	ctx := t.Context()
	if err := shared.cluster.CreateNamespace(ctx, "secrets-test", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteNamespace(t, "secrets-test") })
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "secrets-test", Name: "holder"},
		Spec: corev1.PodSpec{NodeName: "general-1", Containers: []corev1.Container{{
			Name: "main", Image: "registry.example/x:1", Env: []corev1.EnvVar{{Name: "PASSWORD", Value: marker}}, Args: []string{"--token=" + marker},
		}}},
	}
	if _, err := shared.client.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r := plugin(t, shared.kubectl, 0, "snapshot", "-A")
	if !strings.Contains(r.Stdout, `"holder"`) {
		t.Error("the capture lacks the pod: it proves nothing")
	}
	if strings.Contains(r.Stdout, marker) {
		t.Error("the capture holds the value of an environment variable or an argument")
	}
}
