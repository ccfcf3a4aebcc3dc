package kube

import (
	"errors"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestWhatAServerSaysToAnEviction(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter, int)
		is     bool
		want   rollout.Refusal
	}{
		{"a budget", refuses(429, metav1.StatusReasonTooManyRequests, 0, "Cannot evict pod as it would violate the pod's disruption budget.",
			metav1.StatusCause{Type: "DisruptionBudget"}), true, rollout.Refusal{Until: now.Add(evictAgain)}},
		{"a budget that is being looked at", refuses(429, metav1.StatusReasonTooManyRequests, 10, "still being processed"), true, rollout.Refusal{Until: now.Add(10 * time.Second)}},
		{"two budgets", refuses(500, metav1.StatusReasonInternalError, 0, "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."), true, rollout.Refusal{Permanent: true}},
		{"a server in trouble", refuses(500, metav1.StatusReasonInternalError, 0, "etcdserver: request timed out"), false, rollout.Refusal{}},
		{"a namespace that goes", refuses(403, metav1.StatusReasonForbidden, 0, "being terminated", metav1.StatusCause{Type: corev1.NamespaceTerminatingCause}), true, rollout.Refusal{Until: now.Add(evictAgain)}},
		{"no permission", refuses(403, metav1.StatusReasonForbidden, 0, "no"), true, rollout.Refusal{Permanent: true}},
		{"admission", refuses(422, metav1.StatusReasonInvalid, 0, "no"), true, rollout.Refusal{Permanent: true}},
		{"it is gone", refuses(404, metav1.StatusReasonNotFound, 0, "no"), false, rollout.Refusal{}},
		{"another one", refuses(409, metav1.StatusReasonConflict, 0, "uid"), false, rollout.Refusal{}},
		{"no answer", func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }, false, rollout.Refusal{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, _ := newWriter(t, false, tc.answer)
			_, err := w.Do(t.Context(), target(), &rollout.Evict{Namespace: "n", Name: "p", UID: "u"})
			got, is := RefusalOf(err, now)
			if is && got.Reason == "" {
				t.Error("no word of why")
			}
			got.Reason = ""
			if is != tc.is || got != tc.want {
				t.Errorf("%v %+v of %v", is, got, err)
			}
		})
	}
}

func TestHowLongAServerAsksToWait(t *testing.T) {
	for _, seconds := range []int{0, 1, 120} {
		w, _ := newWriter(t, false, refuses(429, metav1.StatusReasonTooManyRequests, seconds, "slow"))
		_, err := w.Do(t.Context(), target(), &rollout.DeletePod{Namespace: "n", Name: "p", UID: "u", ResourceVersion: "1"})
		want := time.Duration(seconds) * time.Second
		if seconds == 0 {
			want = time.Minute
		}
		if got := RetryAfter(err, time.Minute); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if got := RetryAfter(errors.New("x"), time.Minute); got != time.Minute {
		t.Errorf("%s", got)
	}
}
