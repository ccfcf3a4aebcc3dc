package rollout

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Armed is the content of ArmAnnotation.
type Armed struct {
	Run      string `json:"run"`      // run id, or "arm" for the subcommand
	Original string `json:"original"` // updateStrategy.type before
	Rearms   int    `json:"rearms,omitempty"`
	// By set the strategy back before the rearm, by the managed fields, which
	// tell it no more after. Untrusted.
	By string `json:"by,omitempty"`
}

// ArmedOf reads the annotation of a DaemonSet; nil where there is none. One
// that cannot be read is an error: it must not be written over.
func ArmedOf(d *appsv1.DaemonSet) (*Armed, error) {
	raw, ok := d.Annotations[ArmAnnotation]
	if !ok {
		return nil, nil
	}
	var a Armed
	if err := strict([]byte(raw), &a); err != nil {
		return nil, fmt.Errorf("annotation %s: %w", ArmAnnotation, err)
	}
	return &a, nil
}

// String is the annotation's value.
func (a Armed) String() string {
	b, _ := json.Marshal(a)
	return string(b)
}

// Mark is the content of MarkAnnotation: who cordoned the node, and what
// spec.unschedulable was before.
type Mark struct {
	Run   string `json:"run"`
	Epoch int64  `json:"epoch"`
	Prior bool   `json:"prior"`
}

// MarkOf reads the annotation of a node; nil where there is none. What cannot
// be read belongs to somebody else.
func MarkOf(n *corev1.Node) *Mark {
	raw, ok := n.Annotations[MarkAnnotation]
	if !ok {
		return nil
	}
	var m Mark
	if err := strict([]byte(raw), &m); err != nil {
		return &Mark{Run: "?"}
	}
	return &m
}

// String is the annotation's value.
func (m Mark) String() string {
	b, _ := json.Marshal(m)
	return string(b)
}
