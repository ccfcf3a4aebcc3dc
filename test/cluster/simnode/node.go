package simnode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// Node describes a simulated node. Only Name is needed.
type Node struct {
	Name          string
	Labels        map[string]string // beside hostname, os and arch
	Annotations   map[string]string
	Taints        []corev1.Taint
	Allocatable   corev1.ResourceList // default 8 CPUs, 32Gi, 110 pods
	Unschedulable bool                // cordoned
	Lost          bool                // never had a heartbeat
}

// Nodes makes count nodes named prefix-0, prefix-1 and so on. change, if not
// nil, sees each before it is returned.
func Nodes(prefix string, count int, change func(i int, n *Node)) []Node {
	nodes := make([]Node, count)
	for i := range nodes {
		nodes[i].Name = fmt.Sprintf("%s-%d", prefix, i)
		if change != nil {
			change(i, &nodes[i])
		}
	}
	return nodes
}

// Object is the Node as it is created.
func (n Node) Object() *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: n.Name,
			Labels: map[string]string{
				corev1.LabelHostname: n.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			},
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"},
		},
		Spec: corev1.NodeSpec{Taints: n.Taints, Unschedulable: n.Unschedulable},
	}
	maps.Copy(node.Labels, n.Labels)
	maps.Copy(node.Annotations, n.Annotations)
	allocatable := n.Allocatable
	if allocatable == nil {
		allocatable = corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("8"),
			corev1.ResourceMemory: resource.MustParse("32Gi"),
			corev1.ResourcePods:   resource.MustParse("110"),
		}
	}
	node.Status.Allocatable, node.Status.Capacity = allocatable, allocatable.DeepCopy()
	if n.Lost {
		node.Labels[cluster.LostNodeLabel] = "true"
		setUnknown(node, metav1.Now())
	}
	return node
}

// Create makes the nodes and waits until those that are not lost are Ready and
// the taint of a node that just joined is gone.
func Create(ctx context.Context, client kubernetes.Interface, nodes ...Node) error {
	err := each(len(nodes), func(i int) error {
		if _, err := client.CoreV1().Nodes().Create(ctx, nodes[i].Object(), metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating node %s: %w", nodes[i].Name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var ready []string
	for _, n := range nodes {
		if !n.Lost {
			ready = append(ready, n.Name)
		}
	}
	return WaitReady(ctx, client, ready...)
}

// WaitReady waits until the nodes are Ready and carry no condition's taint.
func WaitReady(ctx context.Context, client kubernetes.Interface, names ...string) error {
	return waitNodes(ctx, client, "ready", names, func(node *corev1.Node) bool {
		return readyStatus(node) == corev1.ConditionTrue &&
			!hasTaint(node, corev1.TaintNodeNotReady) && !hasTaint(node, corev1.TaintNodeUnreachable)
	})
}

// waitNodes looks at all nodes in one request: a world may have thousands.
func waitNodes(ctx context.Context, client kubernetes.Interface, what string, names []string, ok func(*corev1.Node) bool) error {
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := withDeadline(ctx, time.Minute+time.Duration(len(names))*20*time.Millisecond)
	defer cancel()
	var open []string
	err := poll(ctx, func() (bool, error) {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return false, fmt.Errorf("listing nodes: %w", err)
		}
		done := make(map[string]bool, len(list.Items))
		for i := range list.Items {
			done[list.Items[i].Name] = ok(&list.Items[i])
		}
		open = open[:0]
		for _, name := range names {
			if !done[name] {
				open = append(open, name)
			}
		}
		return len(open) == 0, nil
	})
	if err != nil && len(open) > 0 {
		return fmt.Errorf("waiting for %d of %d nodes to be %s, %s among them: %w", len(open), len(names), what, open[0], err)
	}
	return err
}

func readyStatus(node *corev1.Node) corev1.ConditionStatus {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return ""
}

func hasTaint(node *corev1.Node, key string) bool {
	for _, t := range node.Spec.Taints {
		if t.Key == key {
			return true
		}
	}
	return false
}

// withDeadline gives every wait an end, also when the caller's context has none.
func withDeadline(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("gave up after %s", limit))
}

func poll(ctx context.Context, check func() (bool, error)) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		done, err := check()
		if done {
			return nil
		}
		// A request cut off by our own deadline says less than the deadline.
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// each runs f for 0 to n-1, a few at once.
func each(n int, f func(i int) error) error {
	const workers = 16
	work := make(chan int)
	errs := make(chan error)
	for range workers {
		go func() {
			var err error
			for i := range work {
				if err == nil {
					err = f(i)
				}
			}
			errs <- err
		}()
	}
	for i := range n {
		work <- i
	}
	close(work)
	var all []error
	for range workers {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
