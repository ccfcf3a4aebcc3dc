package coverage

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// dimension is a property by which nodes are compared.
type dimension struct {
	value func(*corev1.Node) string // as shown; empty for unknown
	label string                    // put before the value where the value alone says too little
}

var dimensions = []dimension{
	{value: func(n *corev1.Node) string {
		if k, v := poolOf(n); k != "" {
			return k + "=" + v
		}
		return ""
	}},
	{value: instanceType},
	{value: arch},
	{value: zone, label: "zone "},
	{value: func(n *corev1.Node) string { return n.Status.NodeInfo.OperatingSystem }},
	{value: func(n *corev1.Node) string { return n.Status.NodeInfo.KubeletVersion }, label: "kubelet "},
	{value: func(n *corev1.Node) string { return n.Status.NodeInfo.KernelVersion }, label: "kernel "},
}

func arch(n *corev1.Node) string { return n.Labels[corev1.LabelArchStable] }

func instanceType(n *corev1.Node) string { return n.Labels[corev1.LabelInstanceTypeStable] }

func zone(n *corev1.Node) string { return n.Labels[corev1.LabelTopologyZone] }

// shared says what some nodes have in common that the others of the cluster
// have not: they are all of a pool, or all arm64, or the youngest. Empty where
// nothing tells them apart.
func shared(all []*corev1.Node, group []int32, now time.Time) string {
	return sharedBy(dimensions, all, group, now)
}

func sharedBy(dimensions []dimension, all []*corev1.Node, group []int32, now time.Time) string {
	if len(group) < 2 || len(group) == len(all) {
		if len(group) > 1 {
			return fmt.Sprintf("all %d", len(group))
		}
		return ""
	}
	partly := ""
	for _, d := range dimensions {
		value := d.value(all[group[0]])
		if value == "" || slices.ContainsFunc(group, func(i int32) bool { return d.value(all[i]) != value }) {
			continue
		}
		having := 0
		for _, n := range all {
			if d.value(n) == value {
				having++
			}
		}
		switch {
		case having == len(all):
			// Every node has it: that tells nothing.
		case having == len(group):
			return fmt.Sprintf("all %d of %s%s", len(group), d.label, value)
		case partly == "":
			partly = fmt.Sprintf("all %d are %s%s, as %s", len(group), d.label, value, more(having-len(group)))
		}
	}
	if text := youngest(all, group, now); text != "" {
		return text
	}
	return partly
}

func more(n int) string {
	if n == 1 {
		return "is 1 more"
	}
	return fmt.Sprintf("are %d more", n)
}

// youngest says that the group is exactly the newest nodes of the cluster.
func youngest(all []*corev1.Node, group []int32, now time.Time) string {
	in := make(map[int32]bool, len(group))
	oldest := snapshot.Time(0)
	for _, i := range group {
		in[i] = true
		if t := snapshot.TimeOf(&all[i].CreationTimestamp); t == 0 {
			return ""
		} else if oldest == 0 || t < oldest {
			oldest = t
		}
	}
	for i, n := range all {
		if !in[int32(i)] && snapshot.TimeOf(&n.CreationTimestamp) >= oldest {
			return ""
		}
	}
	return fmt.Sprintf("the %d youngest, all joined in the last %s", len(group), age(now, oldest))
}

// onlyArch returns the architecture that all failing nodes have and no healthy
// one has; empty if there is none, or too few nodes to tell.
func onlyArch(all []*corev1.Node, failing, healthy []int32) string {
	if len(failing) < 2 || len(healthy) < 2 {
		return ""
	}
	a := arch(all[failing[0]])
	other := func(i int32) bool { return arch(all[i]) != a }
	same := func(i int32) bool { return arch(all[i]) == a }
	if a == "" || slices.ContainsFunc(failing, other) || slices.ContainsFunc(healthy, same) {
		return ""
	}
	return a
}
