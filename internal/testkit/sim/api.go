package sim

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// What the server answers.
var (
	errConflict = errors.New("409 conflict")
	errNotFound = errors.New("404 not found")
	errTooMany  = errors.New("429 disruption budget")
	errLost     = errors.New("the response was lost")
	errBusy     = errors.New("503 unavailable")
)

// encode and decode of the run are the product's own: what is stored is what
// will be stored.
func encode(r *rollout.Run) string {
	b, err := rollout.EncodeRun(r)
	if err != nil {
		panic(fmt.Sprintf("encode the run: %v", err))
	}
	return string(b)
}

// write carries out one action, as the real driver will: one request, with
// the preconditions that the action brings.
func (c *Cluster) write(w who, a rollout.Action) error {
	switch a := a.(type) {
	case *rollout.Arm:
		return c.patchDS(w, a.UID, a.ResourceVersion, func(d *appsv1.DaemonSet) {
			d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
			d.Annotations[rollout.ArmAnnotation] = a.Armed.String()
			if a.Template != nil {
				d.Spec.Template = *a.Template
			}
		})
	case *rollout.HandBack:
		return c.patchDS(w, a.UID, a.ResourceVersion, func(d *appsv1.DaemonSet) {
			if a.Strategy != "" {
				d.Spec.UpdateStrategy.Type = appsv1.DaemonSetUpdateStrategyType(a.Strategy)
			}
			delete(d.Annotations, rollout.ArmAnnotation)
		})
	case *rollout.PutBack:
		t, err := rollout.TemplateOf(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: a.Data}})
		if err != nil {
			panic(err)
		}
		return c.patchDS(w, a.UID, a.ResourceVersion, func(d *appsv1.DaemonSet) {
			d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
			d.Spec.Template = *c.templates[templateID(t)]
		})
	case *rollout.Cordon:
		return c.patchNode(w, a.Node, a.UID, a.ResourceVersion, func(n *corev1.Node) {
			n.Spec.Unschedulable = true
			n.Annotations[rollout.MarkAnnotation] = a.Mark.String()
		})
	case *rollout.Uncordon:
		return c.patchNode(w, a.Node, a.UID, a.ResourceVersion, func(n *corev1.Node) {
			n.Spec.Unschedulable = a.Unschedulable
			delete(n.Annotations, rollout.MarkAnnotation)
		})
	case *rollout.DeletePod:
		return c.apiDelete(w.does("delete"), a.Namespace+"/"+a.Name, a.UID, a.ResourceVersion)
	case *rollout.Evict:
		return c.apiEvict(w.does("evict"), a.Namespace+"/"+a.Name, a.UID)
	case *rollout.CleanRevision:
		return c.cleanRevision(w, a)
	default:
		panic(fmt.Sprintf("no write for %T", a))
	}
}

func (c *Cluster) patchDS(w who, uid types.UID, rv string, change func(*appsv1.DaemonSet)) error {
	w.verb, w.uid, w.rv = "patch", uid, rv
	switch {
	case c.ds == nil:
		return errNotFound
	case uid != "" && c.ds.UID != uid, rv != "" && c.ds.ResourceVersion != rv:
		return errConflict
	}
	c.editDS(w, change)
	return nil
}

func (c *Cluster) patchNode(w who, name string, uid types.UID, rv string, change func(*corev1.Node)) error {
	w.verb, w.uid, w.rv = "patch", uid, rv
	n := c.nodes[name]
	switch {
	case n == nil:
		return errNotFound
	case uid != "" && n.UID != uid, rv != "" && n.ResourceVersion != rv:
		return errConflict
	}
	c.editNode(w, name, change)
	return nil
}

func (c *Cluster) apiDelete(w who, key string, uid types.UID, rv string) error {
	w.uid, w.rv = uid, rv
	p := c.pods[key]
	switch {
	case p == nil:
		return errNotFound
	case uid != "" && p.UID != uid, rv != "" && p.ResourceVersion != rv:
		return errConflict
	}
	c.deletePod(w, p)
	return nil
}

// apiEvict mirrors pkg/registry/core/pod/storage/eviction.go for pods with one
// budget or none.
func (c *Cluster) apiEvict(w who, key string, uid types.UID) error {
	w.uid = uid
	p := c.pods[key]
	switch {
	case p == nil:
		return errNotFound
	case uid != "" && p.UID != uid:
		return errConflict
	case p.Deleted != 0:
		return nil
	}
	app := p.Labels["app"]
	if keep, ok := c.budgets[app]; ok {
		ready := 0
		for _, q := range c.pods {
			if q.Labels["app"] == app && q.Ready && q.Deleted == 0 {
				ready++
			}
		}
		if ready-1 < keep {
			return errTooMany
		}
	}
	c.deletePod(w, p)
	if p.Owner != nil && p.Owner.Kind == "ReplicaSet" {
		c.reschedule(app)
	}
	return nil
}

func (c *Cluster) cleanRevision(w who, a *rollout.CleanRevision) error {
	w.verb, w.uid, w.rv = "patch", a.UID, a.ResourceVersion
	r := c.revs[a.Name]
	switch {
	case r == nil:
		return errNotFound
	case r.UID != a.UID || r.ResourceVersion != a.ResourceVersion:
		return errConflict
	}
	out := r.DeepCopy()
	delete(out.Annotations, rollout.ArmAnnotation)
	c.putRevision(w, out)
	return nil
}

// saveLease is the one write on the Lease, by its resourceVersion.
func (c *Cluster) saveLease(w who, rv string, change func(*lease)) error {
	w.verb, w.rv = "update", rv
	switch {
	case c.lease == nil:
		return errNotFound
	case c.lease.rv != rv:
		return errConflict
	}
	l := *c.lease
	l.takeover = false
	change(&l)
	if w.ours {
		l.seen = c.now
	}
	c.putLease(w, &l)
	return nil
}

// look merges what is read again into an older snapshot.
func (c *Cluster) look(old *snapshot.Snapshot, l rollout.Look) *snapshot.Snapshot {
	fresh := c.Snapshot()
	if l.All || old == nil {
		return fresh
	}
	out := &snapshot.Snapshot{Source: old.Source, DaemonSets: fresh.DaemonSets, Revisions: old.Revisions, AllPods: true}
	for _, n := range old.Nodes {
		if n.Name != l.Node {
			out.Nodes = append(out.Nodes, n)
		} else if f := c.nodes[l.Node]; f != nil {
			out.Nodes = append(out.Nodes, f)
		}
	}
	for i := range old.Pods {
		if p := &old.Pods[i]; p.EffectiveNode() != l.Node || !l.Pods {
			out.Pods = append(out.Pods, *p)
		}
	}
	for i := range fresh.Pods {
		if p := &fresh.Pods[i]; p.EffectiveNode() == l.Node && l.Pods {
			out.Pods = append(out.Pods, *p)
		}
	}
	out.Sort()
	return out
}
