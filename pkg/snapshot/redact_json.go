package snapshot

import (
	"bytes"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
)

// Revision returns a copy that is redacted, the template in its data too. The
// data keeps its form, keys in order and no spaces, as the controller writes
// it. Data that is no template is emptied.
func (r *Redactor) Revision(rev *appsv1.ControllerRevision) *appsv1.ControllerRevision {
	rev = rev.DeepCopy()
	r.meta(&rev.ObjectMeta)
	rev.Data.Raw = r.template(rev.Data.Raw)
	rev.Data.Object = nil // clients fill Raw
	return rev
}

func (r *Redactor) template(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var data map[string]any
	if err := dec.Decode(&data); err != nil {
		return []byte("{}")
	}
	t := object(object(data, "spec"), "template")
	if t == nil {
		return []byte("{}")
	}
	r.jsonMeta(object(t, "metadata"))
	spec := object(t, "spec")
	r.jsonLabels(spec, "nodeSelector")
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, c := range objects(spec, list) {
			r.jsonContainer(c)
		}
	}
	for _, v := range objects(spec, "volumes") {
		r.jsonVolume(v)
	}
	out, err := json.Marshal(data)
	if err != nil {
		return []byte("{}")
	}
	return out
}

func (r *Redactor) jsonContainer(c map[string]any) {
	r.jsonWords(c, "command", true)
	r.jsonWords(c, "args", false)
	for _, e := range objects(c, "env") {
		r.jsonValue(e)
	}
	for _, p := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		r.jsonAction(object(c, p))
	}
	for _, h := range []string{"postStart", "preStop"} {
		r.jsonAction(object(object(c, "lifecycle"), h))
	}
}

func (r *Redactor) jsonAction(a map[string]any) {
	r.jsonWords(object(a, "exec"), "command", true)
	get := object(a, "httpGet")
	jsonString(get, "path", r.path)
	for _, h := range objects(get, "httpHeaders") {
		r.jsonValue(h)
	}
}

func (r *Redactor) jsonVolume(v map[string]any) {
	r.jsonValues(object(object(v, "csi"), "volumeAttributes"))
	r.jsonValues(object(object(v, "flexVolume"), "options"))
	jsonString(object(v, "gitRepo"), "repository", func(s string) string { return r.value("repository", s) })
	for _, s := range objects(object(v, "projected"), "sources") {
		r.jsonValues(object(object(s, "podCertificate"), "userAnnotations"))
	}
	r.jsonMeta(object(object(object(v, "ephemeral"), "volumeClaimTemplate"), "metadata"))
}

func jsonString(o map[string]any, key string, redact func(string) string) {
	if s, ok := o[key].(string); ok {
		o[key] = redact(s)
	}
}

// jsonValue redacts an object of a name and a value.
func (r *Redactor) jsonValue(o map[string]any) {
	name, _ := o["name"].(string)
	switch v := o["value"].(type) {
	case nil:
	case string:
		o["value"] = r.value(name, v)
	default: // not of the type that the API has; gone in any case
		o["value"] = Redacted
	}
}

func (r *Redactor) jsonValues(m map[string]any) {
	for _, k := range sortedKeys(m) {
		if v, ok := m[k].(string); ok {
			m[k] = r.value(k, v)
		} else {
			m[k] = Redacted
		}
	}
}

func (r *Redactor) jsonWords(o map[string]any, key string, executable bool) {
	list, _ := o[key].([]any)
	words := make([]string, len(list))
	for i := range list {
		words[i], _ = list[i].(string)
	}
	r.words(words, executable)
	for i := range list {
		list[i] = words[i]
	}
}

func (r *Redactor) jsonLabels(o map[string]any, key string) {
	labels := object(o, key)
	for k := range labels {
		jsonString(labels, k, r.token)
	}
}

func (r *Redactor) jsonMeta(meta map[string]any) {
	if meta == nil {
		return
	}
	delete(meta, "managedFields")
	r.jsonLabels(meta, "labels")
	all, ok := meta["annotations"].(map[string]any)
	if !ok {
		delete(meta, "annotations")
		return
	}
	for k, v := range all {
		if s, ok := v.(string); ok && keptAnnotation(k) {
			all[k] = MaskText(s)
		} else {
			delete(all, k)
		}
	}
	if len(all) == 0 {
		delete(meta, "annotations")
	}
}

// object is the object at key; nil, from which anything may be read, if there
// is none.
func object(o map[string]any, key string) map[string]any {
	v, _ := o[key].(map[string]any)
	return v
}

func objects(o map[string]any, key string) []map[string]any {
	list, _ := o[key].([]any)
	var out []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
