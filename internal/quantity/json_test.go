package quantity

import (
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestQuantityKeysAreThoseOfTheTypes(t *testing.T) {
	used := map[string]bool{}
	seen := map[reflect.Type]bool{}
	quantity := reflect.TypeFor[resource.Quantity]()
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		if seen[t] || t.Kind() != reflect.Struct {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			ft := f.Type
			for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice || ft.Kind() == reflect.Map {
				ft = ft.Elem()
			}
			if ft == quantity {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				used[name] = true
			} else {
				walk(ft)
			}
		}
	}
	walk(reflect.TypeFor[corev1.Pod]())
	walk(reflect.TypeFor[corev1.Node]())
	walk(reflect.TypeFor[corev1.Namespace]())
	walk(reflect.TypeFor[appsv1.DaemonSet]())
	for name := range used {
		if !quantityKeys[name] {
			t.Errorf("the field %s is a quantity and not checked", name)
		}
	}
	for name := range quantityKeys {
		if !used[name] {
			t.Errorf("no field %s is a quantity", name)
		}
	}
}
