package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// behaviour is how a template's pod fares on a node.
type behaviour struct {
	start time.Duration // until it is Ready
	never bool          // it never is: the image cannot be pulled
	crash time.Duration // it restarts that often and is never Ready
	flaps int           // it is Ready, loses it after 3s, and has it again, so often
	later time.Duration // it breaks for good, that long after it was Ready
}

var kubelet = who{actor: "kubelet", verb: "update"}

// startPod is scheduler and kubelet of one pod.
func (c *Cluster) startPod(key string, uid types.UID, node, template string) {
	b := c.behave(node, template)
	c.after(c.between(10*time.Millisecond, 100*time.Millisecond), func() {
		if c.nodes[node] == nil || c.dead[node] {
			return
		}
		c.editPod(kubelet, key, uid, func(p *snapshot.Pod) { p.Node = node })
		switch {
		case b.never:
		case b.crash > 0:
			c.crash(key, uid, node, b.crash, 6)
		default:
			c.after(b.start, func() { c.ready(key, uid, node, b) })
		}
	})
}

func (c *Cluster) crash(key string, uid types.UID, node string, every time.Duration, left int) {
	c.after(every, func() {
		if !c.dead[node] {
			c.editPod(kubelet, key, uid, func(p *snapshot.Pod) { p.Phase = corev1.PodRunning; p.Restarts++ })
		}
		if left > 0 {
			c.crash(key, uid, node, every*2, left-1)
		}
	})
}

func (c *Cluster) ready(key string, uid types.UID, node string, b behaviour) {
	p := c.pods[key]
	if c.dead[node] || p == nil || p.UID != uid || p.Deleted != 0 {
		return
	}
	c.setReady(key, uid, true)
	switch {
	case b.flaps > 0:
		b.flaps--
		c.after(c.between(2*time.Second, 4*time.Second), func() {
			c.setReady(key, uid, false)
			c.after(c.between(3*time.Second, 9*time.Second), func() { c.ready(key, uid, node, b) })
		})
	case b.later > 0:
		c.after(b.later, func() { c.setReady(key, uid, false) })
	}
}

func (c *Cluster) setReady(key string, uid types.UID, ready bool) {
	if p := c.pods[key]; p == nil || p.Ready == ready {
		return
	}
	c.editPod(kubelet, key, uid, func(p *snapshot.Pod) {
		p.Ready, p.Phase, p.ReadySince = ready, corev1.PodRunning, snapshot.Time(c.now.Unix())
	})
}

// deletePod is a graceful DELETE: the object stays until a kubelet has ended
// the pod, and for ever where there is none.
func (c *Cluster) deletePod(w who, p *snapshot.Pod) {
	key, uid := podKey(p), p.UID
	if c.pods[key].Deleted != 0 {
		return
	}
	w.verb = map[bool]string{true: "evict", false: "delete"}[w.verb == "evict"]
	if p.Node == "" || p.Terminal() {
		c.removePod(w, key)
		return
	}
	c.editPod(w, key, uid, func(p *snapshot.Pod) { p.Deleted = snapshot.Time(c.now.Add(30 * time.Second).Unix()) })
	c.endPod(key, uid, p.Node)
}

func (c *Cluster) endPod(key string, uid types.UID, node string) {
	if c.stuck[uid] || c.dead[node] {
		return
	}
	c.after(c.between(300*time.Millisecond, 5*time.Second), func() {
		if p := c.pods[key]; p != nil && p.UID == uid && p.Deleted != 0 && !c.dead[node] && !c.stuck[uid] {
			c.removePod(kubelet.does("remove"), key)
		}
	})
}

// lifecycleGrace is --node-monitor-grace-period of kube-controller-manager.
const lifecycleGrace = 40 * time.Second

var lifecycle = who{actor: "node-lifecycle", verb: "update"}

// kill takes a node's kubelet away; the lifecycle controller notices later.
func (c *Cluster) kill(node string) {
	if c.nodes[node] == nil || c.dead[node] {
		return
	}
	c.dead[node] = true
	uid := c.nodes[node].UID
	c.after(lifecycleGrace, func() {
		if n := c.nodes[node]; n == nil || n.UID != uid || !c.dead[node] {
			return
		}
		c.editNode(lifecycle, node, func(n *corev1.Node) {
			setNodeReady(n, corev1.ConditionUnknown)
			for _, e := range []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute} {
				n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeUnreachable, Effect: e})
			}
		})
		for _, key := range slices.Sorted(maps.Keys(c.pods)) {
			if p := c.pods[key]; p.Node == node && p.Ready {
				c.setReady(key, p.UID, false)
			}
		}
	})
}

// revive brings the kubelet back.
func (c *Cluster) revive(node string) {
	if !c.dead[node] || c.nodes[node] == nil {
		return
	}
	delete(c.dead, node)
	c.editNode(lifecycle, node, func(n *corev1.Node) {
		setNodeReady(n, corev1.ConditionTrue)
		n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeUnreachable })
	})
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		p := c.pods[key]
		if p.EffectiveNode() != node {
			continue
		}
		if p.Deleted != 0 {
			c.endPod(key, p.UID, node)
			continue
		}
		template := ""
		if h := p.Labels["controller-revision-hash"]; len(h) > 2 {
			template = h[2:]
		}
		c.startPod(key, p.UID, node, template)
	}
}

func setNodeReady(n *corev1.Node, s corev1.ConditionStatus) {
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: s}}
}

// AddNode makes a node.
func (c *Cluster) AddNode(w who, name, zone string) {
	n := &corev1.Node{}
	n.Name, n.UID = name, c.uid()
	n.CreationTimestamp.Time = c.now.Add(-time.Hour)
	n.Labels = map[string]string{"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone, "kubernetes.io/arch": "amd64", pool: "a"}
	n.Annotations = map[string]string{}
	setNodeReady(n, corev1.ConditionTrue)
	delete(c.dead, name)
	c.putNode(w.does("create"), n)
}

// dropNode deletes a node; the garbage collector of pods follows
// (pkg/controller/podgc, v1.37.2).
func (c *Cluster) dropNode(w who, name string) {
	if c.nodes[name] == nil {
		return
	}
	c.removeNode(w.does("delete"), name)
	var gone []types.UID
	for _, p := range c.pods {
		if p.Node == name {
			gone = append(gone, p.UID)
		}
	}
	c.after(c.between(time.Second, 20*time.Second), func() {
		for _, key := range slices.Sorted(maps.Keys(c.pods)) {
			if p := c.pods[key]; slices.Contains(gone, p.UID) {
				c.removePod(who{actor: "pod-gc", verb: "remove"}, key)
			}
		}
	})
}

// addWorkload puts a pod of a ReplicaSet on a node and returns its key.
func (c *Cluster) addWorkload(app, node string) string {
	c.uids++
	p := &snapshot.Pod{
		Namespace: "default", Name: fmt.Sprintf("%s-%05d", app, c.uids), UID: c.uid(), Node: node, Target: "",
		Owner: &snapshot.Owner{Kind: "ReplicaSet", Name: app, UID: types.UID(app)}, Phase: corev1.PodRunning, Ready: true,
		Labels: map[string]string{"app": app}, Requests: &snapshot.Requests{}, Full: &corev1.Pod{},
		Created: snapshot.Time(c.now.Unix()), ReadySince: snapshot.Time(c.now.Unix()),
	}
	c.putPod(who{actor: "replicaset-controller", verb: "create"}, p)
	return podKey(p)
}

// reschedule is the ReplicaSet's answer to a pod that left.
func (c *Cluster) reschedule(app string) {
	c.after(c.between(time.Second, 6*time.Second), func() {
		var free []string
		for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
			if n := c.nodes[name]; !n.Spec.Unschedulable && !c.dead[name] && len(n.Spec.Taints) == 0 {
				free = append(free, name)
			}
		}
		if len(free) == 0 {
			c.reschedule(app)
			return
		}
		c.addWorkload(app, free[c.rng.IntN(len(free))])
	})
}
