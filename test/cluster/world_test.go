package cluster_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// world is one cluster that several tests look at.
type world struct {
	*cluster.Cluster
	client kubernetes.Interface
}

func start(t *testing.T, opts cluster.Options) world {
	t.Helper()
	if opts.Progress == nil {
		opts.Progress = os.Stderr
	}
	c, err := cluster.Start(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return world{c, client}
}

func (w world) daemonSet(t *testing.T, name string, change func(*appsv1.DaemonSet)) {
	t.Helper()
	ds := simnode.DaemonSet(metav1.NamespaceDefault, name, change)
	if _, err := w.client.AppsV1().DaemonSets(ds.Namespace).Create(t.Context(), ds, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (w world) wait(t *testing.T, name string, conditions ...simnode.Condition) {
	t.Helper()
	if _, err := simnode.WaitDaemonSet(t.Context(), w.client, metav1.NamespaceDefault, name, conditions...); err != nil {
		t.Fatal(err)
	}
}

// counted is wait where a node has got a taint that the pod may stay under. The
// controller stops counting that node, but looks at the DaemonSet for another
// reason only (syncNodeUpdate of pkg/controller/daemon, v1.37.2): here, for an
// annotation. It may hold a node that is older than that, so it gets several.
func (w world) counted(t *testing.T, name string, conditions ...simnode.Condition) {
	t.Helper()
	sets := w.client.AppsV1().DaemonSets(metav1.NamespaceDefault)
	n := 0
	eventually(t, "the count of "+name, func() bool {
		n++
		patch := fmt.Sprintf(`{"metadata":{"annotations":{"looked-at":"%d"}}}`, n)
		ds, err := sets.Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(conditions, func(met simnode.Condition) bool { return !met.Met(ds) })
	})
}

// pod waits for the pod of a DaemonSet on a node to be as wanted.
func (w world) pod(t *testing.T, ds, node string, want func(corev1.Pod) bool) corev1.Pod {
	t.Helper()
	var pod corev1.Pod
	eventually(t, "pod of "+ds+" on "+node, func() bool {
		list, err := w.client.CoreV1().Pods(metav1.NamespaceDefault).List(t.Context(),
			metav1.ListOptions{LabelSelector: "app=" + ds, FieldSelector: "spec.nodeName=" + node})
		if err != nil || len(list.Items) != 1 {
			return false
		}
		pod = list.Items[0]
		return want(pod)
	})
	return pod
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !check() {
		select {
		case <-deadline:
			t.Fatalf("gave up waiting for %s", what)
		case <-ticker.C:
		}
	}
}

func ready(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func waitingFor(reason string) func(corev1.Pod) bool {
	return func(pod corev1.Pod) bool {
		s := pod.Status.ContainerStatuses
		return len(s) == 1 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == reason
	}
}

func TestWorld(t *testing.T) {
	w := start(t, cluster.Options{
		FeatureGates: map[string]bool{"TaintTolerationComparisonOperators": true},
		Stages:       []string{cluster.ExecOnHost},
	})
	dir, pids := w.Dir(), w.PIDs()
	began := time.Now()
	if err := simnode.Create(t.Context(), w.client, simnode.Nodes("node", 20, nil)...); err != nil {
		t.Fatal(err)
	}
	t.Logf("20 nodes ready after %s", time.Since(began))
	began = time.Now()
	w.daemonSet(t, "healthy", nil)
	w.wait(t, "healthy", simnode.Scheduled(20), simnode.Ready(20))
	t.Logf("20 pods ready after %s", time.Since(began))

	t.Run("a pod template asks for a fault", func(t *testing.T) { testBehaviours(t, w) })
	t.Run("a test breaks one pod", func(t *testing.T) { testPatchedPods(t, w) })
	t.Run("a node is lost and comes back", func(t *testing.T) { testLostNode(t, w) })
	t.Run("a user may only what RBAC grants", func(t *testing.T) { testUser(t, w) })
	t.Run("a missing service account is an event", func(t *testing.T) { testNoAccount(t, w) })
	t.Run("a feature gate is on everywhere", func(t *testing.T) { testGate(t, w) })
	t.Run("kubectl exec runs a command", func(t *testing.T) { testExec(t, w) })
	t.Run("the audit log tells who", func(t *testing.T) { testAudit(t, w) })
	t.Run("a paused controller does nothing until resumed", func(t *testing.T) { testPause(t, w) })
	t.Run("the API server comes back with its data", func(t *testing.T) { testRestart(t, w) })

	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("folder %s is still there: %v", dir, err)
	}
	noProcesses(t, pids)
}

func testBehaviours(t *testing.T, w world) {
	const node = "node-3"
	only := func(annotations ...string) func(*appsv1.DaemonSet) {
		return func(ds *appsv1.DaemonSet) {
			a := ds.Spec.Template.Annotations
			for i := 0; i < len(annotations); i += 2 {
				a[annotations[i]] = annotations[i+1]
			}
			a[simnode.NodesAnnotation] = "node-1," + node
		}
	}
	w.daemonSet(t, simnode.CrashLoop, only(simnode.StartAnnotation, simnode.CrashLoop, simnode.ExitCodeAnnotation, "137"))
	w.daemonSet(t, simnode.CrashLater, only(simnode.StartAnnotation, simnode.CrashLater, simnode.StartDelayAnnotation, "1s"))
	w.daemonSet(t, simnode.ImagePull, only(simnode.StartAnnotation, simnode.ImagePull))
	w.daemonSet(t, simnode.ConfigError, only(simnode.StartAnnotation, simnode.ConfigError))
	w.daemonSet(t, simnode.MountError, only(simnode.StartAnnotation, simnode.MountError))
	w.daemonSet(t, simnode.NeverReady, only(simnode.StartAnnotation, simnode.NeverReady))
	w.daemonSet(t, simnode.SlowReady, only(simnode.StartAnnotation, simnode.SlowReady, simnode.StartDelayAnnotation, "1s"))
	w.daemonSet(t, simnode.StuckStop, only(simnode.StopAnnotation, simnode.StuckStop))
	w.daemonSet(t, "slow-stop", only(simnode.StopAnnotation, simnode.SlowStop, simnode.StopDelayAnnotation, "1s"))

	crashed := w.pod(t, simnode.CrashLoop, node, waitingFor("CrashLoopBackOff"))
	if last := crashed.Status.ContainerStatuses[0].LastTerminationState.Terminated; last == nil || last.ExitCode != 137 || last.Reason != "OOMKilled" {
		t.Errorf("last state of the crashed container = %+v, want exit code 137, OOMKilled", last)
	}
	w.wait(t, simnode.CrashLoop, simnode.Scheduled(20), simnode.Ready(18))
	w.pod(t, simnode.ImagePull, node, waitingFor("ImagePullBackOff"))
	w.pod(t, simnode.ConfigError, node, waitingFor("CreateContainerConfigError"))
	w.pod(t, simnode.MountError, node, waitingFor("ContainerCreating"))
	w.pod(t, simnode.NeverReady, node, func(pod corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && !ready(pod) })
	w.wait(t, simnode.SlowReady, simnode.Scheduled(20), simnode.Ready(20))
	later := w.pod(t, simnode.CrashLater, node, waitingFor("CrashLoopBackOff"))
	if later.Status.ContainerStatuses[0].RestartCount != 1 {
		t.Errorf("restarts = %d, want 1", later.Status.ContainerStatuses[0].RestartCount)
	}

	terminating := func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil }
	for _, name := range []string{simnode.StuckStop, "slow-stop"} {
		pod := w.pod(t, name, node, ready)
		if err := w.client.CoreV1().Pods(pod.Namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	w.pod(t, "slow-stop", node, terminating)
	w.pod(t, "slow-stop", node, func(pod corev1.Pod) bool { return !terminating(pod) && ready(pod) })
	stuck := w.pod(t, simnode.StuckStop, node, terminating)
	stuck.Annotations[simnode.StopAnnotation] = ""
	if _, err := w.client.CoreV1().Pods(stuck.Namespace).Update(t.Context(), &stuck, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.pod(t, simnode.StuckStop, node, func(pod corev1.Pod) bool { return !terminating(pod) && ready(pod) })
}

func testPatchedPods(t *testing.T, w world) {
	w.daemonSet(t, "patched", nil)
	w.wait(t, "patched", simnode.Scheduled(20), simnode.Ready(20))
	one := w.pod(t, "patched", "node-1", ready)
	two := w.pod(t, "patched", "node-2", ready)
	three := w.pod(t, "patched", "node-3", ready)
	if err := simnode.Crash(t.Context(), w.client, one.Namespace, one.Name, simnode.CrashReport{ExitCode: 3, Restarts: 7}); err != nil {
		t.Fatal(err)
	}
	if err := simnode.FailImagePull(t.Context(), w.client, two.Namespace, two.Name, ""); err != nil {
		t.Fatal(err)
	}
	if err := simnode.SetReady(t.Context(), w.client, three.Namespace, three.Name, false); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "patched", simnode.Scheduled(20), simnode.Ready(17))
	w.pod(t, "patched", "node-1", waitingFor("CrashLoopBackOff"))
	events, err := w.client.CoreV1().Events(one.Namespace).List(t.Context(), metav1.ListOptions{
		FieldSelector: "type=Warning,reason=BackOff,involvedObject.name=" + one.Name})
	if err != nil || len(events.Items) != 1 || events.Items[0].Source.Host != "node-1" {
		t.Errorf("events of the crashed pod = %+v, %v; want one BackOff from node-1", events.Items, err)
	}
	if err := simnode.SetReady(t.Context(), w.client, three.Namespace, three.Name, true); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "patched", simnode.Ready(18))
}

func testLostNode(t *testing.T, w world) {
	if err := simnode.Lose(t.Context(), w.client, "node-7"); err != nil {
		t.Fatal(err)
	}
	pod := w.pod(t, "healthy", "node-7", ready)
	if err := w.client.CoreV1().Pods(pod.Namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.pod(t, "healthy", "node-7", func(p corev1.Pod) bool { return p.UID == pod.UID && p.DeletionTimestamp != nil })
	if err := simnode.Return(t.Context(), w.client, "node-7"); err != nil {
		t.Fatal(err)
	}
	w.pod(t, "healthy", "node-7", func(p corev1.Pod) bool { return p.UID != pod.UID && ready(p) })

	if err := simnode.Create(t.Context(), w.client, simnode.Node{Name: "born-lost", Lost: true}); err != nil {
		t.Fatal(err)
	}
	if err := simnode.WaitLost(t.Context(), w.client, "born-lost"); err != nil {
		t.Fatal(err)
	}
}

func testUser(t *testing.T, w world) {
	path, err := w.UserKubeconfig("reader", "viewers")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing nodes as reader: %v, want forbidden", err)
	}
}

func testNoAccount(t *testing.T, w world) {
	w.daemonSet(t, "no-account", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.ServiceAccountName = "nobody" })
	eventually(t, "FailedCreate", func() bool {
		events, err := w.client.CoreV1().Events(metav1.NamespaceDefault).List(t.Context(), metav1.ListOptions{
			FieldSelector: "reason=FailedCreate,involvedObject.name=no-account"})
		return err == nil && len(events.Items) > 0 && strings.Contains(events.Items[0].Message, "error looking up service account")
	})
}

// testGate uses an operator that exists behind the gate only: the API server
// accepts it, and the controller makes a pod for the tainted node.
func testGate(t *testing.T, w world) {
	err := simnode.Create(t.Context(), w.client, simnode.Node{
		Name: "graded", Taints: []corev1.Taint{{Key: "grade", Value: "700", Effect: corev1.TaintEffectNoExecute}}})
	if err != nil {
		t.Fatal(err)
	}
	w.daemonSet(t, "graded", func(ds *appsv1.DaemonSet) {
		ds.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "graded"}
		ds.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: "grade", Operator: "Gt", Value: "500"}}
	})
	w.wait(t, "graded", simnode.Scheduled(1), simnode.Ready(1))
}

func testExec(t *testing.T, w world) {
	pod := w.pod(t, "healthy", "node-1", ready)
	cmd := exec.CommandContext(t.Context(), w.KubectlPath(), "exec", pod.Name, "--", "echo", "hello")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.Kubeconfig())
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "hello\n" {
		t.Errorf("kubectl exec prints %q (%v), want hello", out, err)
	}
}

func testAudit(t *testing.T, w world) {
	log, err := os.ReadFile(w.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"username":"system:serviceaccount:kube-system:daemon-set-controller"`,
		`"username":"system:kube-scheduler"`,
		`"level":"RequestResponse"`,
	} {
		if !strings.Contains(string(log), want) {
			t.Errorf("the audit log does not hold %s", want)
		}
	}
}

func testPause(t *testing.T, w world) {
	if err := w.Pause(cluster.ControllerManager); err != nil {
		t.Fatal(err)
	}
	w.daemonSet(t, "paused", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := simnode.WaitDaemonSet(ctx, w.client, metav1.NamespaceDefault, "paused"); err == nil {
		t.Error("the paused controller observed a DaemonSet")
	}
	if err := w.Resume(cluster.ControllerManager); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "paused", simnode.Scheduled(20), simnode.Ready(20))
}

func testRestart(t *testing.T, w world) {
	if err := w.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.daemonSet(t, "after-restart", nil)
	w.wait(t, "after-restart", simnode.Scheduled(20), simnode.Ready(20)) // not on the lost one
}
