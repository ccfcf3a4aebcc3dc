package kube

import (
	"context"
	"fmt"
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Writer sends all writes of the plugins, each with the preconditions that
// make it safe: the UID of the object, and its resourceVersion where the
// decision depended on more than its identity. One call is one request: what
// became of one that was not answered is for the caller to look at, since to
// send it again could do it twice.
type Writer struct {
	core         rest.Interface
	apps         rest.Interface
	coordination rest.Interface
	dryRun       bool
}

// NewWriter makes a Writer for the cluster that cfg points to. With dryRun the
// server checks every write and stores none.
func NewWriter(cfg *rest.Config, dryRun bool) (*Writer, error) {
	c := readConfig(cfg)
	httpClient, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("make HTTP client: %w", err)
	}
	w := &Writer{dryRun: dryRun}
	for _, g := range []struct {
		to   *rest.Interface
		from runtime.Object
		path string
	}{{&w.core, &corev1.Pod{}, "/api"}, {&w.apps, &appsv1.DaemonSet{}, "/apis"}, {&w.coordination, &coordinationv1.Lease{}, "/apis"}} {
		kinds, _, err := scheme.Scheme.ObjectKinds(g.from)
		if err != nil {
			return nil, fmt.Errorf("make client: %w", err)
		}
		if *g.to, err = restClient(c, httpClient, kinds[0].GroupVersion(), g.path); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Do carries out an action of a rollout on the cluster and returns the object
// as the server has it now, nil where it does not say. ds is the DaemonSet as
// the decision saw it: a template is sent as its difference to that one, so
// that fields which this client does not know survive. Actions on the Lease
// and gates are not its business.
func (w *Writer) Do(ctx context.Context, ds *appsv1.DaemonSet, a rollout.Action) (runtime.Object, error) {
	if err := guarded(a); err != nil {
		return nil, err
	}
	switch a := a.(type) {
	case *rollout.Arm:
		patch, err := armPatch(ds, a)
		if err != nil {
			return nil, err
		}
		return w.patchDaemonSet(ctx, ds, types.StrategicMergePatchType, patch)
	case *rollout.HandBack:
		return w.patchDaemonSet(ctx, ds, types.StrategicMergePatchType, handBackPatch(a))
	case *rollout.PutBack:
		patch, err := putBackPatch(a)
		if err != nil {
			return nil, err
		}
		return w.patchDaemonSet(ctx, ds, types.StrategicMergePatchType, patch)
	case *rollout.CleanRevision:
		return w.patch(ctx, w.apps, revisionKind, ds.Namespace, a.Name, types.MergePatchType, cleanPatch(a), &appsv1.ControllerRevision{})
	case *rollout.Cordon:
		return w.patch(ctx, w.core, nodeKind, "", a.Node, types.MergePatchType, cordonPatch(a), &corev1.Node{})
	case *rollout.Uncordon:
		return w.patch(ctx, w.core, nodeKind, "", a.Node, types.MergePatchType, uncordonPatch(a), &corev1.Node{})
	case *rollout.DeletePod:
		return w.deletePod(ctx, a)
	case *rollout.Evict:
		return nil, w.evict(ctx, a)
	default:
		return nil, fmt.Errorf("%T is not a write on the cluster", a)
	}
}

// guarded refuses a write whose preconditions would hold for any object: the
// server takes an empty one for none.
func guarded(a rollout.Action) error {
	type guard struct {
		uid     types.UID
		version string
	}
	var g guard
	switch a := a.(type) {
	case *rollout.Arm:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.HandBack:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.PutBack:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.CleanRevision:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.Cordon:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.Uncordon:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.DeletePod:
		g = guard{a.UID, a.ResourceVersion}
	case *rollout.Evict:
		g = guard{a.UID, "any"} // readiness does not matter to it
	default:
		return fmt.Errorf("%T is not a write on the cluster", a)
	}
	if g.uid == "" || g.version == "" {
		return fmt.Errorf("%T names no uid, or no version: it is not sent", a)
	}
	return nil
}

func (w *Writer) patchDaemonSet(ctx context.Context, ds *appsv1.DaemonSet, t types.PatchType, p any) (runtime.Object, error) {
	return w.patch(ctx, w.apps, daemonSetKind, ds.Namespace, ds.Name, t, p, &appsv1.DaemonSet{})
}

func (w *Writer) patch(ctx context.Context, c rest.Interface, k kind, namespace, name string, t types.PatchType, p any, into runtime.Object) (runtime.Object, error) {
	body, err := jsonOf(p)
	if err != nil {
		return nil, err
	}
	req := c.Patch(t).NamespaceIfScoped(namespace, namespace != "").Resource(k.resource).Name(name).
		VersionedParams(&metav1.PatchOptions{DryRun: w.dry(), FieldManager: UserAgent}, scheme.ParameterCodec).
		MaxRetries(0).Body(body)
	if err := req.Do(ctx).Into(into); err != nil {
		return nil, &RequestError{Verb: "patch", Group: k.group, Resource: k.resource, Namespace: namespace, Name: name, Err: err}
	}
	return into, nil
}

func (w *Writer) deletePod(ctx context.Context, a *rollout.DeletePod) (runtime.Object, error) {
	opts := &metav1.DeleteOptions{DryRun: w.dry(), Preconditions: &metav1.Preconditions{UID: &a.UID, ResourceVersion: &a.ResourceVersion}}
	res := w.core.Delete().Namespace(a.Namespace).Resource(snapshot.ResourcePods).Name(a.Name).MaxRetries(0).Body(opts).Do(ctx)
	if err := res.Error(); err != nil {
		return nil, &RequestError{Verb: "delete", Resource: snapshot.ResourcePods, Namespace: a.Namespace, Name: a.Name, Err: err}
	}
	// The answer is the pod where a kubelet has to end it, else a Status.
	obj, err := res.Get()
	if pod, ok := obj.(*corev1.Pod); ok && err == nil {
		return pod, nil
	}
	return nil, nil
}

func (w *Writer) evict(ctx context.Context, a *rollout.Evict) error {
	e := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: a.Namespace, Name: a.Name},
		DeleteOptions: &metav1.DeleteOptions{DryRun: w.dry(), GracePeriodSeconds: a.GraceSeconds, Preconditions: &metav1.Preconditions{UID: &a.UID}},
	}
	err := w.core.Post().Namespace(a.Namespace).Resource(snapshot.ResourcePods).Name(a.Name).SubResource("eviction").
		MaxRetries(0).Body(e).Do(ctx).Error()
	if err != nil {
		return &RequestError{Verb: "create", Resource: "pods/eviction", Namespace: a.Namespace, Name: a.Name, Err: err}
	}
	return nil
}

// Event records an event about an object. It is help for people who look
// later; nothing depends on it.
func (w *Writer) Event(ctx context.Context, e *corev1.Event) error {
	if w.dryRun {
		return nil
	}
	err := w.core.Post().Namespace(e.Namespace).Resource(snapshot.ResourceEvents).MaxRetries(0).Body(e).Do(ctx).Error()
	if err != nil {
		return &RequestError{Verb: "create", Resource: snapshot.ResourceEvents, Namespace: e.Namespace, Err: err}
	}
	return nil
}

func (w *Writer) dry() []string {
	if w.dryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// Answer is what an error of a write means for whoever sent it.
type Answer int

// Answers.
const (
	Conflict  Answer = iota + 1 // the object is not as it was: look again
	Refused                     // the server said no, for now: nothing was done
	Never                       // the server will always say no
	Forbidden                   // a permission is missing
	Lost                        // nobody knows whether it was done
)

// AnswerOf classifies the error of a write. Codes of evictions are those of
// pkg/registry/core/pod/storage/eviction.go, v1.37.2.
func AnswerOf(err error) Answer {
	switch code := codeOf(err); code {
	case http.StatusConflict, http.StatusNotFound, http.StatusGone:
		return Conflict
	case http.StatusTooManyRequests:
		return Refused
	case http.StatusForbidden, http.StatusUnauthorized:
		return Forbidden
	case http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		return Never
	default:
		return Lost
	}
}
