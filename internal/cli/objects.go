package cli

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
)

// Named is an object as -o name prints it.
func Named(apiVersion, kind, namespace, name string) runtime.Object {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
	}
}

// unstructuredOf is an object as its JSON has it.
func unstructuredOf(obj runtime.Object, clean func(string) string) (runtime.Object, error) {
	b, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(b, &u.Object); err != nil {
		return nil, err
	}
	u.Object, _ = eachString(u.Object, clean).(map[string]any)
	if u.IsList() {
		return u.ToList()
	}
	return u, nil
}

// eachString applies clean to every string of a decoded object; keys are ours.
func eachString(v any, clean func(string) string) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = eachString(v[i], clean)
		}
	case map[string]any:
		for k := range v {
			v[k] = eachString(v[k], clean)
		}
	}
	return v
}

// yamlSafe escapes what YAML refuses to hold, as in a termination message: one
// pod must not break the report on the whole cluster.
func yamlSafe(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x20 && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfeff, r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
