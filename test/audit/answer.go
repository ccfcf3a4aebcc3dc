package audit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func newUID(s string) *types.UID { return new(types.UID(s)) }

// answer takes in what the server answered: the object, a Status, or, after a
// deletecollection, a list.
func (e *entry) answer(body json.RawMessage) ([]entry, error) {
	var head struct {
		Kind    string            `json:"kind"`
		Items   []json.RawMessage `json:"items"`
		Details struct {
			UID  string `json:"uid"`
			Name string `json:"name"`
		} `json:"details"`
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("%s of %s %s/%s in the audit log has no answer: is the policy's level RequestResponse?", e.verb, e.kind, e.namespace, e.name)
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return nil, fmt.Errorf("reading the answer of %s of %s %s/%s in the audit log: %w", e.verb, e.kind, e.namespace, e.name, err)
	}
	switch {
	case strings.HasSuffix(head.Kind, "List"):
		var out []entry
		for _, item := range head.Items {
			one := *e
			one.verb = "delete"
			got, err := one.answer(item)
			if err != nil {
				return nil, err
			}
			out = append(out, got...)
		}
		return out, nil
	case head.Kind == "Status":
		// Without a uid of what was deleted, nothing was.
		if e.verb != "delete" || head.Details.UID == "" {
			return nil, nil
		}
		e.removed, e.uid = true, head.Details.UID
		return []entry{*e}, nil
	}
	m := &head.Metadata
	e.name, e.uid = m.Name, string(m.UID)
	if e.namespace == "" {
		e.namespace = m.Namespace
	}
	if m.ResourceVersion != "" {
		rv, err := strconv.ParseInt(m.ResourceVersion, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("resourceVersion of %s %s/%s in the audit log: %w", e.kind, e.namespace, e.name, err)
		}
		e.rv = rv
	}
	e.removed = ends(m, e.verb)
	if err := e.decode(body); err != nil {
		return nil, fmt.Errorf("reading %s %s/%s in the audit log: %w", e.kind, e.namespace, e.name, err)
	}
	return []entry{*e}, nil
}

// ends tells that the object is gone after this answer: nobody has to end it
// any more, neither a kubelet nor who set a finalizer. A patch can be the last
// word, by taking the last finalizer away.
func ends(m *metav1.ObjectMeta, verb string) bool {
	if len(m.Finalizers) > 0 {
		return false
	}
	if m.DeletionTimestamp == nil {
		return verb == "delete"
	}
	return m.DeletionGracePeriodSeconds == nil || *m.DeletionGracePeriodSeconds == 0
}
