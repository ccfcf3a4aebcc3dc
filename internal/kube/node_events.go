package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// WarningEvents lists the Warning events of one namespace that are about one
// object, by its kind and name: a kubelet puts the node's name where its UID
// belongs. An error is a *RequestError.
func (r *Reader) WarningEvents(ctx context.Context, namespace, kind, name string) ([]snapshot.Event, error) {
	p := r.newPass(nil)
	q := query{kind: eventKind, namespace: namespace, fields: fields.Set{
		"type": corev1.EventTypeWarning, "involvedObject.kind": kind, "involvedObject.name": name,
	}.AsSelector().String()}
	return collect(ctx, r, q, p.event, p.told("events of "+name))
}

// event decodes one event to what is kept of it.
func (p *pass) event(raw []byte, json bool) (snapshot.Event, bool, error) {
	e, err := decodeObject[corev1.Event](raw, json)
	if err != nil {
		return snapshot.Event{}, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in.EventOf(e), true, nil
}
