package kube

import (
	"errors"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// codeOf is the HTTP code of a server's error; 0 for none.
func codeOf(err error) int {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return 0
	}
	return int(status.Status().Code)
}

// RetryAfter is how long the server asks to wait; def where it does not say.
func RetryAfter(err error, def time.Duration) time.Duration {
	if s, ok := apierrors.SuggestsClientDelay(err); ok && s > 0 {
		return time.Duration(s) * time.Second
	}
	return def
}

// evictAgain is how long to wait after a budget said no; as kubectl drain.
const evictAgain = 5 * time.Second

// RefusalOf reports whether an error is the server's no to an eviction, and
// for how long. More than one PodDisruptionBudget over a pod is a 500 and for
// good (pkg/registry/core/pod/storage/eviction.go, v1.37.2).
func RefusalOf(err error, now time.Time) (rollout.Refusal, bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return rollout.Refusal{}, false
	}
	words := clean(status.Status().Message, maxWords)
	switch code := codeOf(err); {
	case code == http.StatusTooManyRequests:
		return rollout.Refusal{Until: now.Add(RetryAfter(err, evictAgain)), Reason: words}, true
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// The pod goes with its namespace.
		return rollout.Refusal{Until: now.Add(evictAgain), Reason: words}, true
	case code == http.StatusInternalServerError && strings.Contains(words, "more than one PodDisruptionBudget"),
		code == http.StatusForbidden, code == http.StatusUnprocessableEntity:
		return rollout.Refusal{Permanent: true, Reason: words}, true
	}
	return rollout.Refusal{}, false
}
