package sim

import (
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// What other people and machines do to the cluster.

// taint keeps new pods off a node; for goes 0 it stays.
func taint(s *Sim, node string, goes time.Duration) {
	t := corev1.Taint{Key: "dedicated", Value: "batch", Effect: corev1.TaintEffectNoSchedule}
	s.editNode(operator, node, func(n *corev1.Node) {
		n.Spec.Taints = append(slices.DeleteFunc(n.Spec.Taints, func(x corev1.Taint) bool { return x.Key == t.Key }), t)
	})
	if goes > 0 {
		s.after(goes, func() {
			s.editNode(operator, node, func(n *corev1.Node) {
				n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(x corev1.Taint) bool { return x.Key == t.Key })
			})
		})
	}
}

// retire takes a node away from templates that are narrow: pods of one that
// does not fit are ended.
func (c *Cluster) retire(node string, by narrow) {
	c.editNode(operator, node, func(n *corev1.Node) {
		if by.selector {
			delete(n.Labels, pool)
		} else {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "retired", Effect: corev1.TaintEffectNoExecute})
		}
	})
}

func setTemplate(s *Sim, id string) {
	if s.ds != nil {
		s.editDS(operator, func(d *appsv1.DaemonSet) { d.Spec.Template = *s.templates[id] })
	}
}

// flip is what a GitOps tool does to a strategy that is not in its manifest;
// some tools take the annotation away, too.
func flip(s *Sim, annotation bool) {
	if s.ds == nil || s.armed == "OnDelete" {
		return
	}
	s.editDS(who{actor: "gitops", verb: "patch"}, func(d *appsv1.DaemonSet) {
		d.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
		if annotation {
			delete(d.Annotations, rollout.ArmAnnotation)
		}
	})
}

// dropDS deletes the DaemonSet; the garbage collector follows with what it
// owned, the Lease included. With again somebody makes it anew.
func dropDS(s *Sim, again bool) {
	if s.ds == nil {
		return
	}
	uid := s.ds.UID
	s.bump()
	old := dsObject(s.ds)
	s.ds = nil
	s.log(operator.does("delete"), "DaemonSet", Namespace, Name, old, nil)
	if again {
		s.after(200*time.Millisecond, func() { s.newDS(s.w) })
	}
	s.after(s.between(time.Second, 10*time.Second), func() {
		for _, key := range slices.Sorted(maps.Keys(s.pods)) {
			if p := s.pods[key]; p.Owner != nil && p.Owner.UID == uid {
				s.deletePod(who{actor: "garbage-collector"}, p)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.revs)) {
			if r := s.revs[name]; r.OwnerReferences[0].UID == uid {
				s.bump()
				delete(s.revs, name)
				s.log(who{actor: "garbage-collector", verb: "remove"}, "ControllerRevision", Namespace, name, revisionObject(r), nil)
			}
		}
		if s.lease != nil {
			s.putLease(who{actor: "garbage-collector", verb: "remove"}, nil)
		}
	})
}

// evictDaemon is the kubelet under pressure: the pod fails and is replaced, on
// the current revision.
func (c *Cluster) evictDaemon(node string) {
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		if p := c.pods[key]; p.Node == node && p.Owner.Kind == "DaemonSet" && p.Deleted == 0 {
			c.editPod(kubelet, key, p.UID, func(p *snapshot.Pod) { p.Phase, p.Ready = corev1.PodFailed, false })
		}
	}
}

// breakPod makes the pod of a node lose its readiness for good.
func (c *Cluster) breakPod(node string) {
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		if p := c.pods[key]; p.Node == node && p.Owner.Kind == "DaemonSet" {
			c.setReady(key, p.UID, false)
		}
	}
}

// stickPod deletes the pod of a node, and something (a finalizer, a hung
// process) keeps it from ending for a while; it stays ready meanwhile.
func (c *Cluster) stickPod(node string, stays time.Duration) {
	for _, key := range slices.Sorted(maps.Keys(c.pods)) {
		p := c.pods[key]
		if p.Node != node || p.Owner.Kind != "DaemonSet" || p.Deleted != 0 {
			continue
		}
		c.stuck[p.UID] = true
		c.deletePod(operator, p)
		c.after(stays, func() {
			delete(c.stuck, p.UID)
			c.endPod(key, p.UID, node)
		})
		return
	}
}

// disarm is somebody who tidies annotations that are not in a manifest.
func disarm(s *Sim) {
	if s.ds != nil {
		s.editDS(who{actor: "gitops", verb: "patch"}, func(d *appsv1.DaemonSet) { delete(d.Annotations, rollout.ArmAnnotation) })
	}
}
