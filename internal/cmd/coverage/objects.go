package coverage

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// namesOf lists the objects that a report is about, as kubectl names them.
func namesOf(obj runtime.Object) []runtime.Object {
	var out []runtime.Object
	switch l := obj.(type) {
	case *coverage.DaemonSetCoverageList:
		for i := range l.Items {
			out = append(out, named("apps/v1", "DaemonSet", l.Items[i].ObjectMeta))
		}
	case *coverage.NodeCoverageList:
		for i := range l.Items {
			out = append(out, named("v1", "Node", l.Items[i].ObjectMeta))
		}
	case *coverage.Explanation:
		out = append(out, named("apps/v1", "DaemonSet", l.ObjectMeta))
	}
	return out
}

func named(apiVersion, kind string, m metav1.ObjectMeta) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name},
	}
}

// unstructuredOf is an object as its JSON has it.
func unstructuredOf(obj runtime.Object) (runtime.Object, error) {
	b, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(b, &u.Object); err != nil {
		return nil, err
	}
	if u.IsList() {
		return u.ToList()
	}
	return u, nil
}
