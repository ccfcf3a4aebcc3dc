package coverage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"gotest.tools/v3/golden"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestMain(m *testing.M) {
	plugin := func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
		//nolint:forbidigo // here the test binary is the plugin
		os.Exit(cli.Main(ctx, os.Args, streams, Builder("v1.2.3")))
	}
	testscript.Main(m, map[string]func(){"kubectl-ds_coverage": plugin, "kubectl_complete-ds_coverage": plugin})
}

func TestScripts(t *testing.T) {
	kubeconfig := writeKubeconfig(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			b, err := os.ReadFile(filepath.Join("testdata", "cluster.yaml"))
			if err != nil {
				return err
			}
			env.Setenv("KUBECONFIG", kubeconfig)
			env.Setenv("KUBECACHEDIR", filepath.Join(env.WorkDir, "cache"))
			return os.WriteFile(filepath.Join(env.WorkDir, "cluster.yaml"), b, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"fails": fails,
		},
		RequireUniqueNames: true,
		UpdateScripts:      golden.FlagUpdate(),
	})
}

// exits CODE COMMAND... runs a command and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := codeOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// fails CODE PATTERN COMMAND... runs a command that must say one line on
// stderr that matches, and nothing on stdout.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fails CODE PATTERN COMMAND...")
	}
	exits(ts, false, append([]string{args[0]}, args[2:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout holds %q beside an error", out)
	}
	line, rest, _ := strings.Cut(ts.ReadFile("stderr"), "\n")
	if rest != "" || !strings.HasPrefix(line, "error: ") || len(line) < 20 {
		ts.Fatalf("stderr is not one line of error: %q", ts.ReadFile("stderr"))
	}
	if !regexp.MustCompile(args[1]).MatchString(line) {
		ts.Fatalf("stderr %q does not match %q", line, args[1])
	}
}

func codeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// writeKubeconfig makes contexts that work, and contexts that do not: live,
// blind (may not list nodes), deaf (may not list events), mute (may not list
// DaemonSets), held (by a rollout that nobody drives), heldunread (where the
// Lease may not be read), hang, html, down.
func writeKubeconfig(t *testing.T) string {
	t.Helper()
	c := clientcmdapi.NewConfig()
	add := func(name, namespace string, cfg *rest.Config) {
		c.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
		c.AuthInfos[name] = &clientcmdapi.AuthInfo{}
		c.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	}
	objects := clusterObjects(t)
	add("live", "logging", apiserver.New(t, objects...).Config())
	blind := apiserver.New(t, objects...)
	blind.Fault(apiserver.Fault{Path: "/api/v1/nodes", Status: http.StatusForbidden})
	add("blind", "logging", blind.Config())
	deaf := apiserver.New(t, objects...)
	deaf.Fault(apiserver.Fault{Path: "/api/v1/namespaces/logging/events", Status: http.StatusForbidden})
	add("deaf", "logging", deaf.Config())
	mute := apiserver.New(t, objects...)
	mute.Fault(apiserver.Fault{Path: "/apis/apps/v1/daemonsets", Status: http.StatusForbidden})
	add("mute", "logging", mute.Config())
	held := heldByRollout(t, objects)
	add("held", "logging", apiserver.New(t, held...).Config())
	heldUnread := apiserver.New(t, held...)
	heldUnread.Fault(apiserver.Fault{Path: "/apis/coordination.k8s.io/v1/namespaces/logging/leases/ds-rollout.collector", Status: http.StatusForbidden})
	add("heldunread", "logging", heldUnread.Config())
	hang := apiserver.New(t, objects...)
	hang.Fault(apiserver.Fault{Path: "/api/v1/nodes", Hang: true})
	add("hang", "logging", hang.Config())
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintln(w, "<html><body>Please log in</body></html>")
	}))
	t.Cleanup(html.Close)
	add("html", "default", &rest.Config{Host: html.URL})
	add("down", "default", &rest.Config{Host: "http://" + closedPort(t)})
	c.CurrentContext = "live"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// heldByRollout is the cluster while a rollout of the collector rests.
func heldByRollout(t *testing.T, objects []runtime.Object) []runtime.Object {
	t.Helper()
	renewed := metav1.NewMicroTime(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
	out := []runtime.Object{&coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "logging", Name: "ds-rollout.collector", Annotations: map[string]string{"kubectl-ds.github.io/run": "what-is-stored"}},
		Spec:       coordinationv1.LeaseSpec{RenewTime: &renewed},
	}}
	for _, o := range objects {
		o = o.DeepCopyObject()
		if d, ok := o.(*appsv1.DaemonSet); ok && d.Name == "collector" {
			d.Annotations = map[string]string{snapshot.ArmAnnotation: `{"run":"7f3k","original":"RollingUpdate"}`}
			d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
		}
		out = append(out, o)
	}
	return out
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// clusterObjects are the objects of the capture, so that a live cluster and a
// capture can be compared.
func clusterObjects(t *testing.T) []runtime.Object {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []map[string]any `json:"items"`
	}
	if err := yaml.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	var out []runtime.Object
	for _, item := range list.Items {
		b, err := yaml.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(b, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, obj)
	}
	return out
}
