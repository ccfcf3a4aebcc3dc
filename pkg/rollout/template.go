package rollout

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// maxTemplateBytes is more than the API server stores of one object.
const maxTemplateBytes = 2 << 20

// TemplateSum tells a template from another one: it is the same for equal ones.
func TemplateSum(t *corev1.PodTemplateSpec) string {
	b, err := json.Marshal(t)
	if err != nil {
		return "" // it came as JSON: this does not happen, and an empty sum is not compared
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%x", sum[:16])
}

// TemplateOf reads the template out of a ControllerRevision, which holds a
// patch: {"spec":{"template":{...,"$patch":"replace"}}}
// (getPatch of pkg/controller/daemon/update.go, v1.37.2). Fields that this
// version does not know are passed over, since a newer server may have them;
// anything of another shape is an error.
func TemplateOf(rev *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	t, err := templateOf(rev)
	if err != nil {
		return nil, fmt.Errorf("revision %d (%s): %w", rev.Revision, rev.Name, err)
	}
	return t, nil
}

func templateOf(rev *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	raw := rev.Data.Raw
	switch {
	case len(raw) == 0:
		return nil, errors.New("it holds no template")
	case len(raw) > maxTemplateBytes:
		return nil, fmt.Errorf("its data has %d bytes, and %d are the most", len(raw), maxTemplateBytes)
	}
	var data struct {
		Spec *struct {
			Template json.RawMessage `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, fmt.Errorf("its data is not a patch of a template: %w", err)
	}
	if data.Spec == nil || !bytes.HasPrefix(bytes.TrimSpace(data.Spec.Template), []byte("{")) {
		return nil, errors.New("its data has no spec.template")
	}
	var directive struct {
		Patch *string `json:"$patch"`
	}
	if err := json.Unmarshal(data.Spec.Template, &directive); err != nil {
		return nil, fmt.Errorf("its spec.template: %w", err)
	}
	if directive.Patch != nil && *directive.Patch != "replace" {
		return nil, fmt.Errorf("its data is a patch by %q, not a whole template", *directive.Patch)
	}
	var t corev1.PodTemplateSpec
	if err := json.Unmarshal(data.Spec.Template, &t); err != nil {
		return nil, fmt.Errorf("its spec.template: %w", err)
	}
	if len(t.Spec.Containers) == 0 {
		return nil, errors.New("its template has no containers")
	}
	return &t, nil
}
