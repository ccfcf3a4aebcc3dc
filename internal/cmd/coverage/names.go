package coverage

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
)

// kinds are the words for the resource that kubectl takes.
var kinds = []string{"ds", "daemonset", "daemonsets", "daemonset.apps", "daemonsets.apps", "ds.apps", "daemonset.v1.apps", "daemonsets.v1.apps"}

// parseNames reads NAME and ds/NAME.
func parseNames(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		name, err := parseName(a)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

func parseName(arg string) (string, error) {
	kind, name, found := strings.Cut(arg, "/")
	if !found {
		kind, name = kinds[0], arg
	}
	if !slices.Contains(kinds, strings.ToLower(kind)) {
		if validName(kind) && validName(name) {
			return "", cli.Usagef("%q is not the name of a DaemonSet; if %s is its namespace: %s -n %s", arg, kind, name, kind)
		}
		return "", cli.Usagef("%q is not the name of a DaemonSet; write NAME or ds/NAME", arg)
	}
	if !validName(name) {
		return "", cli.Usagef("%q cannot be the name of a DaemonSet: names hold lower case letters, digits, '-' and '.'", name)
	}
	return name, nil
}

func validName(s string) bool { return len(validation.NameIsDNSSubdomain(s, false)) == 0 }

// explainRead turns an error of reading a cluster into one line with a remedy.
func explainRead(err error, server string, subcommands []string) error {
	var missing *kube.NotFoundError
	if errors.As(err, &missing) {
		return notFound(missing, subcommands)
	}
	explained := kube.Explain(err, server)
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("%w; print it: kubectl %s rbac", explained, Plugin)
	}
	return explained
}

// notFound says where else a DaemonSet of the name is, or which names are
// near. A mistyped subcommand looks like a name.
func notFound(e *kube.NotFoundError, subcommands []string) error {
	msg := e.Error()
	var elsewhere []string
	for _, c := range e.Existing {
		if ns, name, ok := strings.Cut(c, "/"); ok && name == e.Name {
			elsewhere = append(elsewhere, ns)
		}
	}
	switch near := cli.DidYouMean(e.Name, e.Existing); {
	case len(elsewhere) == 1:
		msg += fmt.Sprintf("; there is one in %s: -n %s", elsewhere[0], elsewhere[0])
	case len(elsewhere) > 1:
		msg += fmt.Sprintf("; there are some in %s: choose with -n, or -A for all", strings.Join(elsewhere, ", "))
	case near != "":
		msg += near
	default:
		if sub := cli.Near(e.Name, subcommands); len(sub) > 0 {
			msg += fmt.Sprintf("; if the subcommand was meant, it is %q", sub[0])
		} else {
			msg += "; list them: kubectl get daemonsets -A"
		}
	}
	return cli.Exit(cli.Usage, errors.New(msg))
}
