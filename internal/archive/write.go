package archive

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Options of Write. The zero value writes plain JSON.
type Options struct {
	Gzip bool
}

// Write writes snap as a list of ordinary Kubernetes objects in JSON, one a
// line, redacted, with a header of ours as the first item. The same snapshot
// gives the same bytes, whatever order it is in. What Read makes of it is the
// snapshot again, with pods that are well in their compact form. snap is not
// changed.
func Write(w io.Writer, snap *snapshot.Snapshot, opts Options) error {
	if opts.Gzip {
		zw := gzip.NewWriter(w)
		if err := write(zw, snap); err != nil {
			return err
		}
		if err := zw.Close(); err != nil {
			return fmt.Errorf("write capture: %w", err)
		}
		return nil
	}
	return write(w, snap)
}

func write(w io.Writer, snap *snapshot.Snapshot) error {
	l := &listWriter{w: bufio.NewWriterSize(w, 64<<10)}
	l.text(`{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":""},"items":[`)
	l.objects(sorted(snap))
	l.text("\n]}\n")
	if l.err == nil {
		l.err = l.w.Flush()
	}
	if l.err != nil {
		return fmt.Errorf("write capture: %w", l.err)
	}
	return nil
}

// sorted is snap in canonical order, without touching its slices.
func sorted(snap *snapshot.Snapshot) *snapshot.Snapshot {
	s := *snap
	s.Nodes = slices.Clone(s.Nodes)
	s.DaemonSets = slices.Clone(s.DaemonSets)
	s.Revisions = slices.Clone(s.Revisions)
	s.Pods = slices.Clone(s.Pods)
	s.Events = slices.Clone(s.Events)
	s.Namespaces = slices.Clone(s.Namespaces)
	s.Leases = slices.Clone(s.Leases)
	s.Incomplete = slices.Clone(s.Incomplete)
	s.Sort()
	return &s
}

// listWriter writes the items of a list and keeps the first error.
type listWriter struct {
	w     *bufio.Writer
	items int
	err   error
	red   snapshot.Redactor
}

func (l *listWriter) text(s string) {
	if l.err == nil {
		_, l.err = l.w.WriteString(s)
	}
}

func (l *listWriter) item(o any) {
	if l.err != nil {
		return
	}
	b, err := json.Marshal(o)
	if err != nil {
		l.err = err
		return
	}
	if l.items++; l.items > 1 {
		l.text(",")
	}
	l.text("\n")
	l.text(string(b))
}

// objects goes from what is small and explains to what is many, so that the
// head of a capture tells what it is.
func (l *listWriter) objects(s *snapshot.Snapshot) {
	l.item(headerOf(s))
	for _, n := range s.Namespaces {
		l.item(namespaceObject(n))
	}
	for _, d := range s.DaemonSets {
		o := l.red.DaemonSet(d)
		o.TypeMeta = metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "DaemonSet"}
		l.item(o)
	}
	for _, n := range s.Leases {
		if !n.Gone {
			l.item(leaseObject(n))
		}
	}
	for _, r := range s.Revisions {
		o := l.red.Revision(r)
		o.TypeMeta = metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "ControllerRevision"}
		l.item(o)
	}
	for _, n := range s.Nodes {
		o := l.red.Node(n)
		o.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}
		l.item(o)
	}
	for i := range s.Pods {
		p := &s.Pods[i]
		if p.Full == nil {
			o := minimalPod(p)
			o.Labels = l.red.Labels(o.Labels)
			l.item(o)
			continue
		}
		o := l.red.Pod(p.Full)
		o.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		l.item(o)
	}
	for i, e := range s.Events {
		l.item(eventObject(i, snapshot.RedactEvent(e)))
	}
}

func headerOf(s *snapshot.Snapshot) *header {
	h := &header{
		TypeMeta: metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: captureKind},
		Metadata: headerMeta{Name: "capture"},
		Source: headerSource{
			Context:         s.Source.Context,
			Server:          snapshot.MaskText(s.Source.Server),
			ServerVersion:   s.Source.ServerVersion,
			ClusterUID:      s.Source.ClusterUID,
			TakenAtInferred: s.Source.TakenAtInferred,
		},
		AllPods: &s.AllPods,
	}
	if t := s.Source.TakenAt; !t.IsZero() {
		t = t.UTC()
		h.Source.TakenAt = &t
	}
	absent := map[string]bool{}
	for _, f := range s.Incomplete {
		absent[f.Resource] = absent[f.Resource] || f.Absent
		f.Error = snapshot.MaskText(f.Error)
		h.Incomplete = append(h.Incomplete, readFailure(f))
	}
	for _, r := range resources {
		if !absent[r.name] {
			h.Read = append(h.Read, r.name)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.FullNodes)) {
		if s.FullNodes[n] {
			h.FullNodes = append(h.FullNodes, n)
		}
	}
	for _, l := range s.Leases {
		if l.Gone {
			h.NoLease = append(h.NoLease, leaseName{l.Namespace, l.Name})
		}
	}
	return h
}

// namespaceObject is a namespace of which snapshot.NamespaceOf makes n again.
func namespaceObject(n snapshot.Namespace) *corev1.Namespace {
	o := &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: n.Name},
	}
	if n.Terminating {
		o.Status.Phase = corev1.NamespaceTerminating
	}
	if n.NodeSelector != "" {
		o.Annotations = map[string]string{"scheduler.alpha.kubernetes.io/node-selector": n.NodeSelector}
	}
	if n.Enforce != "" {
		o.Labels = map[string]string{"pod-security.kubernetes.io/enforce": n.Enforce}
	}
	return o
}

// leaseObject is a Lease of which snapshot.LeaseOf makes l again: what the
// driver stores in it beside its own name stays on the cluster.
func leaseObject(l snapshot.Lease) *coordinationv1.Lease {
	seconds, holder := int32(l.Duration/time.Second), snapshot.MaskText(l.Holder)
	o := &coordinationv1.Lease{
		TypeMeta:   metav1.TypeMeta{APIVersion: coordinationv1.SchemeGroupVersion.String(), Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name},
		Spec:       coordinationv1.LeaseSpec{LeaseDurationSeconds: &seconds},
	}
	if holder != "" {
		o.Spec.HolderIdentity = &holder
	}
	if l.Renewed != 0 {
		renewed := metav1.NewMicroTime(timeOf(l.Renewed).Time)
		o.Spec.RenewTime = &renewed
	}
	return o
}

// eventObject is an event of which snapshot.Interner makes e again. Events of
// cluster-wide objects are in the namespace default.
func eventObject(i int, e snapshot.Event) *corev1.Event {
	ns := e.Namespace
	if ns == "" {
		ns = metav1.NamespaceDefault
	}
	return &corev1.Event{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Event"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprintf("event-%d", i+1)},
		InvolvedObject: corev1.ObjectReference{
			Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, UID: e.UID, FieldPath: e.FieldPath,
		},
		Reason: e.Reason, Message: e.Message, Type: corev1.EventTypeWarning,
		Count: e.Count, LastTimestamp: timeOf(e.Last),
	}
}
