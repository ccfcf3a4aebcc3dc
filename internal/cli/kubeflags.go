package cli

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// KubeFlags are the flags that every kubectl command has: kubeconfig, context,
// namespace, impersonation and the rest.
type KubeFlags struct {
	*genericclioptions.ConfigFlags
	warnings rest.WarningHandler
}

// NewKubeFlags makes the flags; warnings of the server go to stderr.
func NewKubeFlags(streams genericiooptions.IOStreams) *KubeFlags {
	color := printers.AllowsColorOutput(streams.ErrOut)
	f := genericclioptions.NewConfigFlags(true).
		WithDiscoveryBurst(300).
		WithDiscoveryQPS(50).
		WithWarningPrinter(streams)
	return &KubeFlags{
		ConfigFlags: f,
		warnings:    rest.NewWarningWriter(streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true, Color: color}),
	}
}

// AddFlags adds them to a flag set.
func (f *KubeFlags) AddFlags(fs *pflag.FlagSet) { f.ConfigFlags.AddFlags(fs) }

// Validate checks what needs no kubeconfig.
func (f *KubeFlags) Validate() error {
	if f.Timeout == nil || *f.Timeout == "" || *f.Timeout == "0" {
		return nil
	}
	if _, err := clientcmd.ParseTimeout(*f.Timeout); err != nil {
		return Usagef("--request-timeout takes a time such as 30s, or 0 for none, not %q", *f.Timeout)
	}
	return nil
}

// Cluster is where a command goes.
type Cluster struct {
	Config    *rest.Config
	Context   string // name of the kubeconfig context, empty inside a pod
	Namespace string // of -n, else of the context
}

// Cluster reads the kubeconfig. Each error says what to do.
func (f *KubeFlags) Cluster() (*Cluster, error) {
	loader := f.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, Usagef("read kubeconfig: %w; check --kubeconfig and $KUBECONFIG", err)
	}
	c := &Cluster{Context: raw.CurrentContext}
	if *f.Context != "" {
		c.Context = *f.Context
		if _, ok := raw.Contexts[c.Context]; !ok {
			names := slices.Sorted(maps.Keys(raw.Contexts))
			return nil, Usagef("context %q does not exist in the kubeconfig%s; list them: kubectl config get-contexts",
				c.Context, DidYouMean(c.Context, names))
		}
	}
	if c.Config, err = f.ToRESTConfig(); err != nil {
		return nil, f.explain(err)
	}
	// client-go falls back to localhost where nothing is configured at all.
	if len(raw.Clusters) == 0 && *f.APIServer == "" && os.Getenv("KUBERNETES_MASTER") == "" &&
		strings.HasSuffix(c.Config.Host, "localhost:8080") {
		return nil, Usagef("no cluster is configured; name a kubeconfig with --kubeconfig or $KUBECONFIG, or read a capture with --from")
	}
	if c.Namespace, _, err = loader.Namespace(); err != nil {
		return nil, f.explain(err)
	}
	c.Config.WarningHandler = f.warnings
	return c, nil
}

func (f *KubeFlags) explain(err error) error {
	switch {
	case clientcmd.IsEmptyConfig(err):
		return Usagef("no cluster is configured; name a kubeconfig with --kubeconfig or $KUBECONFIG, or read a capture with --from")
	case errors.Is(err, os.ErrNotExist):
		return Usagef("%w; check --kubeconfig and the files that it names", err)
	}
	return Usagef("%w; check the kubeconfig and its context: kubectl config view --minify", err)
}

// SetNamespace reports whether -n was given.
func (f *KubeFlags) SetNamespace() bool { return f.Namespace != nil && *f.Namespace != "" }

// CommandFlags are what printed commands repeat, quoted for a shell, so that
// they act on the cluster that was read: pasted elsewhere, a command without
// them would act on another.
func (f *KubeFlags) CommandFlags() string {
	var words []string
	for _, w := range []struct {
		flag  string
		value *string
	}{{"--kubeconfig", f.KubeConfig}, {"--context", f.Context}, {"--cluster", f.ClusterName}, {"--server", f.APIServer}, {"--user", f.AuthInfoName}} {
		if w.value != nil && *w.value != "" {
			words = append(words, w.flag, Quote(*w.value))
		}
	}
	return strings.Join(words, " ")
}

// Quote makes one word of a POSIX shell of s.
func Quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	// A line of a screen is one line: what breaks it is shown, not run.
	return "'" + strings.ReplaceAll(present.Safe(s), "'", `'\''`) + "'"
}

// WithTimeout sets the time that one request may take, where none was asked.
func (f *KubeFlags) WithTimeout(d time.Duration) {
	if f.Timeout != nil && (*f.Timeout == "" || *f.Timeout == "0") {
		*f.Timeout = d.String()
	}
}
