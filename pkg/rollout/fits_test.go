package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// evict is a taint that ends pods that do not tolerate it.
var evict = corev1.Taint{Key: "drain", Effect: corev1.TaintEffectNoExecute}

// tolerant is a template that runs on every node.
func tolerant(revision int64) corev1.PodTemplateSpec {
	t := revisionTemplate(revision)
	t.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	return t
}

// TestATemplateThatWouldCostPodsIsRefused: the controller deletes them at once,
// whatever the ceiling and the strategy.
func TestATemplateThatWouldCostPodsIsRefused(t *testing.T) {
	cases := []struct {
		name  string
		given func(w *world, next *corev1.PodTemplateSpec)
		nodes []string
		says  string
	}{
		{"one that fits every node", func(*world, *corev1.PodTemplateSpec) {}, nil, ""},
		{"a node selector that no node has", func(_ *world, next *corev1.PodTemplateSpec) {
			next.Spec.NodeSelector = map[string]string{"foo": "bar"}
		}, []string{"n0", "n1", "n2", "n3"}, "the new template does not fit n0, n1, n2, +1 (it asks for foo=bar): the DaemonSet controller would delete 4 pods there at once"},
		{"a node selector that one node has not", func(w *world, next *corev1.PodTemplateSpec) {
			for i := range 3 {
				w.n(i).Labels["foo"] = "bar"
			}
			next.Spec.NodeSelector = map[string]string{"foo": "bar"}
		}, []string{"n3"}, "delete 1 pod there"},
		{"a node that lost its label, and has no pod", func(w *world, next *corev1.PodTemplateSpec) {
			for i := range 3 {
				w.n(i).Labels["foo"] = "bar"
			}
			next.Spec.NodeSelector = map[string]string{"foo": "bar"}
			w.drop(3)
		}, nil, ""},
		{"a pod that is on its way out is not lost", func(w *world, next *corev1.PodTemplateSpec) {
			for i := range 3 {
				w.n(i).Labels["foo"] = "bar"
			}
			next.Spec.NodeSelector = map[string]string{"foo": "bar"}
			w.p(3).Deleted = 1
		}, nil, ""},
		{"an affinity that matches no node", func(_ *world, next *corev1.PodTemplateSpec) {
			next.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{}},
			}}}
		}, []string{"n0", "n1", "n2", "n3"}, "its node affinity matches no node"},
		{"another node's name", func(_ *world, next *corev1.PodTemplateSpec) { next.Spec.NodeName = "n1" }, []string{"n0", "n2", "n3"}, "nodeName is n1"},
		{"a toleration that goes, of a taint that ends pods", func(w *world, _ *corev1.PodTemplateSpec) {
			w.ds.Spec.Template = tolerant(2)
			w.n(1).Spec.Taints = []corev1.Taint{evict}
		}, []string{"n1"}, "it does not tolerate drain:NoExecute"},
		{"a toleration that goes, of a taint that keeps new pods away", func(w *world, _ *corev1.PodTemplateSpec) {
			w.ds.Spec.Template = tolerant(2)
			w.taint(1)
		}, nil, ""},
		{"a taint that ends pods already", func(w *world, _ *corev1.PodTemplateSpec) { w.n(1).Spec.Taints = []corev1.Taint{evict} }, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := planned(4)
			next := revisionTemplate(3)
			c.given(w, &next)
			p := w.plan(t, PlanInput{Template: &next})
			i := slices.IndexFunc(p.Checks, func(k Check) bool { return k.Name == "eligibility" })
			got := p.Checks[i]
			if len(c.nodes) == 0 {
				if got.Result == CheckRefuse {
					t.Errorf("it is refused: %+v", got)
				}
				return
			}
			if got.Result != CheckRefuse || !slices.Equal(got.Nodes, c.nodes) || !strings.Contains(got.Detail, c.says) || got.Fix == "" {
				t.Errorf("got %+v", got)
			}
			for _, n := range p.Nodes {
				if lost := slices.Contains(c.nodes, n.Node); lost != (n.Verdict == WouldBeLost) {
					t.Errorf("%s: verdict %s, %s", n.Node, n.Verdict, n.Reason)
				}
			}

			// What was planned before the nodes changed is held to the same.
			w.run.Phase, w.run.Target, w.run.Change, w.obs.Template = Arming, Revision{}, true, &next
			if got := words(w.decide(t)); got != "save Ended TemplateMisfit" {
				t.Errorf("arming: %s", got)
			}
		})
	}
}

// TestNoTemplateIsPutBackThatWouldCostPods: undo and hold.
func TestNoTemplateIsPutBackThatWouldCostPods(t *testing.T) {
	begin := func(change func(r *Run)) *world {
		w := newWorld(3)
		w.ds.Spec.Template = tolerant(2)
		w.s.Revisions[1].Data = dataOf(tolerant(2))
		w.fly(0)
		w.replace(0, 0)
		w.run.InFlight = nil
		w.n(2).Spec.Taints = []corev1.Taint{evict}
		change(w.run)
		return w
	}
	says := func(t *testing.T, c *Cause) {
		t.Helper()
		for _, want := range []string{"revision 1 does not fit n2", "does not tolerate drain:NoExecute", "delete 1 pod there at once"} {
			if !strings.Contains(c.Message, want) {
				t.Errorf("%q does not say %q", c.Message, want)
			}
		}
	}
	t.Run("undo", func(t *testing.T) {
		w := begin(func(r *Run) { r.beginUndo(true, true) })
		d := w.decide(t)
		if words(d) != "save Stopped CannotUndo" {
			t.Fatal(words(d))
		}
		w.run = d.Act.(*SaveRun).Run
		says(t, w.run.Because)
		if d := w.decide(t); d.Stop == nil || !d.Stop.Resumable || d.Stop.Exit != ExitStopped {
			t.Errorf("then %+v", d)
		}
		// It goes on to where it went before, and back once the taint is gone.
		forward := w.run.DeepCopy()
		forward.resume()
		if forward.Phase != Running {
			t.Errorf("resumed, it is %s", forward.Phase)
		}
		w.n(2).Spec.Taints = nil
		w.run.beginUndo(true, true)
		if got := words(w.decide(t)); got != "put back h1" {
			t.Errorf("without the taint: %s", got)
		}
	})
	t.Run("hold", func(t *testing.T) {
		w := begin(func(r *Run) {
			r.beginUndo(false, false)
			r.Phase, r.Because = Stopped, &Cause{Code: StopFailed, Node: "n0", Message: "it crashes"}
		})
		d := w.decide(t)
		if words(d) != "save Stopped NodeFailed" {
			t.Fatal(words(d))
		}
		w.run = d.Act.(*SaveRun).Run
		says(t, w.run.Because)
		if !strings.HasPrefix(w.run.Because.Message, "it crashes; the template stays") {
			t.Errorf("says %q", w.run.Because.Message)
		}
		if got := words(w.decide(t)); got != "stop NodeFailed n0" {
			t.Errorf("then %s", got)
		}
	})
	t.Run("a failure that would turn it round", func(t *testing.T) {
		w := begin(func(*Run) {})
		w.pol.OnFailure = FailUndo
		d := newDecider(w.pol, w.run, w.view(), w.obs, t0)
		got := d.fail([]Failure{{Node: "n0", Reason: "CrashLoop"}})
		if words(got) != "save Stopped NodeFailed failed:n0" {
			t.Fatal(words(got))
		}
		says(t, got.Act.(*SaveRun).Run.Because)
	})
	t.Run("the choice on the screen", func(t *testing.T) {
		w := begin(func(r *Run) { r.Phase, r.Because = Stopped, &Cause{Code: StopFailed, Node: "n0"} })
		for _, c := range Choices(w.run, w.view(), t0) {
			if c.Verb == VerbUndo {
				says(t, &Cause{Message: c.Because})
			}
		}
	})
	t.Run("a plan that would undo", func(t *testing.T) {
		w := begin(func(*Run) {})
		w.pol = &Policy{}
		w.pol.OnFailure = FailUndo
		for _, c := range w.plan(t, PlanInput{}).Checks {
			if c.Name == "undo" {
				says(t, &Cause{Message: c.Detail})
			}
		}
	})
}

// TestAStalePlanIsCalledOff: what somebody has changed since is not taken back,
// and not rolled out unseen.
func TestAStalePlanIsCalledOff(t *testing.T) {
	for name, change := range map[string]bool{"a run that brings a template": true, "a run that brings none": false} {
		t.Run(name, func(t *testing.T) {
			w := planned(3)
			next := revisionTemplate(3)
			var in PlanInput
			if change {
				in.Template = &next
			}
			run, err := w.plan(t, in).Run(w.run.Identity, "")
			if err != nil {
				t.Fatal(err)
			}
			w.run, w.pol, w.obs.Template = run, run.Policy, in.Template
			if got := words(w.decide(t)); !strings.HasPrefix(got, "arm ") {
				t.Fatalf("the template is that of the plan: %s", got)
			}
			w.ds.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "HOTFIX", Value: "1"}}
			entry := func(manager string, at time.Time) metav1.ManagedFieldsEntry {
				return metav1.ManagedFieldsEntry{Manager: manager, Time: &metav1.Time{Time: at}, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:template":{"f:spec":{}}}}`)}
			}
			w.ds.ManagedFields = []metav1.ManagedFieldsEntry{entry("helm", t0.Add(-time.Hour)), entry("kubectl-edit", t0), entry("kubectl-set", t0), entry("argo", t0.Add(-time.Minute))}
			d := w.decide(t)
			if words(d) != "save Ended PlanStale" {
				t.Fatal(words(d))
			}
			w.run = d.Act.(*SaveRun).Run
			if got := words(w.decide(t)); got != "delete lease" {
				t.Fatal(got)
			}
			w.gone = true
			d = w.decide(t)
			if d.Stop == nil || d.Stop.Resumable || d.Stop.Exit != ExitStopped || !strings.Contains(d.Stop.Because.Message, "by kubectl-edit or kubectl-set: plan again") {
				t.Errorf("at the end %+v", d)
			}
		})
	}
	t.Run("a DaemonSet that is OnDelete already", func(t *testing.T) {
		w := planned(3)
		w.ds.Spec.UpdateStrategy.Type = onDelete
		run, err := w.plan(t, PlanInput{}).Run(w.run.Identity, "")
		if err != nil {
			t.Fatal(err)
		}
		w.run, w.pol = run, run.Policy
		w.ds.Spec.Template.Labels["new"] = "yes"
		if got := words(w.decide(t)); got != "save Ended PlanStale" {
			t.Error(got)
		}
	})
	t.Run("a run of an older version, which does not know", func(t *testing.T) {
		w := planned(3)
		w.run.Phase, w.run.Target = Arming, Revision{}
		if got := words(w.decide(t)); !strings.HasPrefix(got, "arm ") {
			t.Error(got)
		}
	})
	t.Run("a template that was changed again before the target was pinned", func(t *testing.T) {
		for _, change := range []bool{true, false} {
			w := newWorld(3)
			w.run.Phase, w.run.Target, w.run.Change, w.run.Before = Arming, Revision{}, change, Planned{Sum: "another", Generation: 1}
			w.ds.Annotations[appsv1.DeprecatedTemplateGeneration] = "3"
			d := w.decide(t)
			if words(d) != "save Paused TemplateChanged" {
				t.Fatalf("change=%v: %s", change, words(d))
			}
			w.run = d.Act.(*SaveRun).Run
			w.run.resume()
			if got := words(w.decide(t)); got != "save Running" {
				t.Errorf("change=%v, resumed: %s", change, got)
			}
		}
	})
	t.Run("a run that armed, and brought its template", func(t *testing.T) {
		w := newWorld(3)
		w.run.Phase, w.run.Target, w.run.Change, w.run.Before = Arming, Revision{}, true, Planned{Sum: "another", Generation: 1}
		if got := words(w.decide(t)); got != "save Running" {
			t.Error(got)
		}
	})
}
