package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

var operator = who{actor: "operator", verb: "update"}

// World is what a simulated run is about. The zero value of most fields is
// the calm one.
type World struct {
	Seed      uint64
	Nodes     int
	OnDelete  bool // in the manifest already
	Change    bool // the run brings the template; else it changed before
	HandArmed bool // before it changed, somebody armed the DaemonSet
	Exists    bool // the template tolerates every taint
	Narrow    narrow
	Retired   string // a node that is retired before the plan
	Workloads int    // pods a node that a drain evicts
	Jobs      bool   // one node runs a job for a while
	Data      bool   // one node runs a pod with local data, which refuses a drain
	Budget    int    // of the workloads that must stay
	MinReady  int32
	// Before happens before the plan is made: nodes that are broken already.
	Before  func(c *Cluster)
	Policy  *rollout.Policy
	Faults  faults
	Crashes bool
	Rival   bool // a second driver tries to take the run over all the time
	Skew    time.Duration
	// Behave is how the pods of v2 fare on a node.
	Behave func(node, template string) behaviour
	Gate   func(key rollout.GateKey, attempt int) rollout.GateOutcome
	Chaos  []chaos
	// CrashAt ends the driver right after its n-th request; a new process
	// resumes.
	CrashAt int
	// Person answers when the run rests; nil ends it by abort.
	Person func(s *Sim, e end)
	Calm   bool // nothing but crashes and transport: the run must be Done
}

// jobs is the label app of pods that a run waits for.
const jobs = "job"

// narrow is a template that fits fewer nodes than the other one, once a node
// has been retired.
type narrow struct {
	old      bool // v1 does, else v2 and v3
	selector bool // by nodeSelector, else by a toleration that it has not
	on       bool
}

// fit makes a template as the world has it.
func (n narrow) fit(id string, t *templateSpec) {
	switch wide := n.old != (id == "v1"); {
	case !n.on:
	case n.selector && !wide:
		t.Spec.NodeSelector = map[string]string{pool: "a"}
	case !n.selector && wide:
		t.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
}

// pool is a label that every node has until it is retired.
const pool = "pool"

type chaos struct {
	at   time.Duration
	name string
	do   func(s *Sim)
}

// NodeName of the i-th node.
func NodeName(i int) string { return fmt.Sprintf("n%02d", i) }

func template(id string, exists bool) *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{}
	t.Labels = map[string]string{"app": Name}
	t.Spec.Containers = []corev1.Container{{Name: "c", Image: id}}
	if exists {
		t.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}
	return t
}

// build makes the cluster as it is before the run: every node runs v1.
func build(w *World) *Cluster {
	c := NewCluster(w.Seed)
	for _, id := range []string{"v1", "v2", "v3"} {
		c.templates[id] = template(id, w.Exists)
		w.Narrow.fit(id, c.templates[id])
	}
	if w.Behave != nil {
		c.behave = w.Behave
	}
	for i := range w.Nodes {
		c.AddNode(operator, NodeName(i), string(rune('a'+i%3)))
		for range w.Workloads {
			c.addWorkload("web", NodeName(i))
		}
	}
	c.newDS(w)
	for c.step(c.now.Add(time.Minute)) && !c.allReady() {
	}
	c.prepare(w)
	if w.Retired != "" {
		c.retire(w.Retired, w.Narrow)
		end := c.now.Add(5 * time.Second)
		for c.step(end) {
		}
	}
	if !w.Change {
		c.editDS(operator, func(d *appsv1.DaemonSet) { d.Spec.Template = *c.templates["v2"] })
		end := c.now.Add(5 * time.Second)
		for c.step(end) {
		}
	}
	return c
}

// prepare is what happens before the template changes.
func (c *Cluster) prepare(w *World) {
	if w.Budget > 0 {
		c.budgets["web"] = w.Budget
	}
	if w.Before != nil {
		w.Before(c)
		end := c.now.Add(time.Minute)
		for c.step(end) {
		}
	}
	if w.Jobs {
		c.addWorkload(jobs, NodeName(0))
		c.after(c.between(10*time.Second, 90*time.Second), func() {
			for _, key := range slices.Sorted(maps.Keys(c.pods)) {
				if p := c.pods[key]; p.Labels["app"] == jobs {
					c.removePod(kubelet.does("remove"), key)
				}
			}
		})
	}
	if w.Data {
		// By its name it comes after the others.
		key := c.addWorkload("workspace", NodeName(w.Nodes-1))
		p := *c.pods[key]
		p.Full = &corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}}}
		c.putPod(kubelet, &p)
	}
	if w.HandArmed && !w.OnDelete {
		c.editDS(operator, func(d *appsv1.DaemonSet) {
			d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
			d.Annotations[rollout.ArmAnnotation] = rollout.Armed{Run: rollout.ArmedByHand, Original: "RollingUpdate"}.String()
		})
	}
}

func (c *Cluster) newDS(w *World) {
	d := &appsv1.DaemonSet{}
	d.Name, d.Namespace, d.UID, d.Generation = Name, Namespace, c.uid(), 1
	d.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: "1"}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": Name}}
	d.Spec.Template = *c.templates["v1"]
	d.Spec.MinReadySeconds = w.MinReady
	d.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	if w.OnDelete {
		d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	}
	one := intstr.FromInt32(1)
	d.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &one}
	c.putDS(operator.does("create"), d)
}

func (c *Cluster) allReady() bool {
	ready := 0
	for _, p := range c.pods {
		if p.Owner.Kind == "DaemonSet" && p.Ready {
			ready++
		}
	}
	return ready == len(c.nodes)
}
