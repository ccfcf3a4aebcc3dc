package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
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
	c := clientcmdapi.NewConfig()
	c.Clusters["x"] = &clientcmdapi.Cluster{Server: server.URL}
	c.Contexts["x"] = &clientcmdapi.Context{Cluster: "x"}
	c.CurrentContext = "x"
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, kubeconfig); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}
	code := Main(t.Context(), []string{"kubectl_complete-x", "--kubeconfig", kubeconfig, ""}, streams, buildCompleting)
	took := time.Since(begun)
	if code != OK || out.String() != ":4\n" || bytes.Contains(errOut.Bytes(), []byte("rror")) {
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

func buildCompleting(streams genericiooptions.IOStreams) (*cobra.Command, error) {
	kube := NewKubeFlags(streams)
	cmd := &cobra.Command{
		Use: "kubectl-x", Args: cobra.ArbitraryArgs, ValidArgsFunction: NewCompleter(kube).Names("daemonset"),
		RunE: func(*cobra.Command, []string) error { return errors.New("must not run") },
	}
	kube.AddFlags(cmd.PersistentFlags())
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
