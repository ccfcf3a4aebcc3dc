package rollout

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// The DaemonSet controller deletes the pods of nodes that the template does not
// fit in one pass, under OnDelete, too. And what somebody changes between plan
// and start is theirs.

var retired = corev1.Taint{Key: "sim.local/retired", Effect: corev1.TaintEffectNoExecute}

// tolerates is a manifest whose pods stay on retired nodes.
func (w *world) tolerates(image string) string {
	return strings.Replace(w.yaml(image, ""), "      nodeSelector:", "      tolerations: [{key: "+retired.Key+", operator: Exists}]\n      nodeSelector:", 1)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in:\n%s", word, text)
		}
	}
}

func (w *world) same(t *testing.T, was map[string]string) {
	t.Helper()
	if is := uids(t, w); !maps.Equal(was, is) {
		t.Errorf("pods were replaced: %v, %v", was, is)
	}
}

func TestANodeSelectorThatNoNodeHasIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6, worldOptions{})
	was, user := uids(t, w), w.as(t, "user")
	path := write(t, strings.Replace(w.yaml(newImage, ""), "nodeSelector: {", "nodeSelector: {foo: bar, ", 1))
	for _, verb := range []string{"plan", "start"} {
		r := w.run(t, 1, verb, "-f", path)
		says(t, r.stdout, "refuse", "foo=bar", w.node(0), "6 pods", "at once")
	}
	w.wroteNothing(t, user)
	w.same(t, was)
	w.nothingLeft(t)
}

func TestATolerationThatGoesIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	w.apply(t, write(t, w.tolerates(oldImage))) // revision 2; the first one tolerates nothing
	w.before = w.settled(t, simnode.Updated(4), simnode.Ready(4))
	w.taint(t, &retired, w.node(1), w.node(2))
	was, user := uids(t, w), w.as(t, "user")
	for _, args := range [][]string{
		{"start", "-f", write(t, w.yaml(newImage, ""))},
		{"start", "--to-revision", "1"},
		{"undo", "--to-revision", "1"},
		{"undo"},
	} {
		r := w.run(t, 1, args[0], args[1:]...)
		says(t, r.stdout, "refuse", retired.Key, w.node(1), w.node(2), "2 pods", "at once")
	}
	w.wroteNothing(t, user)
	w.same(t, was)
	w.nothingLeft(t)
}

// TestUndoCostsNoPod: the template that a run would put back may fit fewer
// nodes than that which it brought.
func TestUndoCostsNoPod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	w.run(t, 4, "start", "-f", write(t, w.tolerates(newImage)), "--waves", "1,100%", "--pause-after", "canary", "--soak", "2s", "--node-timeout", "30s")
	canary := ""
	for node, p := range w.pods(t) {
		if p.Spec.Containers[0].Image == newImage {
			canary = node
		}
	}
	w.taint(t, &retired, canary)
	was := uids(t, w)
	r := w.run(t, 1, "undo")
	says(t, r.stdout+r.stderr, "revision 1", canary, retired.Key, "1 pod", "at once")
	if image := w.daemonSet(t.Context(), t).Spec.Template.Spec.Containers[0].Image; image != newImage {
		t.Errorf("the template is %s", image)
	}
	w.same(t, was)
	w.taint(t, nil, canary)
	w.run(t, 0, "undo")
	w.all(t, oldImage, 4)
	w.judge(t, verdict{budget: 1, soak: twoAtATime.soak})
	w.nothingLeft(t)
}

// TestWhatChangesBetweenPlanAndStartIsKept: whether somebody is faster than the
// Lease, or than the write that brings the template.
func TestWhatChangesBetweenPlanAndStartIsKept(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]faultproxy.Rule{
		"before the Lease":  {Verb: "create", Path: "/leases", Count: 1},
		"before it is sent": {Verb: "patch", Path: "/daemonsets/" + agent, Count: 1},
	} {
		t.Run(name, func(t *testing.T) {
			// The hotfix itself replaces nothing.
			w := newWorld(t, 3, worldOptions{daemonSet: func(ds *appsv1.DaemonSet) {
				ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
			}})
			was := uids(t, w)
			proxy, _ := w.proxied(t, 1)
			late.Fault = faultproxy.Delay{Before: 3 * time.Second}
			rule := proxy.Add(late)
			p := w.start(t, "start", fast(newImage)...)
			eventually(t, "the write that is late", func() bool { return rule.Hits() > 0 })
			w.patch(t, `{"spec":{"template":{"spec":{"containers":[{"name":"`+agent+`","env":[{"name":"HOTFIX","value":"1"}]}]}}}}`)
			r := p.wait(t, 1)
			says(t, r.stdout+r.stderr, "the template was changed since the plan was made", "kubectl-patch: plan again", "Nothing was changed")
			c := w.daemonSet(t.Context(), t).Spec.Template.Spec.Containers[0]
			if c.Image != oldImage || len(c.Env) != 1 || c.Env[0].Name != "HOTFIX" {
				t.Errorf("the container is %s with %v", c.Image, c.Env)
			}
			w.before = w.daemonSet(t.Context(), t) // with the hotfix
			w.same(t, was)
			w.nothingLeft(t)
			if r.count(core.EventStopped) != 1 {
				t.Errorf("the journal tells of it %d times", r.count(core.EventStopped))
			}

			w.run(t, 0, "start", fast(newImage)...)
			w.all(t, newImage, 3)
			if c := w.daemonSet(t.Context(), t).Spec.Template.Spec.Containers[0]; len(c.Env) != 1 {
				t.Errorf("after a new plan the container has %v", c.Env)
			}
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
		})
	}
}

// TestGatesThatCanNeverPassAreRefused before the first pod is deleted for them.
func TestGatesThatCanNeverPassAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	user := w.as(t, "user")
	r := w.run(t, 1, "start", fast(newImage, "--gate-cel", "node.metadata.name", "--gate-daemonset", w.name+"/nowhere")...)
	says(t, r.stdout, "refuse", "gave string instead of a bool", "no DaemonSet "+w.name+"/nowhere")
	w.wroteNothing(t, user)
	w.nothingLeft(t)
}
