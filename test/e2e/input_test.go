package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// eventually polls with a deadline.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("waited a minute for %s", what)
		case <-tick.C:
		}
	}
}

func deleteNamespace(t *testing.T, name string) {
	t.Helper()
	// The test's own context is done when cleanups run.
	r, err := shared.kubectl.Run(contextOfCleanup(t), "delete", "namespace", name, "--timeout=60s")
	if err != nil || r.Code != 0 {
		t.Errorf("deleting namespace %s: %v %s", name, err, r.Stderr)
	}
}

func TestWrongNamesSuggestNearOnes(t *testing.T) {
	oneLine(t, plugin(t, shared.kubectl, 2, "-n", "kube-system", "clium"), "clium", "cilium")
	oneLine(t, plugin(t, shared.kubectl, 2, "-n", "default", "vector"), "logging")
	oneLine(t, plugin(t, shared.kubectl, 2, "nodes", "general-11"), "general-1")
	oneLine(t, plugin(t, shared.kubectl, 2, "explain", "-n", "logging", "vector", "general-11"), "general-1")
}

func TestWrongInputIsOneLine(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		words []string
	}{
		{"a context that does not exist", []string{"-A", "--context=nowhere"}, []string{"nowhere"}},
		{"an invalid selector", []string{"-A", "-l", "a=b=c"}, nil},
		{"an invalid time", []string{"-A", "--at=yesterday"}, []string{"yesterday"}},
		{"an unknown format", []string{"-A", "-o", "jsn"}, []string{"json"}},
		{"a capture that is not there", []string{"--from=/nowhere.json"}, []string{"/nowhere.json"}},
		{"wait without a condition", []string{"-A", "--wait"}, []string{"--fail-on"}},
	} {
		t.Run(c.name, func(t *testing.T) { oneLine(t, plugin(t, shared.kubectl, 2, c.args...), c.words...) })
	}
}

func TestAServerThatIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil { // nobody listens there now
		t.Fatal(err)
	}
	r := plugin(t, shared.kubectl.As(kubeconfig(t, "http://"+address)), 2, "-A")
	oneLine(t, r, address)
}

func TestAServerThatAnswersHTML(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Please log in</body></html>"))
	}))
	defer s.Close()
	oneLine(t, plugin(t, shared.kubectl.As(kubeconfig(t, s.URL)), 2, "-A"), "text/html", "check the server URL")
}

// kubeconfig points at a server, without credentials.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: x, cluster: {server: \"" + server + "\"}}]\ncontexts: [{name: x, context: {cluster: x}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", "name"}, "daemonset.apps/vector\n"},
		{[]string{"-o", "jsonpath={.items[0].summary.outdated}"}, "7"},
		{[]string{"-o", "custom-columns=N:.metadata.name,GAPS:.summary.gaps", "--no-headers"}, "vector   3\n"},
		{[]string{"-o", "go-template={{(index .items 0).kind}}"}, "DaemonSetCoverage"},
	} {
		got := plugin(t, shared.kubectl, 0, append([]string{"-n", "logging", "vector", "--grace=0s"}, c.args...)...).Stdout
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
	if y := plugin(t, shared.kubectl, 0, "-n", "logging", "-o", "yaml").Stdout; !strings.Contains(y, "kind: DaemonSetCoverageList") {
		t.Errorf("yaml: %.200s", y)
	}
}

func TestCompletionThroughKubectl(t *testing.T) {
	link := filepath.Join(shared.kubectl.Dir(), "kubectl_complete-ds_coverage")
	if err := os.Symlink(filepath.Join(shared.kubectl.Dir(), "kubectl-ds_coverage"), link); err != nil {
		t.Fatal(err)
	}
	r, err := shared.kubectl.Run(t.Context(), "__complete", "ds-coverage", "-n", "logging", "v")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Stdout, "vector") {
		t.Errorf("kubectl completes: %q %q", r.Stdout, r.Stderr)
	}
}

func TestWaitingUntilCovered(t *testing.T) {
	ctx := t.Context()
	if err := shared.cluster.CreateNamespace(ctx, "wait-test", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteNamespace(t, "wait-test") })
	// One is never ready in time: how long the first command takes to start must
	// not decide what it finds.
	for name, delay := range map[string]string{"slow": "3s", "never": "1h"} {
		d := simnode.DaemonSet("wait-test", name, func(d *appsv1.DaemonSet) {
			d.Spec.Template.Annotations[simnode.StartAnnotation] = simnode.SlowReady
			d.Spec.Template.Annotations[simnode.StartDelayAnnotation] = delay
			d.Spec.Template.Spec.NodeSelector = map[string]string{"kubernetes.io/arch": "arm64"}
		})
		if _, err := shared.client.AppsV1().DaemonSets(d.Namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	plugin(t, shared.kubectl, 6, "-n", "wait-test", "never", "--wait", "--min-coverage=100", "--timeout=1s")
	plugin(t, shared.kubectl, 0, "-n", "wait-test", "slow", "--wait", "--min-coverage=100", "--timeout=60s", "--quiet")
}

func TestWordsOfTheClusterCannotControlTheTerminal(t *testing.T) {
	ctx := t.Context()
	if err := shared.cluster.CreateNamespace(ctx, "hostile-test", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteNamespace(t, "hostile-test") })
	d := simnode.DaemonSet("hostile-test", "evil", func(d *appsv1.DaemonSet) {
		d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "general-1"}
	})
	if _, err := shared.client.AppsV1().DaemonSets(d.Namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p, err := shared.world.PodOn(ctx, "hostile-test", "evil", "general-1", "")
	if err != nil {
		t.Fatal(err)
	}
	const hostile = "\x1b]0;owned\x07\x1b[2J\rCovered\u202e\u2066 100%"
	if err := simnode.Crash(ctx, shared.client, p.Namespace, p.Name, simnode.CrashReport{ExitCode: 1, Message: hostile}); err != nil && !apierrors.IsConflict(err) {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-n", "hostile-test", "--grace=0s"}, {"-n", "hostile-test", "--flat", "--grace=0s"}, {"-n", "hostile-test", "-o", "wide", "--grace=0s"},
		{"explain", "-n", "hostile-test", "evil", "general-1", "--grace=0s"}, {"nodes", "general-1", "-n", "hostile-test", "--grace=0s"},
	} {
		r := plugin(t, shared.kubectl, 0, args...)
		if strings.ContainsAny(r.Stdout+r.Stderr, "\x1b\x07\r\u202e\u2066") {
			t.Errorf("%v: control characters reach the terminal: %q", args, r.Stdout)
		}
	}
}
