package coverage

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var benchNow = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// fleet is a world of nodes x DaemonSets as the field has it: five pools, three
// zones, two architectures, a tainted pool, agents that tolerate everything and
// agents that select. broken is how many pods of a thousand crash.
func fleet(nodes, sets, broken int) *snapshot.Snapshot {
	created := metav1.NewTime(benchNow.Add(-30 * 24 * time.Hour))
	s := &snapshot.Snapshot{Source: snapshot.Source{TakenAt: benchNow}}
	for i := range nodes {
		n := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("ip-10-%d-%d-%d", i>>16, i>>8&255, i&255), CreationTimestamp: created, Labels: map[string]string{
				corev1.LabelOSStable: "linux", corev1.LabelArchStable: []string{"amd64", "arm64"}[i%10/8],
				corev1.LabelTopologyZone: fmt.Sprintf("eu-1%c", 'a'+i%3), corev1.LabelInstanceTypeStable: "m7i.2xlarge",
				"karpenter.sh/nodepool": fmt.Sprintf("pool-%d", i%5), "team": "platform", "node.kubernetes.io/lifecycle": "on-demand",
			}},
			Status: corev1.NodeStatus{
				Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
				Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("110")},
			},
		}
		if i%5 == 4 {
			n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule}}
		}
		s.Nodes = append(s.Nodes, n)
	}
	for i := range sets {
		d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{
			Namespace: "kube-system", Name: fmt.Sprintf("agent-%02d", i), UID: types.UID(fmt.Sprintf("ds-%d", i)), Generation: 1, CreationTimestamp: created,
			Annotations: map[string]string{generationAnnotation: "1"},
		}}
		d.Status.ObservedGeneration = 1
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": d.Name}}
		spec := &d.Spec.Template.Spec
		spec.NodeSelector = map[string]string{corev1.LabelOSStable: "linux"}
		spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
		if i%2 == 0 {
			spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: "eks.amazonaws.com/compute-type", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"fargate"}},
				}}},
			}}}
		}
		s.DaemonSets = append(s.DaemonSets, d)
		yes := true
		s.Revisions = append(s.Revisions, &appsv1.ControllerRevision{Revision: 1, ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-abc", CreationTimestamp: created, Labels: map[string]string{hashLabel: "abc"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "DaemonSet", Name: d.Name, UID: d.UID, Controller: &yes}},
		}})
		owner := &snapshot.Owner{Kind: "DaemonSet", Name: d.Name, UID: d.UID}
		labels := map[string]string{"app": d.Name, hashLabel: "abc", generationLabel: "1"}
		requests := &snapshot.Requests{MilliCPU: 100, Memory: 128 << 20}
		since := snapshot.TimeOf(&created)
		for j, n := range s.Nodes {
			p := snapshot.Pod{
				Namespace: d.Namespace, Name: fmt.Sprintf("%s-%05d", d.Name, j), UID: types.UID(fmt.Sprintf("%d-%d", i, j)),
				Node: n.Name, Target: n.Name, Owner: owner, Labels: labels, Phase: corev1.PodRunning, Ready: true,
				ReadySince: since, Created: since, Requests: requests,
			}
			if broken > 0 && (j*sets+i)%1000 < broken {
				p.Ready = false
				p.Full = &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
					Name: "agent", RestartCount: 7, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
					LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}},
				}}}}
			}
			s.Pods = append(s.Pods, p)
		}
	}
	s.Sort()
	return s
}

func BenchmarkAnalyze(b *testing.B) {
	for _, size := range []struct{ nodes, sets int }{{1000, 10}, {5000, 20}, {50000, 20}} {
		for _, broken := range []int{0, 20} {
			b.Run(fmt.Sprintf("nodes=%d/sets=%d/brokenPermille=%d", size.nodes, size.sets, broken), func(b *testing.B) {
				s := fleet(size.nodes, size.sets, broken)
				perVerdict(b, size.nodes*size.sets, func() { Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute}) })
			})
		}
	}
}

// excludedFleet has a fifth of the nodes behind a taint that nothing tolerates:
// each of these pairs is explained.
func excludedFleet(nodes, sets int) *snapshot.Snapshot {
	s := fleet(nodes, sets, 0)
	for _, d := range s.DaemonSets {
		d.Spec.Template.Spec.Tolerations = nil
	}
	tainted := map[string]bool{}
	for _, n := range s.Nodes {
		tainted[n.Name] = len(n.Spec.Taints) > 0
	}
	s.Pods = slices.DeleteFunc(s.Pods, func(p snapshot.Pod) bool { return tainted[p.Node] })
	return s
}

func BenchmarkAnalyzeExcluded(b *testing.B) {
	s := excludedFleet(5000, 20)
	perVerdict(b, 5000*20, func() { Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute}) })
}

func BenchmarkReport(b *testing.B) {
	s := fleet(5000, 20, 20)
	r := Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute})
	perVerdict(b, 5000*20, func() { r.Report() })
}

// While an update is under way most nodes may be outdated.
func BenchmarkReportOutdated(b *testing.B) {
	s := fleet(5000, 20, 0)
	for _, r := range s.Revisions {
		r.Labels[hashLabel] = "new"
	}
	for _, d := range s.DaemonSets {
		delete(d.Annotations, generationAnnotation)
	}
	r := Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute})
	if n := r.Summary().Outdated; n < 50000 {
		b.Fatalf("%d outdated", n)
	}
	perVerdict(b, 5000*20, func() { r.Report() })
}

func BenchmarkCauses(b *testing.B) {
	s := fleet(5000, 20, 20)
	r := Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute})
	perVerdict(b, 5000*20, func() { r.Causes() })
}

// perVerdict reports what one verdict costs.
func perVerdict(b *testing.B, verdicts int, f func()) {
	b.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		f()
	}
	runtime.ReadMemStats(&after)
	n := float64(b.N) * float64(verdicts)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/verdict")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/verdict")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/verdict")
}

func TestAHealthyVerdictAllocatesNothingOfItsOwn(t *testing.T) {
	s := fleet(1000, 10, 0)
	allocs := testing.AllocsPerRun(5, func() { Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute}) })
	if per := allocs / 10000; per > 0.25 {
		t.Errorf("%.3f allocations a healthy verdict: something is made for each pair", per)
	}
}

// What a pair costs in memory decides how large a cluster can be.
func TestAVerdictStaysSmall(t *testing.T) {
	bytesOf := func(s *snapshot.Snapshot) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := Analyze(s, Options{Now: benchNow, Grace: 5 * time.Minute})
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(r)
		return float64(after.TotalAlloc-before.TotalAlloc) / float64(len(s.Nodes)*len(s.DaemonSets))
	}
	for _, c := range []struct {
		name string
		s    *snapshot.Snapshot
		most float64
	}{
		{"healthy", fleet(1000, 10, 0), 120},
		{"2% broken", fleet(1000, 10, 20), 160},
		{"a fifth excluded", excludedFleet(1000, 10), 130},
	} {
		if got := bytesOf(c.s); got > c.most {
			t.Errorf("%s: %.0f bytes a verdict, more than %.0f", c.name, got, c.most)
		}
	}
}
