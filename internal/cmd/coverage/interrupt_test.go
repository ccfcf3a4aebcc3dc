package coverage

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/script"
)

func TestAnInterruptEndsAReadingThatHangs(t *testing.T) {
	server := apiserver.New(t, script.Objects(t)...)
	server.Fault(apiserver.Fault{Path: "/api/v1/nodes", Hang: true})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server.Before(func(r apiserver.Request) {
		if strings.HasPrefix(r.Path, "/api/v1/nodes") {
			cancel() // as a signal does
		}
	})
	c := clientcmdapi.NewConfig()
	cfg := server.Config()
	c.Clusters["x"] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	c.Contexts["x"] = &clientcmdapi.Context{Cluster: "x"}
	c.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"kubectl-ds_coverage", "-A", "--kubeconfig", path},
		{"kubectl-ds_coverage", "-A", "--kubeconfig", path, "--fail-on", "gaps", "--wait"},
		{"kubectl-ds_coverage", "snapshot", "-A", "--kubeconfig", path},
	} {
		var out, errOut bytes.Buffer
		code := cli.Main(ctx, args, genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}, Builder("v1"))
		if code != cli.Interrupted || out.Len() > 0 || errOut.String() != "interrupted\n" {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q; want %d and interrupted", args, code, out.String(), errOut.String(), cli.Interrupted)
		}
	}
}
