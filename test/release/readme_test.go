package release

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	release    = regexp.MustCompile(`(?m)^tag=v\S+ platform=linux_amd64$`)
)

// typed is what a section of the README says to type.
func typed(t *testing.T, readme, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(readme, "\n### "+heading+"\n")
	section, _, _ := strings.Cut(rest, "\n#")
	var lines strings.Builder
	for _, m := range shellBlock.FindAllStringSubmatch(section, -1) {
		lines.WriteString(m[1])
	}
	if !found || lines.Len() == 0 {
		t.Fatalf("the README has no section %q that says what to type", heading)
	}
	return lines.String()
}

// small is a cluster with two nodes and a DaemonSet that the README names.
func small(t *testing.T) (kubeconfig string) {
	t.Helper()
	ctx := t.Context()
	c, err := cluster.Start(ctx, cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := simnode.Create(ctx, client, simnode.Nodes("node", 2, nil)...); err != nil {
		t.Fatal(err)
	}
	b := newBare(t, c.Kubeconfig())
	b.run(t, b.home, "kubectl apply -f - <<'END'\n"+proxy+"END", "kubectl rollout status -n kube-system daemonset/kube-proxy --timeout=1m")
	return c.Kubeconfig()
}

const proxy = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-proxy, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: kube-proxy}}
  template:
    metadata: {labels: {k8s-app: kube-proxy}}
    spec:
      containers: [{name: kube-proxy, image: "registry.example/kube-proxy:v1"}]
`

// TestTheREADMELeadsANewcomer types what the README of an archive says, where
// there is nothing but kubectl and the archives: install, complete, run, remove.
func TestTheREADMELeadsANewcomer(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // sha256sum and tar are those of Linux
	}
	text := readme(t)
	b := newBare(t, small(t))

	install := typed(t, text, "From an archive")
	if !release.MatchString(install) {
		t.Fatalf("no line sets tag and platform:\n%s", install)
	}
	install = release.ReplaceAllString(install, "tag="+tag+" platform="+runtime.GOOS+"_"+runtime.GOARCH)
	if out := b.run(t, built.dist, install); strings.Count(out, ": OK\n") < 2 || strings.Count(out, tag) < 2 {
		t.Errorf("it does not tell that archives are well, and which version is there:\n%s", out)
	}
	const path = "export PATH=$PATH:~/.local/bin"
	b.run(t, b.home, path, typed(t, text, "Complete"))
	b.completes(t, path)
	out := b.run(t, b.home, path, typed(t, text, "Run"))
	for _, want := range []string{"kube-system   kube-proxy   2/2", "Can start: 2 pods", "kind: ClusterRole"} {
		if !strings.Contains(out, want) {
			t.Errorf("the first commands do not print %q:\n%s", want, out)
		}
	}
	look := typed(t, text, "Look for what is left")
	if out := b.run(t, b.home, look); strings.TrimSpace(out) != "No resources found" {
		t.Errorf("something is left where nothing was begun:\n%s", out)
	}
	b.run(t, b.home, path, "kubectl ds-coverage rbac | kubectl apply -f -", "kubectl ds-rollout arm -n kube-system kube-proxy --yes")
	out = b.run(t, b.home, look)
	for _, want := range []string{"held: -n kube-system kube-proxy\n", "clusterrole.rbac.authorization.k8s.io/ds-coverage "} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not show %q, which is left:\n%s", want, out)
		}
	}
	b.run(t, b.home, path, typed(t, text, "Remove"))
	if left := b.left(t, ".local/bin"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

var relativeLink = regexp.MustCompile(`(?:\]\(|\b(?:src|srcset|href)=")([^")\s:#]+)[#")]`)

// TestLinksOfTheREADMEAreInTheArchive: who has nothing but an archive can read
// on.
func TestLinksOfTheREADMEAreInTheArchive(t *testing.T) {
	for _, plugin := range plugins {
		files := entries(t, plugin)
		links := relativeLink.FindAllStringSubmatch(string(files["README.md"].Content), -1)
		if len(links) == 0 {
			t.Fatal("the README has no links, or this test sees none")
		}
		for _, m := range links {
			if _, ok := files[filepath.ToSlash(filepath.Clean(m[1]))]; !ok {
				t.Errorf("the archive of %s has no %s, which its README leads to", plugin, m[1])
			}
		}
	}
}

// TestTheTourOfTheREADMERunsInTheArchive: its first commands read captures.
func TestTheTourOfTheREADMERunsInTheArchive(t *testing.T) {
	dir := t.TempDir()
	var commands []string
	for name, e := range entries(t, "coverage") {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, e.Content, e.Mode.Perm()); err != nil {
			t.Fatal(err)
		}
		if name != "README.md" {
			continue
		}
		for line := range strings.Lines(string(e.Content)) {
			if command, ok := strings.CutPrefix(line, "$ kubectl ds-coverage "); ok && strings.Contains(command, "--from docs/") {
				commands = append(commands, command)
			}
		}
	}
	if len(commands) < 3 {
		t.Fatalf("the README shows %d commands on captures", len(commands))
	}
	b := newBare(t, filepath.Join(dir, "none"))
	for _, c := range commands {
		if out := b.run(t, dir, "./kubectl-ds_coverage "+c); len(out) < 100 {
			t.Errorf("%s prints %q", c, out)
		}
	}
}
