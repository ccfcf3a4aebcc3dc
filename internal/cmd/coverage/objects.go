package coverage

import (
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// namesOf lists the objects that a report is about, as kubectl names them.
func namesOf(obj runtime.Object) []runtime.Object {
	var out []runtime.Object
	switch l := obj.(type) {
	case *coverage.DaemonSetCoverageList:
		for i := range l.Items {
			out = append(out, cli.Named("apps/v1", "DaemonSet", l.Items[i].Namespace, l.Items[i].Name))
		}
	case *coverage.NodeCoverageList:
		for i := range l.Items {
			out = append(out, cli.Named("v1", "Node", "", l.Items[i].Name))
		}
	case *coverage.Explanation:
		out = append(out, cli.Named("apps/v1", "DaemonSet", l.Namespace, l.Name))
	}
	return out
}
