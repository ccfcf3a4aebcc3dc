package status

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// state is what was read: as coverage takes it, and the pods in full.
type state struct {
	snapshot.Snapshot
	pods []corev1.Pod
}

// read lists everything of the namespaces: what the reader of the product must
// do without half of it (plugin) is judged against this.
func read(ctx context.Context, client kubernetes.Interface, namespaces ...string) (*state, error) {
	s := &state{}
	var in snapshot.Interner
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range nodes.Items {
		s.Nodes = append(s.Nodes, &nodes.Items[i])
	}
	for _, ns := range namespaces {
		sets, err := client.AppsV1().DaemonSets(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		revisions, err := client.AppsV1().ControllerRevisions(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		pods, err := client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for i := range sets.Items {
			s.DaemonSets = append(s.DaemonSets, &sets.Items[i])
		}
		for i := range revisions.Items {
			s.Revisions = append(s.Revisions, &revisions.Items[i])
		}
		s.pods = append(s.pods, pods.Items...)
	}
	// The names of pods are random; their places and ages are less so.
	slices.SortFunc(s.pods, func(a, b corev1.Pod) int {
		return strings.Compare(a.Namespace+a.GenerateName+place(&a)+a.CreationTimestamp.String()+a.Name,
			b.Namespace+b.GenerateName+place(&b)+b.CreationTimestamp.String()+b.Name)
	})
	for i := range s.pods {
		s.Pods = append(s.Pods, in.Pod(&s.pods[i]))
	}
	s.Sort()
	return s, nil
}

// plugin reads and judges as kubectl ds-coverage does: the lists that it
// chooses, then what the first analysis asks for in addition.
func plugin(ctx context.Context, reader *kube.Reader) (map[types.UID]*coverage.DaemonSetResult, error) {
	s, err := reader.Read(ctx, kube.Request{})
	if err != nil {
		return nil, err
	}
	opts := coverage.Options{Now: s.Source.TakenAt}
	r := coverage.Analyze(s, opts)
	if more := r.Needs(); !more.Empty() {
		if err := reader.ReadMore(ctx, s, more); err != nil {
			return nil, err
		}
		r = coverage.Analyze(s, opts)
	}
	if len(s.Incomplete) > 0 {
		return nil, fmt.Errorf("reads failed: %+v", s.Incomplete)
	}
	out := make(map[types.UID]*coverage.DaemonSetResult, len(r.DaemonSets))
	for i := range r.DaemonSets {
		out[r.DaemonSets[i].DaemonSet.UID] = &r.DaemonSets[i]
	}
	return out, nil
}

func newReader(t *testing.T, c *cluster.Cluster) *kube.Reader {
	t.Helper()
	r, err := kube.NewReader(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func place(p *corev1.Pod) string {
	if p.Spec.NodeName != "" {
		return p.Spec.NodeName
	}
	return snapshot.TargetNode(p)
}

// podsNear are the pods that may matter to a DaemonSet.
func (s *state) podsNear(d *appsv1.DaemonSet) []*corev1.Pod {
	var out []*corev1.Pod
	for i := range s.pods {
		p := &s.pods[i]
		if p.Namespace == d.Namespace && (p.Labels["app"] == d.Spec.Template.Labels["app"] || metav1.IsControlledBy(p, d)) {
			out = append(out, p)
		}
	}
	return out
}

// fingerprint changes with whatever the controller could look at.
func (s *state) fingerprint(d *appsv1.DaemonSet) string {
	var b strings.Builder
	b.WriteString(d.ResourceVersion)
	for _, n := range s.Nodes {
		b.WriteString("," + string(n.UID) + n.ResourceVersion)
	}
	for _, p := range s.podsNear(d) {
		b.WriteString("," + string(p.UID) + p.ResourceVersion)
	}
	for _, r := range s.Revisions {
		if metav1.IsControlledBy(r, d) {
			b.WriteString("," + r.ResourceVersion)
		}
	}
	return b.String()
}

// reported is what the controller wrote.
func reported(d *appsv1.DaemonSet) coverage.Counts {
	s := &d.Status
	return coverage.Counts{
		Desired: int64(s.DesiredNumberScheduled), Current: int64(s.CurrentNumberScheduled), Ready: int64(s.NumberReady),
		Updated: int64(s.UpdatedNumberScheduled), Available: int64(s.NumberAvailable), Misscheduled: int64(s.NumberMisscheduled),
	}
}

// describe prints a DaemonSet's world for a failure.
func (s *state) describe(d *appsv1.DaemonSet) string {
	var b strings.Builder
	rules, _ := json.Marshal(map[string]any{
		"strategy": d.Spec.UpdateStrategy, "minReadySeconds": d.Spec.MinReadySeconds, "generation": d.Generation,
		"templateGeneration": d.Annotations[appsv1.DeprecatedTemplateGeneration], "template": d.Spec.Template.Spec, "status": d.Status,
	})
	fmt.Fprintf(&b, "DaemonSet %s/%s %s\n", d.Namespace, d.Name, rules)
	for _, r := range s.Revisions {
		if metav1.IsControlledBy(r, d) {
			fmt.Fprintf(&b, "  revision %d %s\n", r.Revision, r.Name)
		}
	}
	for _, n := range s.Nodes {
		fmt.Fprintf(&b, "  node %s pool=%q taints=%v\n", n.Name, n.Labels[poolLabel], n.Spec.Taints)
	}
	for _, p := range s.podsNear(d) {
		fmt.Fprintf(&b, "  pod %s node=%q target=%q phase=%s deleted=%v labels=%v owners=%v created=%s conditions=%v\n", p.Name, p.Spec.NodeName,
			snapshot.TargetNode(p), p.Status.Phase, p.DeletionTimestamp, p.Labels, p.OwnerReferences, p.CreationTimestamp.UTC(), p.Status.Conditions)
	}
	return b.String()
}

func (w *world) patch(p *corev1.Pod, metadata map[string]any) {
	w.later(func(ctx context.Context) error {
		return mergePatch(ctx, w.client, p, map[string]any{"metadata": metadata})
	})
}

func (w *world) patchStatus(p *corev1.Pod, status map[string]any) {
	w.later(func(ctx context.Context) error {
		return mergePatch(ctx, w.client, p, map[string]any{"status": status}, "status")
	})
}

func mergePatch(ctx context.Context, client kubernetes.Interface, p *corev1.Pod, patch map[string]any, subresources ...string) error {
	data, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, data, metav1.PatchOptions{}, subresources...)
	return err
}
