package testkit

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Now is the time at which the worlds of tests are judged, unless a test has
// another one.
var Now = time.Date(2026, 11, 23, 8, 12, 4, 0, time.UTC)

// Ago is the time so long before Now.
func Ago(d time.Duration) metav1.Time { return metav1.NewTime(Now.Add(-d)) }

// Resources reads pairs of name and quantity: Resources("cpu", "2", "pods", "110").
func Resources(pairs ...string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return out
}

// TaintOf reads key=value:Effect or key:Effect, as kubectl taint does.
func TaintOf(s string) corev1.Taint {
	i := strings.LastIndex(s, ":")
	if i < 0 {
		panic("testkit: a taint is KEY[=VALUE]:EFFECT, not " + s)
	}
	key, value, _ := strings.Cut(s[:i], "=")
	return corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(s[i+1:])}
}

// pairs reads key=value.
func pairs(words []string) map[string]string {
	out := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		out[k] = v
	}
	return out
}
