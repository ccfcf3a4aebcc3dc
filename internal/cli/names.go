package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
)

// kinds are the words for the resource that kubectl takes.
var kinds = []string{"ds", "daemonset", "daemonsets", "daemonset.apps", "daemonsets.apps", "ds.apps", "daemonset.v1.apps", "daemonsets.v1.apps"}

// DaemonSetNames reads NAME and ds/NAME.
func DaemonSetNames(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		name, err := DaemonSetName(a)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// DaemonSetName reads NAME or ds/NAME.
func DaemonSetName(arg string) (string, error) {
	kind, name, found := strings.Cut(arg, "/")
	if !found {
		kind, name = kinds[0], arg
	}
	if !slices.Contains(kinds, strings.ToLower(kind)) {
		if ValidName(kind) && ValidName(name) {
			return "", Usagef("%q is not the name of a DaemonSet; if %s is its namespace: %s -n %s", arg, kind, name, kind)
		}
		return "", Usagef("%q is not the name of a DaemonSet; write NAME or ds/NAME", arg)
	}
	if !ValidName(name) {
		return "", Usagef("%q cannot be the name of a DaemonSet: names hold lower case letters, digits, '-' and '.'", name)
	}
	return name, nil
}

// ValidName reports whether s can be the name of an object.
func ValidName(s string) bool { return len(validation.NameIsDNSSubdomain(s, false)) == 0 }

// NodeName reads NODE and node/NODE.
func NodeName(arg string) (string, error) {
	name := arg
	if kind, rest, found := strings.Cut(arg, "/"); found {
		if !slices.Contains([]string{"node", "nodes", "no"}, strings.ToLower(kind)) {
			return "", Usagef("%q is not the name of a node; write NODE or node/NODE", arg)
		}
		name = rest
	}
	if !ValidName(name) {
		return "", Usagef("%q cannot be the name of a node: names hold lower case letters, digits, '-' and '.'", name)
	}
	return name, nil
}

// ExplainRead turns an error of reading a cluster into one line with a remedy.
func ExplainRead(err error, server, plugin string, subcommands []string) error {
	var missing *kube.NotFoundError
	if errors.As(err, &missing) {
		return NotFound(missing, subcommands, "list them: kubectl get daemonsets -A")
	}
	explained := kube.Explain(err, server)
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("%w; print it: kubectl %s rbac", explained, plugin)
	}
	return explained
}

// NotFound says where else a DaemonSet of the name is, or which names are
// near, else what to do. A mistyped subcommand looks like a name.
func NotFound(e *kube.NotFoundError, subcommands []string, otherwise string) error {
	msg := e.Error()
	var elsewhere []string
	for _, c := range e.Existing {
		if ns, name, ok := strings.Cut(c, "/"); ok && name == e.Name {
			elsewhere = append(elsewhere, ns)
		}
	}
	switch near := DidYouMean(e.Name, e.Existing); {
	case len(elsewhere) == 1:
		msg += fmt.Sprintf("; there is one in %s: -n %s", elsewhere[0], elsewhere[0])
	case len(elsewhere) > 1:
		msg += fmt.Sprintf("; there are some in %s: choose with -n", strings.Join(elsewhere, ", "))
	case near != "":
		msg += near
	default:
		if sub := Near(e.Name, subcommands); len(sub) > 0 {
			msg += fmt.Sprintf("; if the subcommand was meant, it is %q", sub[0])
		} else {
			msg += "; " + otherwise
		}
	}
	return Exit(Usage, errors.New(msg))
}
