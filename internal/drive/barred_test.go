package drive

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestAPermissionThatIsMissingEndsTheDriver, be it one of a read or of the
// Lease: waiting does not bring it back. A server that has just started may say
// so once or twice.
func TestAPermissionThatIsMissingEndsTheDriver(t *testing.T) {
	forbidden := &kube.RequestError{Verb: "x", Resource: "leases",
		Err: apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, "l", nil)}
	for _, line := range []string{"renew", "look"} {
		for times, ends := range map[int]bool{2: false, 1000: true} {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 3, rollout.Running)
				left := times
				f.before = func(_ context.Context, l string) error {
					if strings.HasPrefix(l, line) && left > 0 {
						left--
						return forbidden
					}
					return nil
				}
				e := f.drive()
				if !ends {
					f.mustFinish(e)
					return
				}
				if e.err == nil || !apierrors.IsForbidden(e.err) {
					t.Fatalf("%s refused for good: end %+v, error %v", line, e.end, e.err)
				}
				if took := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); took > 2*time.Minute {
					t.Errorf("%s refused for good: it took %s", line, took)
				}
			})
		}
	}
}
