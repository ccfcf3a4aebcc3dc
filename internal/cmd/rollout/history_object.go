package rollout

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// reportHead is what reports about one DaemonSet begin with.
type reportHead struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

func (h *reportHead) about() metav1.ObjectMeta { return h.ObjectMeta }

func (r *reading) head(kind string) reportHead {
	return reportHead{metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: kind}, r.meta()}
}

// historyObject is what history -o json prints.
type historyObject struct {
	reportHead `json:",inline"`
	Revisions  []rollout.HistoryRow `json:"revisions"`
}

// DeepCopyObject implements runtime.Object.
func (h *historyObject) DeepCopyObject() runtime.Object { return copyObject(h, &historyObject{}) }

// revisionObject is what history --revision N -o json prints.
type revisionObject struct {
	reportHead `json:",inline"`
	Revision   int64                   `json:"revision"`
	Name       string                  `json:"name"`
	Template   *corev1.PodTemplateSpec `json:"template"` // values redacted
}

// DeepCopyObject implements runtime.Object.
func (r *revisionObject) DeepCopyObject() runtime.Object { return copyObject(r, &revisionObject{}) }

// diffObject is what history --diff A..B -o json prints.
type diffObject struct {
	reportHead `json:",inline"`
	From       int64    `json:"from"`
	To         int64    `json:"to"`
	Changes    []string `json:"changes"` // in words, without values that may be secret
}

// DeepCopyObject implements runtime.Object.
func (d *diffObject) DeepCopyObject() runtime.Object { return copyObject(d, &diffObject{}) }

// writeRevision prints the template of one revision.
func (r *reading) writeRevision(a *app, number int64, printer printers.ResourcePrinter) error {
	rev, err := rollout.FindRevision(r.view, number)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	if printer == nil {
		return present.WriteRevision(a.streams.Out, rev)
	}
	t, err := present.RedactedTemplate(rev)
	if err != nil {
		return err
	}
	return printer.PrintObj(&revisionObject{reportHead: r.head("RolloutRevision"), Revision: rev.Revision, Name: rev.Name, Template: t}, a.streams.Out)
}

// writeDiff prints what changes between two revisions.
func (r *reading) writeDiff(a *app, from, to int64, printer printers.ResourcePrinter, view present.Options) error {
	changes, err := rollout.RevisionDiff(r.view, from, to)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	if printer != nil {
		return printer.PrintObj(&diffObject{reportHead: r.head("RolloutDiff"), From: from, To: to, Changes: append([]string{}, changes...)}, a.streams.Out)
	}
	return present.WriteDiff(a.streams.Out, &present.DiffView{
		Context: r.context(), Namespace: r.view.DaemonSet.Namespace, Name: r.view.DaemonSet.Name, From: from, To: to, Changes: changes,
	}, view)
}
