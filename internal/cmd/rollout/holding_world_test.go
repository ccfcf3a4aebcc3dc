package rollout

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// put stores an object as a new version.
func (s *holdServer) put(o runtime.Object) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store(o)
}

func (s *holdServer) store(o runtime.Object) {
	m, path := s.meta(o)
	s.version++
	m.SetResourceVersion(strconv.Itoa(s.version))
	s.objects[path] = o
	s.api.Set(o)
}

func (s *holdServer) meta(o runtime.Object) (metav1.Object, string) {
	switch o := o.(type) {
	case *appsv1.DaemonSet:
		return o, "daemonsets/" + o.Name
	case *appsv1.ControllerRevision:
		return o, "controllerrevisions/" + o.Name
	case *corev1.Node:
		return o, "nodes/" + o.Name
	case *corev1.Pod:
		return o, "pods/" + o.Name
	}
	s.t.Errorf("%T is not served", o)
	return &metav1.ObjectMeta{}, ""
}

// editObject changes an object that is stored.
func editObject[T runtime.Object](s *holdServer, path string, f func(T)) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[path].(T)
	if !ok {
		s.t.Fatalf("no object at %s", path)
	}
	next := o.DeepCopyObject().(T)
	f(next)
	s.store(next)
}

func (s *holdServer) setDaemonSet(f func(*appsv1.DaemonSet)) {
	s.t.Helper()
	editObject(s, "daemonsets/agent", f)
}

// armed makes the DaemonSet one that a run, or arm, holds; the revision holds
// a copy.
func (s *holdServer) armed(run string) {
	s.t.Helper()
	value := rollout.Armed{Run: run, Original: "RollingUpdate"}.String()
	s.setDaemonSet(func(d *appsv1.DaemonSet) {
		d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
		d.Annotations[rollout.ArmAnnotation] = value
	})
	editObject(s, "controllerrevisions/agent-"+testkit.Hash, func(r *appsv1.ControllerRevision) {
		r.Annotations = map[string]string{rollout.ArmAnnotation: value}
	})
}

func (s *holdServer) cordoned(node string, m rollout.Mark) {
	s.t.Helper()
	editObject(s, "nodes/"+node, func(n *corev1.Node) {
		n.Spec.Unschedulable = true
		n.Annotations = map[string]string{rollout.MarkAnnotation: m.String()}
	})
}

// outdated makes pods old.
func (s *holdServer) outdated(nodes ...string) {
	s.t.Helper()
	for _, n := range nodes {
		editObject(s, "pods/agent-"+n, func(p *corev1.Pod) { p.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] = "old" })
	}
}

// setOld gives the older revision a template to go back to.
func (s *holdServer) setOld(change ...func(t *corev1.PodTemplateSpec)) {
	s.t.Helper()
	t := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "agent", Image: "agent:1"}}}}
	for _, f := range change {
		f(&t)
	}
	raw, err := json.Marshal(map[string]any{"spec": map[string]any{"template": t}})
	if err != nil {
		s.t.Fatal(err)
	}
	editObject(s, "controllerrevisions/agent-old", func(r *appsv1.ControllerRevision) { r.Data.Raw = raw })
}

// holds makes a Lease with a run in it, which may be nonsense.
func (s *holdServer) holds(run []byte, change func(*kube.Lease)) {
	s.t.Helper()
	w, err := kube.NewWriter(s.cfg, false)
	if err != nil {
		s.t.Fatal(err)
	}
	l := &kube.Lease{Namespace: holdNamespace, Name: rollout.LeaseName("agent"), Duration: 30 * time.Second, Renewed: time.Now(), Epoch: 3, Run: run}
	if change != nil {
		change(l)
	}
	if _, err := w.CreateLease(context.Background(), l); err != nil {
		s.t.Fatal(err)
	}
}

func (s *holdServer) daemonSet() *appsv1.DaemonSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects["daemonsets/agent"].(*appsv1.DaemonSet)
}

func (s *holdServer) node(name string) *corev1.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects["nodes/"+name].(*corev1.Node)
}

func (s *holdServer) sent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.writes, "; ")
}

func (s *holdServer) hasLease() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lease != nil
}

// held runs a command of this file's kind on the server.
type held struct {
	out, errOut bytes.Buffer
	hold        holdOptions
}

// at makes what commands share, for the server.
func (s *holdServer) at(answers string) *held {
	s.t.Helper()
	h := &held{}
	a := newApp(genericiooptions.IOStreams{In: strings.NewReader(answers), Out: &h.out, ErrOut: &h.errOut}, "v1.2.3")
	a.terminal = func(io.Reader) bool { return answers != "" }
	c := clientcmdapi.NewConfig()
	c.Clusters["train"] = &clientcmdapi.Cluster{Server: s.cfg.Host, CertificateAuthorityData: s.cfg.CAData}
	c.Contexts["train"] = &clientcmdapi.Context{Cluster: "train", Namespace: holdNamespace}
	c.CurrentContext = "train"
	path := filepath.Join(s.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		s.t.Fatal(err)
	}
	*a.kube.KubeConfig = path
	h.hold = holdOptions{app: a, target: "agent", yes: answers == "", dryRun: dryNone, timeout: time.Minute, pause: time.Millisecond}
	return h
}

// storedLease is what a test looks at of a Lease.
type storedLease struct {
	holder string
	epoch  int32
}

func (s *holdServer) leaseNow() storedLease {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == nil {
		return storedLease{}
	}
	var out storedLease
	if h := s.lease.Spec.HolderIdentity; h != nil {
		out.holder = *h
	}
	if n := s.lease.Spec.LeaseTransitions; n != nil {
		out.epoch = *n
	}
	return out
}
