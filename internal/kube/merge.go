package kube

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// podsOfNode are the pods bound to one node; without a name those that wait for
// room on any.
type podsOfNode struct {
	node string
	pods []snapshot.Pod
}

// moreResult is all that a second pass read.
type moreResult struct {
	owned      []ownedPods
	events     []eventsOf
	namespaces []snapshot.Namespace
	nodes      []podsOfNode
	leases     []snapshot.Lease
}

func (m *moreResult) mergeInto(snap *snapshot.Snapshot) {
	snap.Pods = m.mergeNodes(mergeOwned(snap.Pods, m.owned), snap)
	for _, l := range m.events {
		snap.Events = slices.DeleteFunc(snap.Events, func(e snapshot.Event) bool {
			// Events about nodes live in the namespace default.
			return l.namespace == "" || e.Namespace == l.namespace ||
				e.Namespace == "" && l.namespace == metav1.NamespaceDefault
		})
		snap.Events = append(snap.Events, l.events...)
	}
	read := map[string]bool{}
	for _, ns := range m.namespaces {
		read[ns.Name] = true
	}
	snap.Namespaces = slices.DeleteFunc(snap.Namespaces, func(ns snapshot.Namespace) bool { return read[ns.Name] })
	snap.Namespaces = append(snap.Namespaces, m.namespaces...)
	snap.Leases = slices.DeleteFunc(snap.Leases, func(old snapshot.Lease) bool {
		return slices.ContainsFunc(m.leases, func(l snapshot.Lease) bool { return l.Namespace == old.Namespace && l.Name == old.Name })
	})
	snap.Leases = append(snap.Leases, m.leases...)
}

// mergeNodes adds the pods of nodes. A pod that is already there is replaced,
// the node's list being newer; one that is not in the node's list stays, since
// its successor may just not be there yet, and only a DaemonSet's own list may
// say that a pod is missing.
func (m *moreResult) mergeNodes(pods []snapshot.Pod, snap *snapshot.Snapshot) []snapshot.Pod {
	if len(m.nodes) == 0 {
		return pods
	}
	owners := map[types.UID]bool{}
	byNamespace := map[string][]ownedPods{}
	for _, l := range m.owned {
		owners[l.uid] = true
		byNamespace[l.namespace] = append(byNamespace[l.namespace], l)
	}
	newer := map[types.UID]snapshot.Pod{}
	var order []types.UID
	for _, l := range m.nodes {
		if snap.FullNodes == nil {
			snap.FullNodes = map[string]bool{}
		}
		if l.node != "" {
			snap.FullNodes[l.node] = true
		}
		for _, pod := range l.pods {
			if !spokenFor(&pod, owners, byNamespace) {
				newer[pod.UID] = pod
				order = append(order, pod.UID)
			}
		}
	}
	for i := range pods {
		if pod, ok := newer[pods[i].UID]; ok {
			pods[i] = pod
			delete(newer, pod.UID)
		}
	}
	for _, uid := range order {
		if pod, ok := newer[uid]; ok {
			pods = append(pods, pod)
			delete(newer, uid)
		}
	}
	return pods
}
