package rollout

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// planObject is what plan -o json prints.
type planObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Source            planSource `json:"source"`
	CanStart          bool       `json:"canStart"`
	// Changes are in words, without values that may be secret.
	Changes       []string `json:"changes,omitempty"`
	Notes         []string `json:"notes,omitempty"`
	*rollout.Plan `json:",inline"`
}

// planSource is where a plan was made from.
type planSource struct {
	Context string      `json:"context,omitempty"`
	Server  string      `json:"server,omitempty"`
	From    string      `json:"from,omitempty"`
	TakenAt metav1.Time `json:"takenAt"`
}

// object is the plan for kubectl's printers.
func (p *planned) object() *planObject {
	out := &planObject{
		TypeMeta:   metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: "RolloutPlan"},
		ObjectMeta: metav1.ObjectMeta{Namespace: p.DaemonSet.Namespace, Name: p.DaemonSet.Name, UID: p.DaemonSet.UID},
		Source: planSource{
			Context: p.Snapshot.Source.Context, Server: p.Snapshot.Source.Server, From: p.Snapshot.Source.From, TakenAt: metav1.NewTime(p.Now),
		},
		CanStart: !p.Plan.Refused(), Changes: p.Change.words, Notes: p.Change.notes,
	}
	out.Plan = p.Plan
	return out
}

// DeepCopyObject implements runtime.Object.
func (p *planObject) DeepCopyObject() runtime.Object {
	out := &planObject{}
	b, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	if json.Unmarshal(b, out) != nil {
		return nil
	}
	return out
}

// about is the DaemonSet that a report is about.
func (p *planObject) about() metav1.ObjectMeta { return p.ObjectMeta }

// namesOf lists what a report is about, as kubectl names it.
func namesOf(obj runtime.Object) []runtime.Object {
	p, ok := obj.(interface{ about() metav1.ObjectMeta })
	if !ok {
		return nil
	}
	m := p.about()
	return []runtime.Object{cli.Named("apps/v1", "DaemonSet", m.Namespace, m.Name)}
}
