package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

// TestAClusterThatHangsCompletesNothing is about a shell that waits. The
// server holds every request until the client gives up, and so would the shell.
func TestAClusterThatHangsCompletesNothing(t *testing.T) {
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-req.Context().Done()
	}))
	defer server.Close()
	kubeconfig := writeKubeconfig(t, &clientcmdapi.Cluster{Server: server.URL})
	begun := time.Now()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}
	code := Main(t.Context(), []string{"kubectl_complete-x", "--kubeconfig", kubeconfig, ""}, streams, buildCompleting)
	took := time.Since(begun)
	if code != OK || names(out.String()) != "" || bytes.Contains(errOut.Bytes(), []byte("rror")) {
		t.Errorf("got %d, %q, %q", code, out.String(), errOut.String())
	}
	select {
	case <-asked:
	default:
		t.Error("the server was not asked: the test proves nothing")
	}
	// Far more than the second that it is: a machine that is busy is not at
	// fault, and one that hangs takes for ever.
	if completionTime > time.Second || took > 30*time.Second {
		t.Errorf("took %s of %s", took, completionTime)
	}
	t.Logf("gave up after %s", took)
}

// writeKubeconfig writes one with a single cluster.
func writeKubeconfig(t *testing.T, cluster *clientcmdapi.Cluster) string {
	t.Helper()
	c := clientcmdapi.NewConfig()
	c.Clusters["x"] = cluster
	c.Contexts["x"] = &clientcmdapi.Context{Cluster: "x", Namespace: "logging"}
	c.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNamesFollowTheCommandLine(t *testing.T) {
	var objects []runtime.Object
	for _, name := range []string{"logging/agent", "logging/shipper", "other/agent-2"} {
		namespace, name, _ := strings.Cut(name, "/")
		objects = append(objects, &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	}
	cfg := apiserver.New(t, objects...).Config()
	kubeconfig := writeKubeconfig(t, &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData})
	for args, want := range map[string]string{
		"":           "agent shipper",
		"a":          "agent",
		"agent ":     "shipper",
		"ds/agent a": "agent",
		"ds/a":       "ds/agent",
		"-n other ":  "agent-2",
		"-A a":       "agent agent-2",
		"--context ": "x",
		"--server ":  "",
		"zzz":        "",
	} {
		var out, errOut bytes.Buffer
		streams := genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}
		words := append([]string{"kubectl_complete-x", "--kubeconfig", kubeconfig}, strings.Split(args, " ")...)
		code := Main(t.Context(), words, streams, buildCompleting)
		if got := names(out.String()); got != want || code != OK {
			t.Errorf("%q completes as %q, want %q (%d, %s)", args, got, want, code, errOut.String())
		}
	}
}

// names are the words that a completion offers, without the subcommands, which
// have a description.
func names(out string) string {
	var found []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); !strings.ContainsAny(line, "\t:") {
			found = append(found, line)
		}
	}
	return strings.Join(found, " ")
}

func buildCompleting(streams genericiooptions.IOStreams) (*cobra.Command, error) {
	kube := NewKubeFlags(streams)
	cmd := &cobra.Command{
		Use: "kubectl-x", Args: cobra.ArbitraryArgs, ValidArgsFunction: NewCompleter(kube).Names("daemonset"),
		RunE: func(*cobra.Command, []string) error { return errors.New("must not run") },
	}
	cmd.Flags().BoolP("all-namespaces", "A", false, "")
	Decorate(cmd, "x", kube)
	return cmd, nil
}

func TestWhatHangsBesideTheContextIsLeft(t *testing.T) {
	for name, f := range map[string]func(context.Context) []string{
		"waits for no context": func(context.Context) []string { select {} },
		"has nothing":          func(context.Context) []string { return nil },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := inTime(ctx, f); got != nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
