package archive

import (
	"context"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestQuantitiesThatWouldTakeForEver(t *testing.T) {
	for _, q := range []string{`"1e-2147483647"`, `1e-2147483647`, `"1E-99999999"`, `" 1e-2147483647 "`, `"-1.5e-2147483647"`, `"\t1e-2147483647\n"`,
		`"1\u0065-2147483647"`, `"1e-\u0032147483647"`, `"\u0031e-2147483647"`, `"1e2147483647"`,
		`"1` + strings.Repeat("0", 1<<20) + `"`, `0.` + strings.Repeat("0", 1<<20) + `1`} {
		_, err := Read(context.Background(), Stdin, strings.NewReader(strings.Replace(podX, `"100m"`, q, 1)), snapshot.Scope{})
		if err == nil || !strings.Contains(err.Error(), "out of all bounds") || !strings.Contains(err.Error(), "Pod x/d-a") {
			t.Errorf("%.40s: got %.200v", q, err)
		}
	}
	for _, q := range []string{`"1e3"`, `"1e-3"`, `"1e-999"`, `"12"`, `1e3`, `"99999999999999999999Ei"`} {
		s, err := Read(context.Background(), Stdin, strings.NewReader(strings.Replace(podX, `"100m"`, q, 1)), snapshot.Scope{})
		if err != nil || s.Pods[0].Requests.MilliCPU == 0 {
			t.Errorf("%s: got %v", q, err)
		}
	}
	t.Run("what only looks like one elsewhere", func(t *testing.T) {
		s := readString(t, strings.Replace(dsX, `"team":"red"`, `"commit":"12e4567","hash":"0e12345"`, 1), snapshot.Scope{})
		if s.DaemonSets[0].Labels["commit"] != "12e4567" {
			t.Errorf("labels are %v", s.DaemonSets[0].Labels)
		}
	})
}

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
