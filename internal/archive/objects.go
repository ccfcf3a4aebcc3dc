package archive

import (
	"encoding/json"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// The kind is dropped from what is kept: clients give none in lists either,
// and both sources are to give the same snapshot.

func (c *collector) addNode(raw []byte) error {
	o := &corev1.Node{}
	if err := named(raw, o); err != nil {
		return err
	}
	o.TypeMeta = metav1.TypeMeta{}
	c.newest.node(o)
	c.snap.Nodes = append(c.snap.Nodes, snapshot.TrimNode(o))
	return nil
}

func (c *collector) addDaemonSet(raw []byte) error {
	o := &appsv1.DaemonSet{}
	if err := named(raw, o); err != nil {
		return err
	}
	o.TypeMeta = metav1.TypeMeta{}
	c.newest.daemonSet(o)
	if c.scope.Match(o) {
		c.snap.DaemonSets = append(c.snap.DaemonSets, snapshot.TrimDaemonSet(o))
	}
	return nil
}

func (c *collector) addRevision(raw []byte) error {
	o := &appsv1.ControllerRevision{}
	if err := named(raw, o); err != nil {
		return err
	}
	o.TypeMeta = metav1.TypeMeta{}
	c.newest.at(o.CreationTimestamp)
	if ref := metav1.GetControllerOfNoCopy(o); ref != nil && ref.Kind == "DaemonSet" {
		var err error
		if o.Data.Raw, err = canonical(o.Data.Raw); err != nil {
			return err
		}
		c.snap.Revisions = append(c.snap.Revisions, snapshot.TrimRevision(o))
	}
	return nil
}

// canonical is raw with its keys in order and without white space, as the
// controller writes the data of a revision and clients see it: kubectl prints
// it indented.
func canonical(raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var v any
	if err := decode(raw, &v); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return json.Marshal(v)
}

func (c *collector) addPod(raw []byte) error {
	o := &corev1.Pod{}
	if err := named(raw, o); err != nil {
		return err
	}
	o.TypeMeta = metav1.TypeMeta{}
	c.newest.pod(o)
	p := c.in.Pod(o)
	if o.Annotations[compactAnnotation] != "" {
		p.Full = nil // the rest of it was never saved
	}
	c.snap.Pods = append(c.snap.Pods, p)
	c.podNamespace(p.Namespace)
	return nil
}

func (c *collector) addNamespace(raw []byte) error {
	o := &corev1.Namespace{}
	if err := named(raw, o); err != nil {
		return err
	}
	c.newest.at(o.CreationTimestamp)
	if o.Name == metav1.NamespaceSystem {
		c.snap.Source.ClusterUID = o.UID
	}
	c.snap.Namespaces = append(c.snap.Namespaces, snapshot.NamespaceOf(o))
	return nil
}

// addLease takes in who drives a rollout; Leases of nodes and controllers only
// tell how late it is.
func (c *collector) addLease(raw []byte) error {
	o := &coordinationv1.Lease{}
	if err := named(raw, o); err != nil {
		return err
	}
	c.skipped["Lease.coordination.k8s.io"]++
	if o.Spec.RenewTime != nil {
		c.newest.time(o.Spec.RenewTime.Time)
	}
	if snapshot.IsRolloutLease(o.Name) {
		c.snap.Leases = append(c.snap.Leases, snapshot.LeaseOf(o))
	}
	return nil
}

func (c *collector) addEvent(raw []byte) error {
	o := &corev1.Event{}
	if err := decode(raw, o); err != nil {
		return err
	}
	c.event(o)
	return nil
}

// addSeriesEvent reads the same event under its newer names.
func (c *collector) addSeriesEvent(raw []byte) error {
	n := &eventsv1.Event{}
	if err := decode(raw, n); err != nil {
		return err
	}
	o := &corev1.Event{
		ObjectMeta:     n.ObjectMeta,
		InvolvedObject: n.Regarding,
		Reason:         n.Reason,
		Message:        n.Note,
		Type:           n.Type,
		Count:          n.DeprecatedCount,
		LastTimestamp:  n.DeprecatedLastTimestamp,
		EventTime:      n.EventTime,
	}
	if n.Series != nil {
		o.Series = &corev1.EventSeries{Count: n.Series.Count, LastObservedTime: n.Series.LastObservedTime}
	}
	c.event(o)
	return nil
}

func (c *collector) event(o *corev1.Event) {
	c.newest.event(o)
	if o.Type == corev1.EventTypeWarning { // all that is read from a live cluster
		c.snap.Events = append(c.snap.Events, c.in.EventOf(o))
	}
}

func (c *collector) addHeader(raw []byte) error {
	if c.header != nil {
		return errors.New("the capture has two headers: captures were joined, pass one of them")
	}
	h := &header{}
	if err := decode(raw, h); err != nil {
		return err
	}
	c.header = h
	return nil
}
