package coverage

// A case is one file in testdata/cases: YAML documents, the first of which says
// what is expected, the others being objects as a capture holds them. A new case
// is a new file.
//
// So that files stay short
//   - a pod's annotation test/owner: NAME stands for a controller reference to
//     that DaemonSet, and test/target: NODE for the pin to a node;
//   - a node without conditions is Ready, one without labels is linux and amd64,
//     one without allocatable has 4 CPUs, 16Gi and 110 pods;
//   - a DaemonSet without uid, generation or strategy gets NAME-uid, 1 (observed)
//     and RollingUpdate;
//   - a Lease without a spec stands for one that was asked for and is not there.
//
// Of the first document
//   - a field that is left out is not checked, evidence is checked as a subset;
//   - message, remedy and because are checked by a part of the text;
//   - allFindings: true says that the findings listed are all of the DaemonSets
//     that are named there, and an empty list of findings or of statusDrift says
//     that the case has none at all.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// expect is the first document of a case. Fields that are left out are not
// checked.
type expect struct {
	Kind            string                 `json:"kind"`
	Describe        string                 `json:"describe"`
	Now             time.Time              `json:"now"`
	Grace           string                 `json:"grace"`
	TransientTaints []string               `json:"transientTaints"`
	Incomplete      []snapshot.ReadFailure `json:"incomplete"`
	AllPods         *bool                  `json:"allPods"`
	FullNodes       []string               `json:"fullNodes"`
	AllFindings     bool                   `json:"allFindings"`
	Verdicts        []map[string]any       `json:"verdicts"`
	Findings        []map[string]any       `json:"findings"`
	StatusDrift     []map[string]any       `json:"statusDrift"`
	Summary         []map[string]any       `json:"summary"`
}

// caseFile is a case with what it holds.
type caseFile struct {
	name   string
	want   expect
	snap   *snapshot.Snapshot
	report *DaemonSetCoverageList
	result *Result
}

func loadCases(t *testing.T) []caseFile {
	t.Helper()
	files, err := filepath.Glob("testdata/cases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var out []caseFile
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, loadCase(t, strings.TrimSuffix(filepath.Base(f), ".yaml"), raw))
	}
	return out
}

func loadCase(t *testing.T, name string, raw []byte) caseFile {
	t.Helper()
	c := caseFile{name: name, snap: &snapshot.Snapshot{FullNodes: map[string]bool{}}}
	docs := bytes.Split(raw, []byte("\n---\n"))
	if err := yaml.UnmarshalStrict(docs[0], &c.want); err != nil || c.want.Kind != "Expect" || c.want.Describe == "" {
		t.Fatalf("%s: the first document is to be an Expect with a description: %v", name, err)
	}
	l := loader{t: t, name: name, snap: c.snap}
	// DaemonSets first: owners are looked up by name.
	for _, kind := range []string{"DaemonSet", ""} {
		for _, doc := range docs[1:] {
			l.add(doc, kind)
		}
	}
	c.snap.AllPods = c.want.AllPods == nil || *c.want.AllPods
	for _, n := range c.want.FullNodes {
		c.snap.FullNodes[n] = true
	}
	c.snap.Incomplete = c.want.Incomplete
	c.snap.Sort()
	opts := Options{Now: c.want.Now}
	var err error
	if c.want.Grace != "" {
		if opts.Grace, err = time.ParseDuration(c.want.Grace); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if opts.Transient, err = eligibility.NewTransient(c.want.TransientTaints); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c.result = Analyze(c.snap, opts)
	c.report = c.result.Report()
	return c
}

type loader struct {
	t    *testing.T
	name string
	snap *snapshot.Snapshot
	in   snapshot.Interner
}

func decodeStrict[T any](l *loader, doc []byte) *T {
	o := new(T)
	if err := yaml.UnmarshalStrict(doc, o); err != nil {
		l.t.Fatalf("%s: %v\n%s", l.name, err, doc)
	}
	return o
}

// add decodes a document of a kind; the empty kind is all but DaemonSets.
func (l *loader) add(doc []byte, only string) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return
	}
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &meta); err != nil {
		l.t.Fatalf("%s: %v", l.name, err)
	}
	if (meta.Kind == "DaemonSet") != (only == "DaemonSet") {
		return
	}
	switch meta.Kind {
	case "DaemonSet":
		l.snap.DaemonSets = append(l.snap.DaemonSets, l.daemonSet(decodeStrict[appsv1.DaemonSet](l, doc)))
	case "Node":
		l.snap.Nodes = append(l.snap.Nodes, snapshot.TrimNode(defaultNode(decodeStrict[corev1.Node](l, doc))))
	case "ControllerRevision":
		l.snap.Revisions = append(l.snap.Revisions, snapshot.TrimRevision(decodeStrict[appsv1.ControllerRevision](l, doc)))
	case "Namespace":
		l.snap.Namespaces = append(l.snap.Namespaces, snapshot.NamespaceOf(decodeStrict[corev1.Namespace](l, doc)))
	case "Lease":
		rec := snapshot.LeaseOf(decodeStrict[coordinationv1.Lease](l, doc))
		if rec.Gone = rec.Duration == 0; rec.Gone {
			rec = snapshot.Lease{Namespace: rec.Namespace, Name: rec.Name, Gone: true}
		}
		l.snap.Leases = append(l.snap.Leases, rec)
	case "Event":
		e := decodeStrict[corev1.Event](l, doc)
		if e.Type == "" || e.Type == corev1.EventTypeWarning {
			l.snap.Events = append(l.snap.Events, l.in.EventOf(e))
		}
	case "Pod":
		l.snap.Pods = append(l.snap.Pods, l.in.Pod(l.pod(decodeStrict[corev1.Pod](l, doc))))
	default:
		l.t.Fatalf("%s: kind %q", l.name, meta.Kind)
	}
}

func (l *loader) daemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	if d.UID == "" {
		d.UID = types.UID(d.Name + "-uid")
	}
	if d.Generation == 0 {
		d.Generation, d.Status.ObservedGeneration = 1, 1
	}
	if d.Spec.UpdateStrategy.Type == "" {
		d.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	}
	return snapshot.TrimDaemonSet(d)
}

func (l *loader) pod(p *corev1.Pod) *corev1.Pod {
	if owner := p.Annotations["test/owner"]; owner != "" {
		i := slices.IndexFunc(l.snap.DaemonSets, func(d *appsv1.DaemonSet) bool { return d.Name == owner && d.Namespace == p.Namespace })
		if i < 0 {
			l.t.Fatalf("%s: pod %s names owner %s, which is not in the case", l.name, p.Name, owner)
		}
		d := l.snap.DaemonSets[i]
		p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))}
	}
	if node := p.Annotations["test/target"]; node != "" {
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
				{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
			}}},
		}}}
	}
	return p
}

func defaultNode(n *corev1.Node) *corev1.Node {
	if n.Labels == nil {
		n.Labels = map[string]string{corev1.LabelHostname: n.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}
	}
	if nodeCondition(n, corev1.NodeReady) == nil {
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue})
	}
	if n.Status.Allocatable == nil {
		n.Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
	}
	return n
}

func TestCases(t *testing.T) {
	for _, c := range loadCases(t) {
		t.Run(c.name, func(t *testing.T) {
			c.verdicts(t)
			c.others(t)
			c.registered(t)
			sumsAddUp(t, c.report)
		})
	}
}

func (c *caseFile) item(t *testing.T, want map[string]any) *DaemonSetCoverage {
	t.Helper()
	name, _ := want["daemonSet"].(string)
	for i := range c.report.Items {
		if d := &c.report.Items[i]; d.Namespace+"/"+d.Name == name {
			return d
		}
	}
	t.Fatalf("%s: no DaemonSet %q in the case: %s", c.name, name, c.want.Describe)
	return nil
}

func (c *caseFile) verdicts(t *testing.T) {
	for _, want := range c.want.Verdicts {
		known[NodeVerdict](t, want)
		d := c.item(t, want)
		i := slices.IndexFunc(d.Nodes, func(v NodeVerdict) bool { return v.Node == want["node"] })
		if i < 0 {
			t.Errorf("no verdict on node %v", want["node"])
			continue
		}
		got := asMap(t, d.Nodes[i])
		got["hidden"] = c.result.DaemonSets[slices.IndexFunc(c.result.DaemonSets, func(r DaemonSetResult) bool { return r.DaemonSet.UID == d.UID })].Verdicts[i].Hidden
		compare(t, want, got)
	}
}

func (c *caseFile) others(t *testing.T) {
	for _, want := range c.want.Findings {
		known[Finding](t, want)
		d := c.item(t, want)
		i := slices.IndexFunc(d.Findings, func(f Finding) bool { return string(f.Reason) == want["reason"] })
		if i < 0 {
			t.Errorf("no finding %v: there are %+v", want["reason"], d.Findings)
			continue
		}
		compare(t, want, asMap(t, d.Findings[i]))
	}
	c.noOthers(t)
	for _, want := range c.want.StatusDrift {
		known[StatusDrift](t, want)
		d := c.item(t, want)
		i := slices.IndexFunc(d.StatusDrift, func(s StatusDrift) bool { return s.Field == want["field"] })
		if i < 0 {
			t.Errorf("no drift of %v: there are %+v", want["field"], d.StatusDrift)
			continue
		}
		compare(t, want, asMap(t, d.StatusDrift[i]))
	}
	for _, want := range c.want.Summary {
		known[Summary](t, want)
		compare(t, want, asMap(t, c.item(t, want).Summary))
	}
}

// noOthers holds the lists that are said to be whole.
func (c *caseFile) noOthers(t *testing.T) {
	listed := map[string]bool{}
	for _, want := range c.want.Findings {
		listed[fmt.Sprint(want["daemonSet"], " ", want["reason"])] = true
	}
	for i := range c.report.Items {
		d := &c.report.Items[i]
		name := d.Namespace + "/" + d.Name
		whole := c.want.Findings != nil && len(c.want.Findings) == 0 ||
			c.want.AllFindings && slices.ContainsFunc(c.want.Findings, func(w map[string]any) bool { return w["daemonSet"] == name })
		for _, f := range d.Findings {
			if whole && !listed[name+" "+string(f.Reason)] {
				t.Errorf("%s: finding %s is not expected: %s", name, f.Reason, f.Message)
			}
		}
		if c.want.StatusDrift != nil && len(c.want.StatusDrift) == 0 && len(d.StatusDrift) > 0 {
			t.Errorf("%s: no drift is expected, there is %+v", name, d.StatusDrift)
		}
	}
}

// registered holds the rule that a state allows only some reasons.
func (c *caseFile) registered(t *testing.T) {
	for i := range c.report.Items {
		for _, v := range c.report.Items[i].Nodes {
			if row, ok := Lookup(v.Reason); !ok || !slices.Contains(row.States, v.State) {
				t.Errorf("%s on %s: the registry does not allow %s for %s", c.report.Items[i].Name, v.Node, v.Reason, v.State)
			}
		}
	}
}

func sumsAddUp(t *testing.T, l *DaemonSetCoverageList) {
	t.Helper()
	var total Summary
	for i := range l.Items {
		s := &l.Items[i].Summary
		total.merge(s)
		if s.Nodes != s.Covered+s.Outdated+s.Unready+s.Missing+s.Misplaced+s.Excluded+s.Unknown || s.Nodes != len(l.Items[i].Nodes) {
			t.Errorf("%s: states do not add up to %d nodes: %+v", l.Items[i].Name, len(l.Items[i].Nodes), *s)
		}
		if s.ShouldRun != s.Covered+s.Outdated+s.Unready+s.Missing || s.Gaps != s.Unready+s.Missing {
			t.Errorf("%s: should run or gaps do not add up: %+v", l.Items[i].Name, *s)
		}
		// What cannot be told is in neither view for sure.
		if s.Unknown == 0 && s.Steady.ShouldRun != s.ShouldRun+s.Hidden {
			t.Errorf("%s: steady is what should run and what is hidden: %+v", l.Items[i].Name, *s)
		}
		if s.Hidden > s.Misplaced+s.Excluded+s.Unknown || s.Suspect > s.Excluded || s.SettlingGaps > min(s.Settling, s.Gaps) {
			t.Errorf("%s: more hidden, suspect or settling than there can be: %+v", l.Items[i].Name, *s)
		}
		cutPercent(t, l.Items[i].Name, s.Coverage, s.Covered+s.Outdated, s.ShouldRun)
		cutPercent(t, l.Items[i].Name, s.Steady.Coverage, s.Steady.Covered, s.Steady.ShouldRun)
	}
	total.finish()
	if !reflect.DeepEqual(total, l.Summary.Summary) || l.Summary.DaemonSets != len(l.Items) {
		t.Errorf("the summary of all is %+v, the sum is %+v", l.Summary, total)
	}
}

// cutPercent holds that a share is null without a whole, 100 only for all, and
// never more than it is.
func cutPercent(t *testing.T, name string, got *float64, part, whole int) {
	t.Helper()
	switch {
	case whole == 0 || got == nil:
		if whole != 0 || got != nil {
			t.Errorf("%s: %d of %d is %v", name, part, whole, got)
		}
	case (*got == 100) != (part == whole), *got*float64(whole) > float64(part)*100+1e-6, (*got+0.01)*float64(whole) < float64(part)*100-1e-6:
		t.Errorf("%s: %d of %d is %v", name, part, whole, *got)
	}
}

func asMap(t *testing.T, v any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// known fails for a field that the report does not have: a misspelt one that is
// wanted false would hold for ever.
func known[T any](t *testing.T, want map[string]any) {
	t.Helper()
	fields := maps.Clone(want)
	delete(fields, "daemonSet")
	delete(fields, "hidden")
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(new(T)); err != nil {
		t.Errorf("%s: %v", raw, err)
	}
}

// compare checks every field that is wanted: prose by substring, all else as a
// subset.
func compare(t *testing.T, want, got map[string]any) {
	t.Helper()
	for k, w := range want {
		var ok bool
		switch k {
		case "daemonSet":
			continue
		case "message", "remedy", "because":
			text, _ := got[k].(string)
			sub, _ := w.(string)
			ok = strings.Contains(text, sub)
		default:
			ok = subset(w, got[k])
		}
		if !ok {
			of := want["node"]
			for _, name := range []string{"reason", "field"} {
				if of == nil {
					of = want[name]
				}
			}
			if of == nil {
				of = "summary"
			}
			t.Errorf("%v %v: %s\n got %s\nwant %s", want["daemonSet"], of, k, oneLine(got[k]), oneLine(w))
		}
	}
}

// oneLine prints a value as the report and the case write it.
func oneLine(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

func subset(want, got any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k, x := range w {
			if !subset(x, g[k]) {
				return false
			}
		}
		return true
	case []any:
		g, _ := got.([]any)
		return len(g) == len(w) && !slices.ContainsFunc(w, func(x any) bool {
			return !slices.ContainsFunc(g, func(y any) bool { return subset(x, y) })
		})
	case bool:
		return w == (got == true)
	case float64:
		g, _ := got.(float64)
		return w == g
	}
	return reflect.DeepEqual(want, got)
}
