package rollout

import (
	"encoding/json"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// changedBy is who last wrote the template, by managed fields, and when; else
// when the newest revision was made.
func changedBy(ds *appsv1.DaemonSet, revisions []*appsv1.ControllerRevision) (by string, at time.Time) {
	for i := range ds.ManagedFields {
		e := &ds.ManagedFields[i]
		if e.Time != nil && e.Time.After(at) && ownsTemplate(e) {
			by, at = e.Manager, e.Time.UTC()
		}
	}
	if !at.IsZero() || len(revisions) == 0 {
		return by, at
	}
	return "", revisions[0].CreationTimestamp.UTC()
}

// ownsTemplate reports whether an entry of the managed fields holds something
// below spec.template.
func ownsTemplate(e *metav1.ManagedFieldsEntry) bool {
	if e.FieldsV1 == nil || e.Subresource != "" {
		return false
	}
	var f struct {
		Spec struct {
			Template json.RawMessage `json:"f:template"`
		} `json:"f:spec"`
	}
	return json.Unmarshal(e.FieldsV1.GetRawBytes(), &f) == nil && f.Spec.Template != nil
}

// wordsSince say what the template that is there changes against the revision
// that most pods run, where the change was made before.
func wordsSince(v *rollout.View, from rollout.Revision) []string {
	for _, r := range v.Revisions {
		if from.Hash == "" || r.Name != from.Name {
			continue
		}
		old, err := rollout.TemplateOf(r)
		if err != nil {
			return nil // a capture may hold revisions without their data
		}
		return rollout.TemplateDiff(old, &v.DaemonSet.Spec.Template)
	}
	return nil
}
