package quantity

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// marked is a quantity of twenty digits, to be written over in the bytes.
var marked = resource.MustParse("12345678901234567890")

type proto interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// fill sets every quantity that a type holds to marked, one at a time, and
// yields its path.
func fill(t *testing.T, v reflect.Value, path string, depth int, found func(string)) {
	t.Helper()
	switch {
	case depth > 24:
		return
	case v.Type() == reflect.TypeFor[resource.Quantity]():
		old := v.Interface()
		v.Set(reflect.ValueOf(marked.DeepCopy()))
		found(path)
		v.Set(reflect.ValueOf(old))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), path, depth+1, found)
		v.SetZero()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), path, depth+1, found)
		v.SetZero()
	case reflect.Map:
		if v.Type().Elem() == reflect.TypeFor[resource.Quantity]() {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf("cpu").Convert(v.Type().Key()), reflect.ValueOf(marked.DeepCopy()))
			found(path)
			v.SetZero()
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("protobuf") != "" {
				fill(t, v.Field(i), path+"."+f.Name, depth+1, found)
			}
		}
	default:
	}
}

// Wherever a type holds a quantity, one that is out of bounds is found, and the
// others pass.
func TestNoQuantityOfAnObjectIsOverlooked(t *testing.T) {
	text := []byte("12345678901234567890")
	absurd := []byte("1e-00000002147483647")
	total := 0
	for _, o := range []proto{&corev1.Pod{}, &corev1.Node{}, &appsv1.DaemonSet{}, &corev1.Namespace{}, &appsv1.ControllerRevision{}, &corev1.Event{}} {
		fill(t, reflect.ValueOf(o).Elem(), fmt.Sprintf("%T", o), 0, func(path string) {
			total++
			raw, err := o.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckProto(raw, o); err != nil {
				t.Errorf("%s: a quantity as any: %v", path, err)
			}
			if !bytes.Contains(raw, text) {
				t.Fatalf("%s: the quantity is not in the bytes", path)
			}
			if err := CheckProto(bytes.ReplaceAll(raw, text, absurd), o); err == nil {
				t.Errorf("%s is not checked", path)
			}
		})
	}
	if total < 50 {
		t.Errorf("only %d places were tried", total)
	}
}

func TestWhatLooksLikeAQuantityInProtobuf(t *testing.T) {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "1e-2147483647", Labels: map[string]string{"1e99999": "12e4567"}},
		Spec:       corev1.PodSpec{ImagePullSecrets: []corev1.LocalObjectReference{{Name: "1e2345"}}},
	}
	raw, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckProto(raw, p); err != nil {
		t.Errorf("names and labels are no quantities: %v", err)
	}
	r := &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: []byte(`{"spec":{"template":{"spec":{"overhead":{"cpu":"1e-2147483647"}}}}}`)}}
	if raw, err = r.Marshal(); err != nil {
		t.Fatal(err)
	}
	if err := CheckProto(raw, r); err == nil {
		t.Error("the template of a revision is not checked")
	}
	q := resource.MustParse("1")
	p = &corev1.Pod{Spec: corev1.PodSpec{Overhead: corev1.ResourceList{"cpu": q}}}
	if raw, err = p.Marshal(); err != nil {
		t.Fatal(err)
	}
	if err := CheckProto(raw[:len(raw)-1], p); err == nil {
		t.Error("bytes that end early pass")
	}
	if err := absurd("1"+strings.Repeat("0", 1<<20), true); err == nil {
		t.Error("a number of a million digits passes")
	}
}
