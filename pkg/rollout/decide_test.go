package rollout

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Each case is a rule of Decide, or a fault that a run must come through.
func TestDecide(t *testing.T) {
	three := func() *intstr.IntOrString { return intOr(3) }
	cases := []struct {
		name  string
		nodes int
		given func(w *world)
		want  string
	}{
		// Starting nodes.
		{"a node is put in flight before anything is done to it", 3, func(*world) {}, "save Running fly:n0"},
		{"the ceiling lets as many start at once as there is room for", 3, func(w *world) { w.pol.MaxUnavailable = intOr(2) }, "save Running fly:n0 fly:n1"},
		{"max-parallel is the tighter bound", 3, func(w *world) { w.pol.MaxUnavailable, w.pol.MaxParallel = three(), 1 }, "save Running fly:n0"},
		{"a percentage of the ceiling is rounded up", 3, func(w *world) { v := intstr.FromString("34%"); w.pol.MaxUnavailable = &v }, "save Running fly:n0 fly:n1"},
		{"a node of the scope that is down takes a place, and is mended first", 3, func(w *world) { w.p(1).Ready = false }, "save Running fly:n1"},
		{"a node that is down costs no budget and counts to max-parallel", 4, func(w *world) {
			w.pol.MaxUnavailable, w.pol.MaxParallel = intOr(2), 3
			w.p(1).Ready, w.p(2).Ready = false, false
		}, "save Running fly:n1 fly:n2"},
		{"a pod that is ready and not yet available is not free to take", 2, func(w *world) {
			w.ds.Spec.MinReadySeconds = 60
			w.p(0).ReadySince = snapshot.Time(t0.Unix())
			w.p(1).ReadySince = snapshot.Time(t0.Unix())
		}, "wait CeilingTaken n0 rests=false"},
		{"a node that lost eligibility still takes its place", 3, func(w *world) { w.taint(2); w.drop(2) }, "wait CeilingTaken n2 rests=false"},
		{"a node that a person skipped takes none", 3, func(w *world) { w.taint(2); w.drop(2); w.run.Skipped = []string{"n2"} }, "save Running fly:n0"},
		{"a node that was broken before and set aside takes none", 3, func(w *world) { w.drop(2); w.run.Fenced = []string{"n2"} }, "save Running fly:n0"},
		{"a node that left takes none", 3, func(w *world) { w.drop(2); w.s.Nodes = w.s.Nodes[:2] }, "save Running fly:n0"},
		{"a namesake of a node that left is not in the scope", 3, func(w *world) { w.n(0).UID = "other" }, "save Running fly:n1"},
		{"a node whose Ready is not True is passed over for another of its wave", 2, func(w *world) { w.notReady(0, corev1.ConditionFalse) }, "save Running fly:n1"},
		{"a node that is not Ready is acted on when told to", 2, func(w *world) { w.notReady(0, corev1.ConditionFalse); w.pol.ActOnNotReady = true }, "save Running fly:n0"},
		{"a pod that would not come back is left alone", 2, func(w *world) { w.taint(0) }, "save Running fly:n1"},
		{"a node that another run holds is left alone", 2, func(w *world) { w.mark(0, Mark{Run: "other"}) }, "save Running fly:n1"},
		{"what runs the target already is done", 2, func(w *world) { w.p(0).Labels = map[string]string{hashLabel: "h2"} }, "save Running fly:n1"},
		{"a second wave waits for the first", 2, func(w *world) {
			w.run.Waves = []int{1, 2}
			w.pol.MaxUnavailable = intOr(2)
			w.fly(0)
			w.replace(0, time.Second)
		}, "wait Soak n0 rests=false"},
		{"a second wave waits for an approval where one is asked for", 2, func(w *world) {
			w.run.Waves = []int{1, 2}
			w.pol.PauseAfter = PauseWave
			w.p(0).Labels = map[string]string{hashLabel: "h2"}
		}, "save Paused ApprovalAsked"},
		{"an approval of another target does not count", 2, func(w *world) {
			w.run.Waves = []int{1, 2}
			w.pol.PauseAfter = PauseCanary
			w.run.Approvals = []Approval{{Run: "r1", Target: "h9", Wave: 1}}
			w.p(0).Labels = map[string]string{hashLabel: "h2"}
		}, "save Paused ApprovalAsked"},
		{"an approval lets the second wave begin", 2, func(w *world) {
			w.run.Waves = []int{1, 2}
			w.pol.PauseAfter = PauseCanary
			w.run.Approvals = []Approval{{Run: "r1", Target: "h2", Wave: 1}}
			w.p(0).Labels = map[string]string{hashLabel: "h2"}
		}, "save Running fly:n1"},
		{"after until no node is started", 2, func(w *world) { u := metav1.NewTime(t0); w.pol.Until = &u }, "save Paused UntilReached"},
		{"outside the windows no node is started", 2, func(w *world) {
			w.pol.Windows = []string{"Tue 09:00-17:00 UTC"}
			w.obs.Zones["UTC"] = time.UTC
		}, "wait WindowClosed  rests=true"},
		{"one zone at a time", 4, func(w *world) { yes := true; w.pol.OneZoneAtATime, w.pol.MaxUnavailable = &yes, three() }, "save Running fly:n0 fly:n3"},
		{"one zone at a time, and nodes that are down in any", 4, func(w *world) {
			yes := true
			w.pol.OneZoneAtATime, w.pol.MaxUnavailable = &yes, three()
			w.p(1).Ready = false
		}, "save Running fly:n1 fly:n0 fly:n3"},
		{"a node that was down is in flight beside one of another zone", 6, func(w *world) {
			yes := true
			w.pol.OneZoneAtATime, w.pol.MaxUnavailable = &yes, intOr(4)
			w.fly(2)
			w.fly(0)
			w.run.Down = []int{2}
			w.replace(2, time.Second)
			w.replace(0, time.Second)
		}, "save Running fly:n2 fly:n0 fly:n3"},
		{"no other node of either zone while both have nodes in flight that served", 6, func(w *world) {
			yes := true
			w.pol.OneZoneAtATime, w.pol.MaxUnavailable = &yes, intOr(4)
			w.fly(2)
			w.fly(0)
			w.replace(2, time.Second)
			w.replace(0, time.Second)
		}, "wait Soak n2 rests=false"},
		{"one zone at a time, and one has a node that failed", 6, func(w *world) { zoneFailed(w) }, "save Running fly:n4 failed:n1"},
		{"no node of another zone until it is mended", 6, func(w *world) { zoneFailed(w); w.updated(4) }, "wait ZoneTaken n1 rests=false"},
		{"for as long as a node may take", 6, func(w *world) { zoneFailed(w); w.updated(4); w.obs.Full = t0.Add(-11 * time.Minute) }, "save Stopped ZoneUnfinished failed:n1"},
		{"or until it is skipped", 6, func(w *world) { zoneFailed(w); w.updated(4); w.run.Skipped = []string{"n1"} }, "save Running fly:n0 fly:n3 failed:n1"},
		{"the same where it was proven and is down again", 6, func(w *world) { zoneFailed(w); w.updated(4); w.run.Failed = nil }, "wait ZoneTaken n1 rests=false"},
		{"nodes of other zones that are down are mended all the same", 6, func(w *world) { zoneFailed(w); w.updated(4); w.p(2).Ready = false }, "save Running fly:n2 failed:n1"},
		{"a node that was skipped needs no approval after it", 2, func(w *world) {
			w.pol.PauseAfter = PauseNode
			w.run.Touched, w.run.Skipped = []int{0}, []string{"n0"}
			w.updated(0)
		}, "save Running fly:n1"},

		// A node in flight.
		{"its pod is deleted", 2, func(w *world) { w.fly(0) }, "delete agent-0-1"},
		{"its pod is not deleted where it would not come back", 2, func(w *world) { w.fly(0); w.taint(0) }, "save Running fly:n1"},
		{"its pod is not deleted on a node that is not Ready", 1, func(w *world) { w.fly(0); w.notReady(0, corev1.ConditionUnknown) }, "save Running"},
		{"its pod is not deleted where the ceiling was taken meanwhile", 3, func(w *world) { w.fly(0); w.drop(2) }, "save Running"},
		{"its pod is not deleted while the controller has not seen a new template", 1, func(w *world) {
			w.fly(0)
			w.ds.Annotations[appsv1.DeprecatedTemplateGeneration] = "3"
			w.ds.Generation = 3
		}, "wait ControllerBehind  rests=false"},
		{"its old pod is waited for", 1, func(w *world) { w.fly(0); w.p(0).Deleted = snapshot.Time(t0.Unix()) }, "wait OldPodTerminating n0 rests=false"},
		{"its new pod is waited for", 1, func(w *world) { w.fly(0); w.drop(0) }, "wait NewPodMissing n0 rests=false"},
		{"its new pod has to be available", 1, func(w *world) {
			w.fly(0)
			w.replace(0, 0).Ready = false
			w.obs.Nodes["n0"] = NodeSeen{Flying: t0}
		}, "wait NewPodNotAvailable n0 rests=false"},
		{"its new pod has to soak", 1, func(w *world) { w.fly(0); w.replace(0, 9*time.Second) }, "wait Soak n0 rests=false"},
		{"minReadySeconds counts where it is longer than the soak", 1, func(w *world) { w.fly(0); w.replace(0, 11*time.Second); w.ds.Spec.MinReadySeconds = 30 }, "wait Soak n0 rests=false"},
		{"it lands", 1, func(w *world) { w.fly(0); w.replace(0, 11*time.Second) }, "save Running"},
		{"it lands where it left the cluster", 1, func(w *world) { w.fly(0); w.s.Nodes = nil }, "save Running"},
		{"another starts in the same write", 2, func(w *world) { w.fly(0); w.replace(0, 11*time.Second) }, "save Running fly:n1"},
		{"after its timeout it has failed, and the run stops", 1, func(w *world) {
			w.fly(0)
			w.drop(0)
			w.obs.Nodes["n0"] = NodeSeen{Replaced: t0.Add(-11 * time.Minute)}
		}, "save Stopped NodeFailed failed:n0"},
		{"a pod that comes and goes never soaks, and fails", 1, func(w *world) {
			w.fly(0)
			w.replace(0, time.Second)
			s := w.obs.Nodes["n0"]
			s.Replaced = t0.Add(-11 * time.Minute)
			w.obs.Nodes["n0"] = s
		}, "save Stopped NodeFailed failed:n0"},
		{"the third restart is a failure", 1, func(w *world) {
			w.fly(0)
			p := w.replace(0, 0)
			p.Ready, p.Restarts = false, 3
			w.obs.Nodes["n0"] = NodeSeen{Flying: t0}
		}, "save Stopped NodeFailed failed:n0"},
		{"restarts from before it was tried again are not held against it", 1, func(w *world) { again(w, 7, 2) }, "wait NewPodNotAvailable n0 rests=false"},
		{"the third restart since then is a failure", 1, func(w *world) { again(w, 7, 3) }, "save Stopped NodeFailed failed:n0"},
		{"all restarts of a pod that came since then are", 1, func(w *world) {
			again(w, 7, 0)
			w.run.InFlight[0].Again.PodUID = "before"
		}, "save Stopped NodeFailed failed:n0"},
		{"a node that is lost after we touched it fails", 1, func(w *world) {
			w.fly(0)
			w.replace(0, 0)
			w.notReady(0, corev1.ConditionUnknown)
			w.obs.Nodes["n0"] = NodeSeen{Flying: t0, NotReady: t0.Add(-31 * time.Second)}
		}, "save Stopped NodeFailed failed:n0"},
		{"as many failures as are allowed do not stop the run", 3, func(w *world) {
			w.pol.MaxUnavailable, w.pol.MaxFailures = intOr(2), 1
			w.fly(0)
			w.drop(0)
			w.obs.Nodes["n0"] = NodeSeen{Replaced: t0.Add(-11 * time.Minute)}
		}, "save Running failed:n0"},
		{"a node that breaks after it was proven stops the run", 2, func(w *world) {
			w.run.Touched = []int{0}
			w.p(0).Labels = map[string]string{hashLabel: "h2"}
			w.p(0).Ready = false
			w.obs.Nodes["n0"] = NodeSeen{Down: t0.Add(-31 * time.Second)}
		}, "save Stopped NodeFailed failed:n0"},
		{"failures turn the run round where that is asked", 1, func(w *world) { failing(w); w.pol.OnFailure = FailUndo }, "save Undoing failed:n0"},
		{"hold stops, and the template goes back after", 1, func(w *world) { failing(w); w.pol.OnFailure = FailHold }, "save Stopped NodeFailed failed:n0"},
		{"failures abort the run where that is asked", 1, func(w *world) { failing(w); w.pol.OnFailure = FailAbort }, "save Aborting failed:n0"},
		{"there is no undo without an older revision", 1, func(w *world) { failing(w); w.pol.OnFailure, w.run.From = FailUndo, Revision{} }, "save Stopped NodeFailed failed:n0"},
		{"there is no undo of a template that somebody else owns", 1, func(w *world) { failing(w); w.pol.OnFailure, w.run.TemplateOwner = FailUndo, "argocd" }, "save Stopped NodeFailed failed:n0"},

		// Cordon and drain.
		{"a node is cordoned first where that is asked", 1, func(w *world) { w.fly(0).Cordon = true }, "cordon n0"},
		{"a node is drained before its pod is deleted", 1, func(w *world) { cordoned(w, true) }, "evict web-1"},
		{"a drain waits for pods that are ending", 1, func(w *world) { cordoned(w, true); w.s.Pods[1].Deleted = snapshot.Time(t0.Unix()) }, "wait Drain n0 rests=false"},
		{"pods of DaemonSets stay", 1, func(w *world) { cordoned(w, true); w.s.Pods[1].Owner.Kind = "DaemonSet" }, "delete agent-0-1"},
		{"a pod without a controller stops a drain", 1, func(w *world) { cordoned(w, true); w.s.Pods[1].Owner = nil }, "save Stopped NodeFailed failed:n0"},
		{"an eviction that a budget refused is asked for again later", 1, func(w *world) {
			cordoned(w, true)
			w.obs.Refused["web-1"] = Refusal{Until: t0.Add(5 * time.Second), Reason: "budget"}
		}, "wait Drain n0 rests=false"},
		{"two budgets on one pod never allow an eviction", 1, func(w *world) { cordoned(w, true); w.obs.Refused["web-1"] = Refusal{Permanent: true} }, "save Stopped NodeFailed failed:n0"},
		{"jobs are waited for", 1, func(w *world) { cordoned(w, false); w.pol.WaitForJobs = &WaitForJobs{Selector: "app=web"} }, "wait Jobs n0 rests=false"},
		{"jobs are waited for without a cordon, too", 1, func(w *world) { jobOnly(w) }, "wait Jobs n0 rests=false"},
		{"without jobs the pod is deleted", 1, func(w *world) { jobOnly(w); w.s.Pods = w.s.Pods[:1] }, "delete agent-0-1"},
		{"jobs that nobody could read are not taken for none", 1, func(w *world) { jobOnly(w); w.s.AllPods = false }, "wait ReadFailed n0 rests=false"},
		{"jobs that run for too long fail the node", 1, func(w *world) {
			jobOnly(w)
			w.pol.WaitForJobs.Timeout = &metav1.Duration{Duration: 5 * time.Second}
			w.obs.Nodes["n0"] = NodeSeen{Flying: t0.Add(-6 * time.Second)}
		}, "save Stopped NodeFailed failed:n0"},
		{"nothing is evicted while one pod of the node refuses", 1, func(w *world) { cordoned(w, true); bare(w) }, "save Stopped NodeFailed failed:n0"},
		{"whoever refuses and ends already is waited for", 1, func(w *world) {
			cordoned(w, true)
			bare(w).Deleted = snapshot.Time(t0.Unix())
			w.s.Pods[1].Deleted = snapshot.Time(t0.Unix())
		}, "wait Drain n0 rests=false"},
		{"with force all of them are evicted", 1, func(w *world) { cordoned(w, true); bare(w); w.pol.Drain.Force = true }, "evict web-1"},
		{"pods of a node that were not read are not taken for none", 1, func(w *world) { cordoned(w, true); w.s.AllPods = false }, "wait ReadFailed n0 rests=false"},
		{"somebody who uncordons while we drain pauses the run", 1, func(w *world) { cordoned(w, true); w.n(0).Spec.Unschedulable = false }, "save Paused UncordonedByOther fly:n0"},
		{"a proven node is given back before it lands", 1, func(w *world) { cordoned(w, false); w.replace(0, 11*time.Second) }, "uncordon n0 to false"},
		{"a node that was cordoned before stays so", 1, func(w *world) {
			w.fly(0).Cordon = true
			w.mark(0, Mark{Run: "r1", Epoch: 1, Prior: true})
			w.replace(0, 11*time.Second)
		}, "uncordon n0 to true"},
		{"a mark on a node that is not in flight is taken off", 2, func(w *world) { w.mark(1, Mark{Run: "r1", Epoch: 1}) }, "uncordon n1 to false"},

		// Identity.
		{"another cluster stops the run", 1, func(w *world) { w.s.Source.ClusterUID = "other" }, "stop OtherCluster "},
		{"a DaemonSet that was made again stops the run", 1, func(w *world) { w.ds.UID = "new" }, "stop DaemonSetRecreated "},
		{"a DaemonSet that is gone stops the run", 1, func(w *world) { w.s.DaemonSets = nil }, "stop DaemonSetDeleted "},
		{"nodes are given back where the DaemonSet is gone", 1, func(w *world) { w.s.DaemonSets = nil; w.mark(0, Mark{Run: "r1"}) }, "uncordon n0 to false"},
		{"a driver with an older epoch stops", 1, func(w *world) { w.run.Epoch = 2 }, "stop LockLost "},
		{"a successor raises the epoch first", 1, func(w *world) { w.obs.Epoch = 2 }, "save Running"},
		{"a failed read is waited for, never guessed over", 1, func(w *world) {
			w.s.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourcePods, Error: "timeout"}}
		}, "wait ReadFailed  rests=false"},

		// Strategy and template.
		{"a strategy that was taken back is armed again", 1, func(w *world) { flipped(w) }, "arm again=true rearms=1 template=false"},
		{"no node is started after that", 1, func(w *world) {
			w.ds.Annotations[ArmAnnotation] = Armed{Run: "r1", Original: "RollingUpdate", Rearms: 1}.String()
		}, "save Paused StrategyFlipped"},
		{"a second time stops the run", 1, func(w *world) { flipped(w); w.run.Rearms = 1 }, "save Stopped StrategyFlippedAgain"},
		{"it is armed again also while the run rests", 1, func(w *world) { flipped(w); paused(w) }, "arm again=true rearms=1 template=false"},
		{"another template pauses the run", 1, func(w *world) { newTemplate(w) }, "save Paused TemplateChanged"},
		{"a template that came back is pinned again", 1, func(w *world) { w.ds.Annotations[appsv1.DeprecatedTemplateGeneration] = "4" }, "save Running"},

		// Resting.
		{"a pause lets nodes in flight land", 1, func(w *world) { w.fly(0); w.replace(0, time.Second); paused(w) }, "wait Landing  rests=false"},
		{"a pause releases a node whose pod still stands", 1, func(w *world) { w.fly(0); paused(w) }, "save Paused Asked"},
		{"a pause then waits for a person", 1, func(w *world) { paused(w) }, "wait Asked  rests=true"},
		{"a stopped run says why", 1, func(w *world) { stoppedRun(w) }, "stop NodeFailed n0"},
		{"a failed node keeps its cordon while the run is stopped", 1, func(w *world) { stoppedRun(w); w.mark(0, Mark{Run: "r1", Epoch: 1}) }, "stop NodeFailed n0"},
		{"hold puts the old template back", 1, func(w *world) { stoppedRun(w); w.run.Undo = &Undo{Away: w.run.Target} }, "put back h1"},

		// The way back.
		{"undo after a hold begins anew", 1, func(w *world) {
			stoppedRun(w)
			w.run.Undo = &Undo{Away: w.run.Target, Pinned: true}
			ask(w, VerbUndo, "")
		}, "save Undoing failed:n0"},
		{"undo takes in nodes that joined on what it leaves", 1, func(w *world) {
			undoing(w)
			w.run.Touched, w.run.Undo = nil, &Undo{TouchPods: true, Away: w.run.Target}
			newTemplate(w)
			w.s.Revisions[2].Labels, w.s.Revisions[0].Labels = map[string]string{hashLabel: "h1"}, nil
			w.node(1)
			w.pod(1, "h2")
			w.run.Target = Revision{Name: "agent-h2", Hash: "h2", Generation: 2}
		}, "save Undoing"},
		{"undo puts the template back first", 1, func(w *world) { w.run.Phase, w.run.Undo = Undoing, &Undo{TouchPods: true} }, "put back h1"},
		{"an undo by itself keeps to the times of the run", 3, func(w *world) {
			undoing(w)
			u := metav1.NewTime(t0)
			w.pol.Until = &u
		}, "save Paused UntilReached"},
		{"an undo that a person asks for heeds neither a time that is past nor a window", 3, func(w *world) {
			undoing(w)
			u := metav1.NewTime(t0)
			w.pol.Until, w.pol.Windows, w.run.Undo.Asked = &u, []string{"Tue 09:00-17:00 UTC"}, true
			w.obs.Zones["UTC"] = time.UTC
		}, "save Undoing fly:n1"},
		{"undo begins with the failing node, then goes in reverse", 3, func(w *world) { undoing(w); w.pol.MaxUnavailable = three() }, "save Undoing fly:n1 fly:n2 fly:n0"},

		{"undo takes back what was skipped on the way there", 3, func(w *world) {
			undoing(w)
			w.run.Touched, w.run.Undo.First, w.run.Undo.Aside = []int{0}, nil, []string{"n1"}
			w.p(0).Labels[hashLabel], w.p(2).Labels[hashLabel] = "h1", "h1"
		}, "save Undoing fly:n1"},
		{"what it was skipped for takes no place before that", 3, func(w *world) {
			undoing(w)
			w.run.Undo.First, w.run.Undo.Aside = nil, []string{"n1"}
			w.p(1).Ready = false
			w.notReady(1, corev1.ConditionFalse)
		}, "save Undoing fly:n2"},
		{"and it is not waited for where it is not Ready", 3, func(w *world) {
			undoing(w)
			w.run.Undo.Aside = []string{"n1"}
			w.p(0).Labels[hashLabel], w.p(2).Labels[hashLabel] = "h1", "h1"
			w.notReady(1, corev1.ConditionFalse)
		}, "save Finishing"},
		{"a node that joined and is not Ready takes no place, and is not waited for", 3, func(w *world) {
			undoing(w)
			w.run.Waves, w.run.Touched, w.run.Undo.First, w.run.Undo.Aside = []int{2}, []int{0, 1}, nil, []string{"n2"}
			w.p(2).Ready = false
			w.notReady(2, corev1.ConditionFalse)
		}, "save Undoing fly:n1"},
		{"skipped once more on the way back a node stays", 3, func(w *world) {
			undoing(w)
			w.run.Skipped, w.run.Undo.Aside = []string{"n1"}, []string{"n1"}
			w.p(0).Labels[hashLabel], w.p(2).Labels[hashLabel] = "h1", "h1"
		}, "save Finishing"},

		// The end.
		{"nothing left to do begins the end", 1, func(w *world) { w.p(0).Labels = map[string]string{hashLabel: "h2"} }, "save Finishing"},
		{"the strategy is given back", 1, func(w *world) {
			w.p(0).Labels = map[string]string{hashLabel: "h2"}
			w.run.Phase = Finishing
			w.run.Outcome = OutcomeDone
		}, `hand back "RollingUpdate" ack=false`},
		{"the strategy is not given back over an old pod", 1, func(w *world) { w.run.Phase = Finishing; w.run.Outcome = OutcomeDone }, "save Ended"},
		{"an old pod of a node that is gone is waited for", 1, func(w *world) { w.s.Nodes = nil; w.run.Phase = Finishing; w.run.Outcome = OutcomeDone }, "wait OldPodTerminating n0 rests=false"},
		{"and where it stays the strategy is not given back over it", 1, func(w *world) {
			w.s.Nodes, w.obs.Stray = nil, t0.Add(-2*strayFor)
			w.run.Phase, w.run.Outcome = Finishing, OutcomeDone
		}, "save Ended"},
		{"unless a person accepts that", 1, func(w *world) { w.run.Phase = Finishing; w.run.Outcome = OutcomeDone; w.pol.HandBack = true }, `hand back "RollingUpdate" ack=true`},
		{"an annotation that somebody removed is reported, not guessed over", 1, func(w *world) {
			w.run.Phase, w.run.Outcome = Finishing, OutcomeDone
			delete(w.ds.Annotations, ArmAnnotation)
		}, "save Ended"},
		{"copies of the annotation are removed", 1, func(w *world) {
			w.run.Phase, w.run.Outcome = Finishing, OutcomeDone
			w.s.Revisions[1].Annotations = map[string]string{ArmAnnotation: "x"}
		}, "clean agent-h2"},
		{"the Lease goes last", 1, func(w *world) { w.run.Phase = Ended }, "delete lease"},
		{"then the run is over", 1, func(w *world) { w.run.Phase, w.run.Outcome, w.gone = Ended, OutcomeDone, true }, "done Done exit 0"},
		{"what is left makes the exit code 1", 1, func(w *world) {
			w.run.Phase, w.run.Outcome, w.gone = Ended, OutcomeDone, true
			w.run.Left = []Left{{Node: "n0", What: LeftOldPod}}
		}, "done Done exit 1"},
		{"a Lease that is gone in the middle ends the driving", 1, func(w *world) { w.gone = true }, "stop LeaseDeleted "},
		{"abort does not wait for a proof", 1, func(w *world) { w.fly(0); w.replace(0, 0); w.run.Phase = Aborting; w.run.Outcome = OutcomeAborted }, "save Aborting"},

		// Arming.
		{"the strategy is armed", 1, func(w *world) { arming(w) }, "arm again=false rearms=0 template=false"},
		{"strategy and template are one request", 1, func(w *world) { arming(w); w.run.Change = true; w.obs.Template = &w.ds.Spec.Template }, "arm again=false rearms=0 template=true"},
		{"a run whose template nobody can bring any more stops", 1, func(w *world) { arming(w); w.run.Change = true }, "save Stopped ChangeNotApplied"},
		{"the controller is waited for before the target is pinned", 1, func(w *world) { w.run.Phase, w.run.Target, w.ds.Generation = Arming, Revision{}, 9 }, "wait ControllerBehind  rests=false"},
		{"a list of revisions that is older than the template is not pinned from", 1, func(w *world) {
			w.run.Phase, w.run.Target = Arming, Revision{}
			w.s.Revisions = w.s.Revisions[:1]
			w.s.Revisions[0].Data.Raw = []byte(`{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"older"}},"spec":{"containers":[{"name":"c"}]}}}}`)
		}, "wait RevisionMissing  rests=false"},
		{"the target is pinned", 1, func(w *world) { w.run.Phase, w.run.Target = Arming, Revision{} }, "save Running"},
		{"what an ended run left armed is taken over", 1, func(w *world) { arming(w); w.ds.Annotations[ArmAnnotation] = Armed{Run: "r9"}.String() }, "arm again=false rearms=0 template=false"},

		// People.
		{"an intent is taken before anything else", 1, func(w *world) { w.fly(0); ask(w, VerbPause, "") }, "save Paused Asked fly:n0"},
		{"an intent of another run is dropped", 1, func(w *world) { ask(w, VerbPause, ""); w.ints[0].Run = "r9" }, "save Running"},
		{"an intent is taken once", 1, func(w *world) { ask(w, VerbPause, ""); w.run.Handled = []string{"i1"}; w.fly(0) }, "delete agent-0-1"},
		{"abort is taken in flight", 1, func(w *world) { w.fly(0); ask(w, VerbAbort, "") }, "save Aborting fly:n0"},
		{"skip takes a failing node out", 1, func(w *world) { stoppedRun(w); ask(w, VerbSkip, "n0") }, "save Stopped NodeFailed"},
		{"retry puts a failing node in flight again", 1, func(w *world) { stoppedRun(w); ask(w, VerbRetry, "n0") }, "save Stopped NodeFailed fly:n0"},
		{"resume goes on", 1, func(w *world) { paused(w); ask(w, VerbResume, "") }, "save Running"},
		{"a failed node that nobody mended stops a resumed run again", 2, func(w *world) { stoppedRun(w); w.run.Phase, w.run.Because = Running, nil }, "save Stopped NodeFailed failed:n0"},

		// Gates.
		{"a gate before the wave is asked once for it", 2, func(w *world) { gate(w, BeforeWave) }, "gate g #1"},
		{"a gate before the node is asked", 2, func(w *world) { gate(w, BeforeNode) }, "gate g n0#1"},
		{"a gate that runs is waited for", 2, func(w *world) {
			gate(w, BeforeNode)
			w.obs.Gates[GateKey{Gate: "g", Node: "n0", Wave: 1}] = GateSeen{Running: true}
		}, "wait Gate n0 rests=false"},
		{"a gate that passed opens", 2, func(w *world) { gate(w, BeforeNode); answered(w, "n0", GatePass) }, "save Running fly:n0"},
		{"a pass that is old is asked for again", 2, func(w *world) {
			gate(w, BeforeNode)
			w.obs.Gates[GateKey{Gate: "g", Node: "n0", Wave: 1}] = GateSeen{Outcome: GatePass, At: t0.Add(-2 * time.Minute)}
		}, "gate g n0#1"},
		{"a gate that holds is asked again", 2, func(w *world) { gate(w, BeforeNode); answered(w, "n0", GateHold) }, "gate g n0#1"},
		{"a gate that fails blocks, and stops the run", 2, func(w *world) { gate(w, BeforeNode); answered(w, "n0", GateFail) }, "save Stopped GateBlocked"},
		{"a built-in gate that cannot look is asked again", 2, func(w *world) {
			gate(w, BeforeNode)
			w.pol.Gates[0].Probe = Probe{Builtin: GateConditions}
			answered(w, "n0", GateError)
		}, "gate g n0#2"},
		{"a gate that cannot look blocks, too", 2, func(w *world) { gate(w, BeforeNode); answered(w, "n0", GateError) }, "save Stopped GateBlocked"},
		{"a gate that fails is retried", 2, func(w *world) { gate(w, BeforeNode); w.pol.Gates[0].Retries = 1; answered(w, "n0", GateFail) }, "gate g n0#2"},
		{"a gate about the own pod is not asked where that is down already", 2, func(w *world) { gate(w, BeforeNode); w.pol.Gates[0].OwnPod = true; w.p(0).Ready = false }, "save Running fly:n0"},
		{"a gate after the node is asked after the soak", 1, func(w *world) { gate(w, AfterNode); w.fly(0); w.replace(0, 11*time.Second) }, "gate g n0#1"},
		{"a gate after the node that fails is a failure of the node", 1, func(w *world) {
			gate(w, AfterNode)
			w.fly(0)
			w.replace(0, 11*time.Second)
			answered(w, "n0", GateFail)
		}, "save Stopped NodeFailed failed:n0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.nodes)
			c.given(w)
			if got := words(w.decide(t)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// zoneFailed is a run by zone in which n1 has failed.
func zoneFailed(w *world) {
	yes := true
	w.pol.OneZoneAtATime, w.pol.MaxUnavailable, w.pol.MaxFailures = &yes, intOr(4), 1
	w.run.Touched, w.run.Failed = []int{1}, []Failure{{Node: "n1", Reason: "CrashLoop"}}
	w.updated(1)
	w.p(1).Ready = false
}

// again is a node that is tried again with a pod that has restarted.
func again(w *world, before, since int32) {
	w.fly(0)
	p := w.replace(0, 0)
	p.Ready, p.Restarts = false, before+since
	w.run.InFlight[0].PodUID, w.run.InFlight[0].Again = "", Again{PodUID: p.UID, Restarts: before}
	w.obs.Nodes["n0"] = NodeSeen{Flying: t0}
}

func failing(w *world) {
	w.fly(0)
	w.drop(0)
	w.obs.Nodes["n0"] = NodeSeen{Replaced: t0.Add(-11 * time.Minute)}
}

func cordoned(w *world, drain bool) {
	w.fly(0).Cordon = true
	w.mark(0, Mark{Run: "r1", Epoch: 1})
	if drain {
		w.pol.Drain = &Drain{}
	}
	w.s.Pods = append(w.s.Pods, snapshot.Pod{
		Namespace: "web", Name: "web-1", UID: "web-1", Node: "n0", Phase: corev1.PodRunning, Ready: true, Labels: map[string]string{"app": "web"},
		Owner: &snapshot.Owner{Kind: "ReplicaSet", Name: "web", UID: "rs"}, Full: &corev1.Pod{},
	})
}

// jobOnly waits for jobs and does nothing else around a node.
func jobOnly(w *world) {
	cordoned(w, false)
	w.run.InFlight[0].Cordon = false
	delete(w.n(0).Annotations, MarkAnnotation)
	w.n(0).Spec.Unschedulable = false
	w.pol.WaitForJobs = &WaitForJobs{Selector: "app=web"}
}

// bare puts a pod without a controller on the node, after the others.
func bare(w *world) *snapshot.Pod {
	w.s.Pods = append(w.s.Pods, snapshot.Pod{Namespace: "web", Name: "web-2", UID: "web-2", Node: "n0", Phase: corev1.PodRunning, Full: &corev1.Pod{}})
	return &w.s.Pods[len(w.s.Pods)-1]
}

func flipped(w *world) { w.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType }

func paused(w *world) { w.run.Phase, w.run.Because = Paused, &Cause{Code: PauseAsked} }

func stoppedRun(w *world) {
	w.run.Phase, w.run.Because = Stopped, &Cause{Code: StopFailed, Node: "n0"}
	w.run.Failed = []Failure{{Node: "n0", Reason: "CrashLoop"}}
	w.run.Touched = []int{0}
	w.p(0).Ready, w.p(0).Labels = false, map[string]string{hashLabel: "h2"}
}

func newTemplate(w *world) {
	w.ds.Annotations[appsv1.DeprecatedTemplateGeneration] = "3"
	r := *w.s.Revisions[1]
	r.Name, r.UID, r.Revision, r.Labels = "agent-h3", "rev3", 3, map[string]string{hashLabel: "h3"}
	w.s.Revisions = append(w.s.Revisions, &r)
}

func undoing(w *world) {
	w.run.Phase, w.run.Undo = Undoing, &Undo{TouchPods: true, Pinned: true, First: []string{"n1"}}
	w.run.Target = Revision{Name: "agent-h1", Hash: "h1", Number: 3, Generation: 2}
	w.run.Touched = []int{0, 2, 1}
	for i := range w.s.Pods {
		w.s.Pods[i].Labels = map[string]string{hashLabel: "h2"}
	}
}

func arming(w *world) {
	w.run.Phase, w.run.Target = Arming, Revision{}
	delete(w.ds.Annotations, ArmAnnotation)
	flipped(w)
}

func ask(w *world, v Verb, node string) {
	w.ints = []Intent{{ID: "i1", Run: "r1", Verb: v, Node: node, Target: "h2", Wave: 1}}
}

func gate(w *world, when When) {
	w.pol.Gates = []Gate{{Name: "g", When: when, Probe: Probe{CEL: "true"}}}
	w.run.Policy = w.pol.WithoutCommands()
}

func answered(w *world, node string, o GateOutcome) {
	w.obs.NoteGate(GateKey{Gate: "g", Node: node, Wave: 1}, o, "why", t0.Add(-20*time.Second))
}

// A Lease that was edited by hand may lack what its outcome is about.
func TestWhatARunCameToWithoutItsUndo(t *testing.T) {
	var r Run
	r.Outcome = OutcomeUndone
	if d := Over(&r); d.Done == nil || d.Done.Exit != ExitStopped {
		t.Errorf("got %+v", d)
	}
}
