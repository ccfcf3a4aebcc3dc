package status

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// Sizes of the random world.
const (
	nodeCount      = 10
	daemonSetCount = 40
	podsUnderQuota = 45 // for a quarter of the DaemonSets: too few for all
	parallelWrites = 16
	quotaEvery     = 4 // every fourth DaemonSet lives in the namespace with the quota
)

func nodeName(i int) string { return fmt.Sprintf("node-%02d", i) }

// goneNode is a node that never existed.
const goneNode = "node-gone"

// world is the random world, and the choices that are still to come.
type world struct {
	t          *testing.T
	client     kubernetes.Interface
	reader     *kube.Reader
	r          *rand.Rand
	namespaces []string
	nodes      []string // names that nodes have, or had

	// last is what the plugin would say, of the last settled look.
	last  map[types.UID]*coverage.DaemonSetResult
	queue []func(context.Context) error // writes, drawn in order and sent in parallel
}

func newWorld(t *testing.T, c *cluster.Cluster, client kubernetes.Interface, r *rand.Rand) *world {
	t.Helper()
	w := &world{t: t, client: client, reader: newReader(t, c), r: r}
	for i := range nodeCount {
		w.nodes = append(w.nodes, nodeName(i))
	}
	ctx := t.Context()
	for _, ns := range []string{"oracle", "oracle-quota"} {
		w.addNamespace(c, ns)
	}
	// A quota that is used up leaves nodes without a pod: the only way for
	// current to stay below desired.
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "pods"}}
	quota.Spec.Hard = corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(podsUnderQuota, resource.DecimalSI)}
	if _, err := client.CoreV1().ResourceQuotas(w.namespaces[1]).Create(ctx, quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// addNamespace makes a namespace of the world. Foreign pods belong to an object
// in it: to one that exists, or the garbage collector would remove them.
func (w *world) addNamespace(c *cluster.Cluster, ns string) {
	w.t.Helper()
	if err := c.CreateNamespace(w.t.Context(), ns, nil); err != nil {
		w.t.Fatal(err)
	}
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: foreignOwner}}
	if _, err := w.client.CoreV1().ConfigMaps(ns).Create(w.t.Context(), owner, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.namespaces = append(w.namespaces, ns)
}

// later queues a write. Between drawing and sending, the controller may have
// deleted what is written to, and a quota may refuse what is created.
func (w *world) later(write func(context.Context) error) {
	w.queue = append(w.queue, func(ctx context.Context) error {
		err := write(ctx)
		switch {
		case err == nil, apierrors.IsNotFound(err), apierrors.IsConflict(err),
			apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota"),
			apierrors.IsInvalid(err) && strings.Contains(err.Error(), "if the object is being deleted"):
			return nil
		}
		return err
	})
}

// inOrder makes one write of those queued by draw, so that they are sent one
// after the other.
func (w *world) inOrder(draw func()) {
	start := len(w.queue)
	draw()
	writes := slices.Clone(w.queue[start:])
	w.queue = append(w.queue[:start], func(ctx context.Context) error {
		for _, write := range writes {
			if err := write(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// flush sends the queued writes.
func (w *world) flush(ctx context.Context) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelWrites)
	for _, write := range w.queue {
		g.Go(func() error { return write(ctx) })
	}
	w.queue = nil
	if err := g.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

// createDaemonSets draws the DaemonSets. Some share the labels of another one:
// their pods are told apart by their owner alone.
func (w *world) createDaemonSets() {
	for i := range daemonSetCount {
		ns, app := w.namespaces[0], fmt.Sprintf("agent-%02d", i)
		if i%quotaEvery == 0 {
			ns = w.namespaces[1]
		}
		if i%10 == 3 {
			app = fmt.Sprintf("agent-%02d", i-1)
		}
		d := newDaemonSet(w.r, ns, fmt.Sprintf("agent-%02d", i), app)
		w.later(func(ctx context.Context) error {
			_, err := w.client.AppsV1().DaemonSets(ns).Create(ctx, d, metav1.CreateOptions{})
			return err
		})
	}
	w.flush(w.t.Context())
}

// changeNodes makes some nodes, deletes some, and relabels and taints others.
func (w *world) changeNodes(have []*corev1.Node) {
	for i := range nodeCount {
		name := nodeName(i)
		exists := slices.ContainsFunc(have, func(n *corev1.Node) bool { return n.Name == name })
		labels := map[string]string{cluster.LostNodeLabel: "true"}
		if pool := oneOf(w.r, "a", "b", ""); pool != "" {
			labels[poolLabel] = pool
		}
		taints := randomTaints(w.r)
		switch {
		case exists && chance(w.r, 8):
			w.later(func(ctx context.Context) error {
				return w.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
			})
		case exists && chance(w.r, 45), !exists && chance(w.r, 75):
			w.later(func(ctx context.Context) error { return w.putNode(ctx, name, labels, taints) })
		}
	}
	w.flush(w.t.Context())
}

// putNode makes the node if it is not there, then sets labels and taints: the
// API server taints every new node as not ready.
func (w *world) putNode(ctx context.Context, name string, labels map[string]string, taints []corev1.Taint) error {
	nodes := w.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		n, err := nodes.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		n.Labels, n.Spec.Taints = labels, taints
		_, err = nodes.Update(ctx, n, metav1.UpdateOptions{})
		return err
	})
}

// changeDaemonSets draws new templates, rules and strategies.
func (w *world) changeDaemonSets(s *state) {
	for _, d := range s.DaemonSets {
		if calm(d.Spec.Template.Labels["app"]) {
			continue
		}
		next := d.DeepCopy()
		revise(w.r, next)
		w.later(func(ctx context.Context) error {
			return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
				d, err := w.client.AppsV1().DaemonSets(next.Namespace).Get(ctx, next.Name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				d.Spec = next.Spec
				_, err = w.client.AppsV1().DaemonSets(d.Namespace).Update(ctx, d, metav1.UpdateOptions{})
				return err
			})
		})
	}
	w.flush(w.t.Context())
}
