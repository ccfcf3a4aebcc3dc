package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

const leases = "leases"

// errUnguarded is a write whose preconditions would hold for any object.
var errUnguarded = errors.New("it names no uid, or no version: it is not sent")

// Lease is the lock of a DaemonSet's run and what is stored in it.
type Lease struct {
	Namespace, Name string
	UID             types.UID
	ResourceVersion string
	Holder          string // empty: free to take
	Duration        time.Duration
	Renewed         time.Time // by the holder's clock: for people, never for a decision
	Epoch           int64     // leaseTransitions
	Run             []byte    // as rollout.EncodeRun gives it
	Intents         []byte    // as rollout.EncodeIntents gives it
	Host            string    // what tells the holder's machine from others, may be empty
	Owner           *metav1.OwnerReference
}

// hostAnnotation is beside the holder's name, which people read.
const hostAnnotation = "kubectl-ds.github.io/host"

// Lease reads one, as it is now; nil where there is none.
func (w *Writer) Lease(ctx context.Context, namespace, name string) (*Lease, error) {
	obj := &coordinationv1.Lease{}
	err := w.coordination.Get().Namespace(namespace).Resource(leases).Name(name).Do(ctx).Into(obj)
	switch {
	case noSuchObject(err):
		return nil, nil
	case err != nil:
		return nil, leaseError("get", namespace, name, err)
	}
	return leaseOf(obj)
}

func leaseError(verb, namespace, name string, err error) error {
	return &RequestError{Verb: verb, Group: coordinationv1.GroupName, Resource: leases, Namespace: namespace, Name: name, Err: err}
}

// CreateLease makes a Lease; somebody else's is a conflict.
func (w *Writer) CreateLease(ctx context.Context, l *Lease) (*Lease, error) {
	obj, err := l.object()
	if err != nil {
		return nil, err
	}
	out := &coordinationv1.Lease{}
	err = w.coordination.Post().Namespace(l.Namespace).Resource(leases).
		VersionedParams(&metav1.CreateOptions{DryRun: w.dry(), FieldManager: UserAgent}, scheme.ParameterCodec).
		MaxRetries(0).Body(obj).Do(ctx).Into(out)
	if err != nil {
		return nil, leaseError("create", l.Namespace, l.Name, err)
	}
	return leaseOf(out)
}

// UpdateLease writes a Lease whose resourceVersion is still the server's.
func (w *Writer) UpdateLease(ctx context.Context, l *Lease) (*Lease, error) {
	if l.UID == "" || l.ResourceVersion == "" {
		return nil, leaseError("update", l.Namespace, l.Name, errUnguarded)
	}
	obj, err := l.object()
	if err != nil {
		return nil, err
	}
	out := &coordinationv1.Lease{}
	err = w.coordination.Put().Namespace(l.Namespace).Resource(leases).Name(l.Name).
		VersionedParams(&metav1.UpdateOptions{DryRun: w.dry(), FieldManager: UserAgent}, scheme.ParameterCodec).
		MaxRetries(0).Body(obj).Do(ctx).Into(out)
	if err != nil {
		return nil, leaseError("update", l.Namespace, l.Name, err)
	}
	return leaseOf(out)
}

// DeleteLease removes a Lease that is as it was.
func (w *Writer) DeleteLease(ctx context.Context, l *Lease) error {
	if l.UID == "" || l.ResourceVersion == "" {
		return leaseError("delete", l.Namespace, l.Name, errUnguarded)
	}
	opts := &metav1.DeleteOptions{DryRun: w.dry(), Preconditions: &metav1.Preconditions{UID: &l.UID, ResourceVersion: &l.ResourceVersion}}
	err := w.coordination.Delete().Namespace(l.Namespace).Resource(leases).Name(l.Name).MaxRetries(0).Body(opts).Do(ctx).Error()
	if err != nil {
		return leaseError("delete", l.Namespace, l.Name, err)
	}
	return nil
}

func (l *Lease) object() (*coordinationv1.Lease, error) {
	run, err := PackRun(l.Run)
	if err != nil {
		return nil, err
	}
	if len(run) > rollout.MaxRunBytes {
		return nil, fmt.Errorf("the run takes %d KiB in its Lease, and %d are allowed", len(run)>>10, rollout.MaxRunBytes>>10)
	}
	seconds, epoch := int32(l.Duration/time.Second), int32(l.Epoch) //nolint:gosec // both are small by construction
	renewed := metav1.NewMicroTime(l.Renewed)
	out := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: l.Namespace, Name: l.Name, UID: l.UID, ResourceVersion: l.ResourceVersion,
			Annotations: map[string]string{rollout.RunAnnotation: run},
		},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &l.Holder, LeaseDurationSeconds: &seconds, LeaseTransitions: &epoch, RenewTime: &renewed,
		},
	}
	if l.Holder == "" {
		out.Spec.HolderIdentity = nil
	}
	if len(l.Intents) > 0 {
		out.Annotations[rollout.IntentsAnnotation] = string(l.Intents)
	}
	if l.Host != "" {
		out.Annotations[hostAnnotation] = l.Host
	}
	if l.Owner != nil {
		out.OwnerReferences = []metav1.OwnerReference{*l.Owner}
	}
	return out, nil
}

func leaseOf(obj *coordinationv1.Lease) (*Lease, error) {
	l := &Lease{
		Namespace: obj.Namespace, Name: obj.Name, UID: obj.UID, ResourceVersion: obj.ResourceVersion,
		Intents: []byte(obj.Annotations[rollout.IntentsAnnotation]), Host: obj.Annotations[hostAnnotation],
	}
	s := &obj.Spec
	if s.HolderIdentity != nil {
		l.Holder = *s.HolderIdentity
	}
	if s.LeaseDurationSeconds != nil {
		l.Duration = time.Duration(*s.LeaseDurationSeconds) * time.Second
	}
	if s.LeaseTransitions != nil {
		l.Epoch = int64(*s.LeaseTransitions)
	}
	if s.RenewTime != nil {
		l.Renewed = s.RenewTime.Time
	}
	if len(obj.OwnerReferences) == 1 {
		l.Owner = &obj.OwnerReferences[0]
	}
	run, err := UnpackRun(obj.Annotations[rollout.RunAnnotation])
	if err != nil {
		return l, &StateError{Namespace: obj.Namespace, Name: obj.Name, Err: err}
	}
	l.Run = run
	return l, nil
}

// StateError is a Lease whose run cannot be read: somebody edited it.
type StateError struct {
	Namespace, Name string
	Err             error
}

// Error implements error.
func (e *StateError) Error() string {
	return fmt.Sprintf("lease %s/%s: %s", e.Namespace, e.Name, clean(e.Err.Error(), maxWords))
}

// Unwrap gives the cause.
func (e *StateError) Unwrap() error { return e.Err }
