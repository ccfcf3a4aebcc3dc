package rollout

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/audit"
)

// as lets all further commands of this world run as an administrator of that
// name, whom nobody else is: what such a user wrote is what those commands
// wrote.
func (w *world) as(t *testing.T, name string) string {
	t.Helper()
	user := w.name + "-" + name
	path, err := shared.cluster.UserKubeconfig(user, "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	w.kubectl = shared.kubectl.As(path)
	return user
}

// wrote are the requests of a user that could have changed something.
func (w *world) wrote(t *testing.T, user string) []audit.Request {
	t.Helper()
	if err := shared.log.Read(); err != nil {
		t.Fatal(err)
	}
	return shared.log.Requests(user)
}

// wroteNothing demands that a user sent no write at all, not even one that was
// refused.
func (w *world) wroteNothing(t *testing.T, user string) {
	t.Helper()
	for _, r := range w.wrote(t, user) {
		t.Errorf("it sent %s", r)
	}
}

// stored is the run in the Lease.
func (w *world) stored(t *testing.T) *core.Run {
	t.Helper()
	lease, err := shared.client.CoordinationV1().Leases(w.name).Get(t.Context(), core.LeaseName(agent), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := kube.UnpackRun(lease.Annotations[runAnnotation])
	if err != nil {
		t.Fatal(err)
	}
	run, err := core.DecodeRun(plain)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// runAnnotation is spelled out, as all that a judge looks at.
const runAnnotation = "kubectl-ds.github.io/run"

// rewrite changes what the Lease stores of the run, as somebody with an editor
// would.
func (w *world) rewrite(t *testing.T, change func(packed string) string) (before string) {
	t.Helper()
	leases := shared.client.CoordinationV1().Leases(w.name)
	lease, err := leases.Get(t.Context(), core.LeaseName(agent), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before = lease.Annotations[runAnnotation]
	lease.Annotations[runAnnotation] = change(before)
	if _, err := leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return before
}

// taint puts a taint on nodes, or takes it off.
func (w *world) taint(t *testing.T, taint *corev1.Taint, nodes ...string) {
	t.Helper()
	for _, name := range nodes {
		node, err := shared.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		node.Spec.Taints = nil
		if taint != nil {
			node.Spec.Taints = []corev1.Taint{*taint}
		}
		if _, err := shared.client.CoreV1().Nodes().Update(t.Context(), node, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) nodeObject(t *testing.T, name string) *corev1.Node {
	t.Helper()
	n, err := shared.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
