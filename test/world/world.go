package world

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

//go:embed manifests/daemonsets.yaml
var manifests []byte

// World is a deployed world.
type World struct {
	client kubernetes.Interface
	say    func(format string, args ...any)
}

// Deploy creates nodes and DaemonSets, waits until all is well that can be,
// and then breaks things, one kind of gap after the other. say is told what
// happens, a line a step.
func Deploy(ctx context.Context, c *cluster.Cluster, say func(format string, args ...any)) (*World, error) {
	cfg := c.RESTConfig()
	cfg.WarningHandler = rest.NoWarnings{} // the server warns of what is broken here on purpose
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	w := &World{client: client, say: say}
	for _, step := range []func(context.Context, *cluster.Cluster) error{w.namespaces, w.nodes, w.squatters, w.daemonSets, w.breakPods, w.breakNodes} {
		if err := step(ctx, c); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// DaemonSets decodes the manifests.
func DaemonSets() ([]*appsv1.DaemonSet, error) {
	var out []*appsv1.DaemonSet
	for dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096); ; {
		d := &appsv1.DaemonSet{}
		if err := dec.Decode(d); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("decoding manifests: %w", err)
		}
		if d.Name != "" {
			out = append(out, d)
		}
	}
}

func (w *World) namespaces(ctx context.Context, c *cluster.Cluster) error {
	for _, ns := range []string{"logging", "monitoring", "datadog", "maintenance", "gpu-operator", "storage", "security", "team-a"} {
		if err := c.CreateNamespace(ctx, ns, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) nodes(ctx context.Context, _ *cluster.Cluster) error {
	nodes := Nodes()
	w.say("%d nodes join: three zones, two architectures, a control plane, GPUs, a virtual node", len(nodes))
	return simnode.Create(ctx, w.client, nodes...)
}

// squatters are the pods that are there first: one holds a host port, one most
// of the small node.
func (w *World) squatters(ctx context.Context, _ *cluster.Cluster) error {
	for _, p := range []*corev1.Pod{
		pod("team-a", "legacy-metrics", "general-3", "10m", corev1.ContainerPort{ContainerPort: 9100, HostPort: 9100}),
		pod("team-a", "api-7d9f6c", Small, "150m"),
	} {
		if _, err := w.client.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating pod %s/%s: %w", p.Namespace, p.Name, err)
		}
	}
	return nil
}

func (w *World) daemonSets(ctx context.Context, _ *cluster.Cluster) error {
	sets, err := DaemonSets()
	if err != nil {
		return err
	}
	w.say("%d DaemonSets are deployed: network, logs, metrics, node maintenance, GPU, storage, security", len(sets))
	for _, d := range sets {
		if _, err := w.client.AppsV1().DaemonSets(d.Namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating daemonset %s/%s: %w", d.Namespace, d.Name, err)
		}
	}
	// How many pods can become ready at all, before anything is broken.
	for _, s := range []struct {
		namespace, name string
		ready           int
	}{
		{"kube-system", "cilium", 15}, {"monitoring", "node-exporter", 14}, {"logging", "vector", 11},
		{"datadog", "datadog-agent", 10}, {"maintenance", "kured", 11}, {"gpu-operator", "nvidia-device-plugin", 2},
		{"storage", "fsx-csi-node", 11}, {"security", "falco", 11},
	} {
		if _, err := simnode.WaitDaemonSet(ctx, w.client, s.namespace, s.name, simnode.Ready(s.ready)); err != nil {
			return err
		}
	}
	return nil
}

// PodOn returns the live pod of a DaemonSet on a node, once there is one that
// is not before.
func (w *World) PodOn(ctx context.Context, namespace, app, node string, before types.UID) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
			LabelSelector: "app=" + app, FieldSelector: "spec.nodeName=" + node,
		})
		if err != nil {
			return nil, fmt.Errorf("listing pods of %s on %s: %w", app, node, err)
		}
		for i := range list.Items {
			if p := &list.Items[i]; p.DeletionTimestamp == nil && p.UID != before && p.Status.Phase == corev1.PodRunning {
				return p, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a pod of %s on %s: %w", app, node, ctx.Err())
		case <-tick.C:
		}
	}
}

// Join lets a node join.
func (w *World) Join(ctx context.Context, name string) error {
	return simnode.Create(ctx, w.client, Joiner(name))
}

// Leave removes a node, as an autoscaler does.
func (w *World) Leave(ctx context.Context, name string) error {
	if err := w.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("deleting node %s: %w", name, err)
	}
	return nil
}

func pod(namespace, name, node, cpu string, ports ...corev1.ContainerPort) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{
			NodeName: node,
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.example/" + name + ":1", Ports: ports,
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: quantity(cpu)}},
			}},
		},
	}
}
