package rollout

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

const (
	// agent is the DaemonSet of every world, and its container.
	agent = "agent"
	// worldLabel on nodes says whose they are.
	worldLabel = "sim.local/world"
	oldImage   = "registry.example/agent:1"
	newImage   = "registry.example/agent:2"
)

// world is a namespace, nodes and a DaemonSet on them that only one test
// touches, so that tests can run side by side.
type world struct {
	name    string // of the namespace, and what its nodes' names begin with
	kubectl *kubectl.Kubectl
	// before is the DaemonSet before any run, and cordoned are the nodes that
	// were so.
	before   *appsv1.DaemonSet
	cordoned map[string]bool

	mu        sync.Mutex
	processes []*process
}

// worldOptions change a world before it is made.
type worldOptions struct {
	node      func(i int, n *simnode.Node)
	daemonSet func(ds *appsv1.DaemonSet)
	// down is how many nodes do not get a ready pod.
	down int
}

var (
	worlds      atomic.Int32
	notInANames = regexp.MustCompile(`[^a-z0-9]+`)
)

// newWorld makes a world and waits until its pods are ready.
func newWorld(t *testing.T, nodes int, opts worldOptions) *world {
	t.Helper()
	short := strings.Trim(notInANames.ReplaceAllString(strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), "-"), "-")
	w := &world{
		name:    fmt.Sprintf("w%d-%.40s", worlds.Add(1), short),
		kubectl: shared.kubectl, cordoned: map[string]bool{},
	}
	w.name = strings.TrimRight(w.name, "-")
	if err := shared.cluster.CreateNamespace(t.Context(), w.name, nil); err != nil {
		t.Fatal(err)
	}
	list := simnode.Nodes(w.name, nodes, func(i int, n *simnode.Node) {
		n.Labels = map[string]string{
			worldLabel:               w.name,
			corev1.LabelTopologyZone: string(rune('a' + i%3)),
		}
		if opts.node != nil {
			opts.node(i, n)
		}
		w.cordoned[n.Name] = n.Unschedulable
	})
	if err := simnode.Create(t.Context(), shared.client, list...); err != nil {
		t.Fatal(err)
	}
	ds := simnode.DaemonSet(w.name, agent, func(ds *appsv1.DaemonSet) {
		c := &ds.Spec.Template.Spec.Containers[0]
		c.Name, c.Image = agent, oldImage
		ds.Spec.Template.Spec.NodeSelector = map[string]string{worldLabel: w.name}
		ds.Spec.Template.Annotations[simnode.StartDelayAnnotation] = "2s"
		if opts.daemonSet != nil {
			opts.daemonSet(ds)
		}
	})
	// As by kubectl: a manager that is not known may be an operator, which
	// would set the template back.
	if _, err := shared.client.AppsV1().DaemonSets(w.name).Create(t.Context(), ds, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
		t.Fatal(err)
	}
	w.before = w.settled(t, simnode.Scheduled(nodes), simnode.Ready(nodes-opts.down))
	return w
}

// proxied gives kubectl, and all further commands of this world, a proxy that
// can break what is between them and the server.
func (w *world) proxied(t *testing.T, seed uint64) (*faultproxy.Proxy, *kubectl.Kubectl) {
	t.Helper()
	p, err := faultproxy.NewSeeded(shared.cluster.RESTConfig(), seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	path, err := p.Kubeconfig(t.TempDir(), contextName)
	if err != nil {
		t.Fatal(err)
	}
	w.kubectl = shared.kubectl.As(path)
	return p, w.kubectl
}

// node is the name of the i-th node.
func (w *world) node(i int) string { return fmt.Sprintf("%s-%d", w.name, i) }

// mine tells the world's nodes, those that join later too.
func (w *world) mine(node string) bool { return strings.HasPrefix(node, w.name+"-") }

// settled waits for the DaemonSet.
func (w *world) settled(t *testing.T, conditions ...simnode.Condition) *appsv1.DaemonSet {
	t.Helper()
	ds, err := simnode.WaitDaemonSet(t.Context(), shared.client, w.name, agent, conditions...)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func (w *world) daemonSet(ctx context.Context, t *testing.T) *appsv1.DaemonSet {
	t.Helper()
	ds, err := shared.client.AppsV1().DaemonSets(w.name).Get(ctx, agent, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// patch changes the DaemonSet, as somebody else would.
func (w *world) patch(t *testing.T, patch string) {
	t.Helper()
	_, err := shared.client.AppsV1().DaemonSets(w.name).Patch(t.Context(), agent, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-patch"})
	if err != nil {
		t.Fatal(err)
	}
}

// pods are the DaemonSet's, by node; one that is ending only where there is no
// other.
func (w *world) pods(t *testing.T) map[string]corev1.Pod {
	t.Helper()
	list, err := shared.client.CoreV1().Pods(w.name).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + agent})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]corev1.Pod{}
	for _, p := range list.Items {
		if old, ok := out[p.Spec.NodeName]; !ok || old.DeletionTimestamp != nil {
			out[p.Spec.NodeName] = p
		}
	}
	return out
}

// images counts the pods of each image that are ready.
func (w *world) images(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, p := range w.pods(t) {
		if ready(&p) {
			out[p.Spec.Containers[0].Image]++
		}
	}
	return out
}

// all demands that every pod is ready and of one image.
func (w *world) all(t *testing.T, image string, nodes int) {
	t.Helper()
	if got := w.images(t); len(got) != 1 || got[image] != nodes {
		t.Errorf("ready pods by image are %v, want %d of %s", got, nodes, image)
	}
}

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}

// eventually polls with a deadline.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("waited a minute for %s", what)
		case <-tick.C:
		}
	}
}
