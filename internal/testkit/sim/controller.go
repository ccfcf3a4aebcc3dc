package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var controller = who{actor: "daemonset-controller"}

func (w who) does(verb string) who { w.verb = verb; return w }

// kick wakes the DaemonSet controller.
func (c *Cluster) kick() {
	if c.kicked {
		return
	}
	c.kicked = true
	c.after(c.between(5*time.Millisecond, 200*time.Millisecond), func() {
		c.kicked = false
		c.sync()
	})
}

// sync mirrors syncDaemonSet (pkg/controller/daemon/daemon_controller.go):
// history, then manage, then the rolling update, then status.
func (c *Cluster) sync() {
	d := c.ds
	if d == nil || d.DeletionTimestamp != nil {
		return
	}
	cur := c.history(d)
	byNode := c.daemonPods()
	changed := c.manage(d, cur, byNode)
	if !changed && d.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		c.rollingUpdate(cur, byNode)
	}
	status := c.status(d)
	if c.ds == d && !reflect.DeepEqual(d.Status, status) {
		out := copyDS(d)
		out.Status = status
		c.putDS(controller.does("update"), out)
	}
}

// status counts as updateDaemonSetStatus does: a pod that is ending and still
// ready is available, and a node that lost eligibility is not looked at.
func (c *Cluster) status(d *appsv1.DaemonSet) appsv1.DaemonSetStatus {
	out := appsv1.DaemonSetStatus{ObservedGeneration: d.Generation}
	byNode := c.daemonPods()
	for name, n := range c.nodes {
		if run, _ := shouldRun(&d.Spec.Template.Spec, n); run {
			out.DesiredNumberScheduled++
			if pods := byNode[name]; len(pods) > 0 && pods[0].Ready {
				out.NumberAvailable++
			}
		}
	}
	out.NumberUnavailable = out.DesiredNumberScheduled - out.NumberAvailable
	return out
}

// history finds or makes the revision of the template; the newest has the
// highest number, and a template that comes back raises its old revision.
func (c *Cluster) history(d *appsv1.DaemonSet) *appsv1.ControllerRevision {
	id := templateID(&d.Spec.Template)
	var found *appsv1.ControllerRevision
	top := int64(0)
	for _, r := range c.revs {
		top = max(top, r.Revision)
		if revisionID(r) == id {
			found = r
		}
	}
	switch {
	case found == nil:
		yes := true
		found = &appsv1.ControllerRevision{Revision: top + 1, Data: revisionData(&d.Spec.Template)}
		found.Name, found.Namespace, found.UID = Name+"-"+id, Namespace, c.uid()
		found.CreationTimestamp = metav1.NewTime(c.now)
		found.Labels = map[string]string{appsv1.DefaultDaemonSetUniqueLabelKey: hashPrefix + id}
		found.Annotations = maps.Clone(d.Annotations) // all of them, ours included
		found.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: Name, UID: d.UID, Controller: &yes}}
		c.putRevision(controller.does("create"), found)
	case found.Revision != top:
		out := found.DeepCopy()
		out.Revision = top + 1
		c.putRevision(controller.does("update"), out)
		found = out
	}
	return found
}

const hashPrefix = "h-"

// revisionID is the templateID of a revision.
func revisionID(r *appsv1.ControllerRevision) string {
	return strings.TrimPrefix(r.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], hashPrefix)
}

// revisionData is what getPatch makes of a template
// (pkg/controller/daemon/update.go, v1.37.2).
func revisionData(t *templateSpec) runtime.RawExtension {
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return runtime.RawExtension{Raw: fmt.Appendf(nil, `{"spec":{"template":{"$patch":"replace",%s}}`, raw[1:])}
}

// daemonPods groups the pods of the DaemonSet by node, by name.
func (c *Cluster) daemonPods() map[string][]*snapshot.Pod {
	out := map[string][]*snapshot.Pod{}
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		if p := c.pods[key]; p.Owner != nil && p.Owner.UID == c.ds.UID {
			out[p.EffectiveNode()] = append(out[p.EffectiveNode()], p)
		}
	}
	return out
}

// manage creates and deletes so that the right nodes have a pod
// (podsShouldBeOnNode, v1.37.2). A pod that is ending blocks its successor.
func (c *Cluster) manage(d *appsv1.DaemonSet, cur *appsv1.ControllerRevision, byNode map[string][]*snapshot.Pod) bool {
	changed := false
	for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
		n := c.nodes[name]
		run, stay := shouldRun(&d.Spec.Template.Spec, n)
		pods := byNode[name]
		for _, p := range pods {
			if p.Terminal() && p.Deleted == 0 {
				c.deletePod(controller, p)
				changed = true
			}
		}
		switch {
		case run && len(pods) == 0:
			c.createPod(d, cur, name)
			changed = true
		case !stay:
			for _, p := range pods {
				if p.Deleted == 0 {
					c.deletePod(controller, p)
					changed = true
				}
			}
		}
	}
	return changed
}

// rollingUpdate mirrors the branch maxSurge=0 with maxUnavailable=1
// (pkg/controller/daemon/update.go, v1.37.2): old pods that are not available
// go at once, whatever the budget.
func (c *Cluster) rollingUpdate(cur *appsv1.ControllerRevision, byNode map[string][]*snapshot.Pod) {
	hash := cur.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
	unavailable := 0
	var allowed, candidates []*snapshot.Pod
	for _, name := range slices.Sorted(maps.Keys(byNode)) {
		var oldPod, newPod *snapshot.Pod
		for _, p := range byNode[name] {
			switch {
			case p.Deleted != 0:
			case p.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] == hash:
				newPod = p
			default:
				oldPod = p
			}
		}
		switch {
		case oldPod == nil && newPod == nil, oldPod != nil && newPod != nil:
			unavailable++
		case newPod != nil:
			if !newPod.Ready {
				unavailable++
			}
		case !oldPod.Ready:
			allowed = append(allowed, oldPod)
			unavailable++
		default:
			candidates = append(candidates, oldPod)
		}
	}
	c.rng.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	allowed = append(allowed, candidates[:min(len(candidates), max(0, 1-unavailable))]...)
	for _, p := range allowed {
		c.deletePod(controller, p)
	}
}

func (c *Cluster) createPod(d *appsv1.DaemonSet, cur *appsv1.ControllerRevision, node string) {
	c.uids++
	p := &snapshot.Pod{
		Namespace: Namespace, Name: fmt.Sprintf("%s-%05d", Name, c.uids), UID: c.uid(), Target: node,
		Owner: &snapshot.Owner{Kind: "DaemonSet", Name: Name, UID: d.UID}, Phase: corev1.PodPending,
		Created: snapshot.Time(c.now.Unix()), Requests: &snapshot.Requests{},
		Labels: map[string]string{
			"app": Name, appsv1.DefaultDaemonSetUniqueLabelKey: cur.Labels[appsv1.DefaultDaemonSetUniqueLabelKey],
			"pod-template-generation": d.Annotations[appsv1.DeprecatedTemplateGeneration],
		},
	}
	c.putPod(controller.does("create"), p)
	c.startPod(podKey(p), p.UID, node, revisionID(cur))
}

// defaults are the tolerations that the controller adds.
var defaults = []check.Toleration{
	{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute"},
	{Key: "node.kubernetes.io/unreachable", Operator: "Exists", Effect: "NoExecute"},
	{Key: "node.kubernetes.io/unschedulable", Operator: "Exists", Effect: "NoSchedule"},
}

// shouldRun is the controller's rule, for what the worlds here use.
func shouldRun(t *corev1.PodSpec, n *corev1.Node) (run, stay bool) {
	for k, v := range t.NodeSelector {
		if n.Labels[k] != v {
			return false, false
		}
	}
	run, stay = true, true
	for _, taint := range n.Spec.Taints {
		ok := false
		for _, o := range t.Tolerations {
			ok = ok || o.Operator == corev1.TolerationOpExists && (o.Key == "" || o.Key == taint.Key) && (o.Effect == "" || o.Effect == taint.Effect)
		}
		for _, o := range defaults {
			ok = ok || o.Key == taint.Key && o.Effect == string(taint.Effect)
		}
		if !ok {
			run = false
			stay = stay && taint.Effect != corev1.TaintEffectNoExecute
		}
	}
	return run, stay
}
