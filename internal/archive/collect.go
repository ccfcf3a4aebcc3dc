package archive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// resources are all that a capture can hold, with their API groups.
var resources = []struct{ name, group string }{
	{snapshot.ResourceNodes, ""},
	{snapshot.ResourceDaemonSets, "apps"},
	{snapshot.ResourceRevisions, "apps"},
	{snapshot.ResourcePods, ""},
	{snapshot.ResourceEvents, ""},
	{snapshot.ResourceNamespaces, ""},
}

// collector gathers the objects of one capture.
type collector struct {
	ctx     context.Context
	scope   snapshot.Scope
	in      snapshot.Interner
	snap    *snapshot.Snapshot
	header  *header
	has     map[string]bool // resources of which an object or a list was there
	skipped map[string]int  // objects of other kinds
	items   int
	newest  newest

	// onePodNamespace is the namespace of all pods; podNamespaces counts up
	// to two.
	onePodNamespace string
	podNamespaces   int
	// someNamespaces is set for a folder that does not hold all of them.
	someNamespaces bool
}

func newCollector(ctx context.Context, scope snapshot.Scope) *collector {
	return &collector{
		ctx: ctx, scope: scope, snap: &snapshot.Snapshot{},
		has: map[string]bool{}, skipped: map[string]int{},
	}
}

func (c *collector) podNamespace(ns string) {
	if c.podNamespaces == 0 || c.podNamespaces == 1 && ns != c.onePodNamespace {
		c.podNamespaces++
		c.onePodNamespace = ns
	}
}

// saw notes that a resource is in the capture. Leases are a detail that no
// capture has to hold, and none is one by them alone.
func (c *collector) saw(resource string) {
	if resource != snapshot.ResourceLeases {
		c.has[resource] = true
	}
}

// list notes a list that was read to its end, which may be empty: then the
// cluster has none, which is another thing than nobody having asked.
func (c *collector) list(d *document) {
	resource := ""
	if known, ok := lookup(d.apiVersion, d.itemKind()); ok {
		resource = known.resource
		c.saw(resource)
	}
	var meta struct {
		Continue string `json:"continue"`
	}
	if decode(d.rest["metadata"], &meta) != nil || meta.Continue == "" {
		return
	}
	for _, r := range resources {
		if resource == "" || resource == r.name {
			c.snap.Incomplete = append(c.snap.Incomplete, snapshot.ReadFailure{
				Group: r.group, Resource: r.name,
				Error: "the capture holds one page of a longer list: metadata.continue is set",
			})
		}
	}
}

// finish makes the snapshot of what was collected.
func (c *collector) finish() (*snapshot.Snapshot, error) {
	s := c.snap
	if len(c.has) == 0 {
		if len(c.skipped) == 0 {
			return nil, remedy("the capture holds no objects")
		}
		return nil, remedy("found %s, and no nodes, DaemonSets or pods", found(c.skipped))
	}
	read := map[string]bool{}
	if c.header != nil {
		c.header.apply(s)
		for _, r := range c.header.Read {
			read[r] = true
		}
	}
	if s.Source.TakenAt.IsZero() && !c.newest.IsZero() {
		s.Source.TakenAt, s.Source.TakenAtInferred = c.newest.Time.UTC(), true
	}
	for _, r := range resources {
		if !c.has[r.name] && !read[r.name] && !c.saidAbsent(r.name) {
			s.Incomplete = append(s.Incomplete, snapshot.ReadFailure{
				Group: r.group, Resource: r.name, Error: "not in the capture", Absent: true,
			})
		}
	}
	s.AllPods = c.allPods()
	c.filter()
	if err := c.unique(); err != nil {
		return nil, err
	}
	s.Sort()
	return s, nil
}

func (c *collector) saidAbsent(resource string) bool {
	return slices.ContainsFunc(c.snap.Incomplete, func(f snapshot.ReadFailure) bool {
		return f.Resource == resource && f.Absent
	})
}

// allPods decides whether every pod of the cluster is here. The header says;
// without one a capture with pods is taken to hold all of them, except where
// the question is about one namespace and the pods are of that one only:
// then the capture was most likely made with -n, and the room on a node
// cannot be computed from it.
func (c *collector) allPods() bool {
	switch {
	case c.header != nil && c.header.AllPods != nil:
		return *c.header.AllPods
	case !c.has[snapshot.ResourcePods] || c.someNamespaces:
		return false
	}
	if _, cut := c.snap.Missing(snapshot.ResourcePods, ""); cut {
		return false
	}
	scoped := c.podNamespaces == 1 && c.scope.Namespace == c.onePodNamespace
	return !(c.has[snapshot.ResourceNodes] && scoped)
}

// filter drops what belongs to DaemonSets that nobody asked for. Objects come
// in any order, so that this waits for the end.
func (c *collector) filter() {
	s := c.snap
	type owner struct {
		namespace string
		name      string
		uid       types.UID
	}
	owners, namespaces := map[owner]bool{}, map[string]bool{c.scope.Namespace: true}
	for _, d := range s.DaemonSets {
		owners[owner{d.Namespace, d.Name, d.UID}] = true
		namespaces[d.Namespace] = true
	}
	s.Revisions = slices.DeleteFunc(s.Revisions, func(r *appsv1.ControllerRevision) bool {
		ref := metav1.GetControllerOfNoCopy(r)
		return !owners[owner{r.Namespace, ref.Name, ref.UID}]
	})
	s.Namespaces = slices.DeleteFunc(s.Namespaces, func(n snapshot.Namespace) bool { return !namespaces[n.Name] })
	s.Leases = slices.DeleteFunc(s.Leases, func(l snapshot.Lease) bool {
		return !slices.ContainsFunc(s.DaemonSets, func(d *appsv1.DaemonSet) bool {
			return d.Namespace == l.Namespace && snapshot.RolloutLease(d.Name) == l.Name
		})
	})
}

// unique drops doubles, as captures of several commands have them, the later
// reading wins. Two objects of one name that are not the same object cannot
// have been seen at one moment.
func (c *collector) unique() error {
	s := c.snap
	var err error
	if s.Nodes, err = distinct(s.Nodes, "Node"); err != nil {
		return err
	}
	if s.DaemonSets, err = distinct(s.DaemonSets, "DaemonSet"); err != nil {
		return err
	}
	if s.Revisions, err = distinct(s.Revisions, "ControllerRevision"); err != nil {
		return err
	}
	slices.SortStableFunc(s.Namespaces, func(a, b snapshot.Namespace) int { return strings.Compare(a.Name, b.Name) })
	s.Namespaces = slices.CompactFunc(s.Namespaces, func(a, b snapshot.Namespace) bool { return a.Name == b.Name })
	s.Leases = newestLeases(s.Leases)
	return nil
}

// newestLeases leaves one Lease of a name: a rollout goes on while captures
// are taken.
func newestLeases(leases []snapshot.Lease) []snapshot.Lease {
	slices.SortStableFunc(leases, func(a, b snapshot.Lease) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), cmp.Compare(b.Renewed, a.Renewed))
	})
	return slices.CompactFunc(leases, func(a, b snapshot.Lease) bool { return a.Namespace == b.Namespace && a.Name == b.Name })
}

func distinct[T metav1.Object](list []T, kind string) ([]T, error) {
	slices.SortStableFunc(list, func(a, b T) int {
		return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
	})
	out := list[:0]
	for _, o := range list {
		if len(out) == 0 {
			out = append(out, o)
			continue
		}
		last := out[len(out)-1]
		switch {
		case last.GetName() != o.GetName() || last.GetNamespace() != o.GetNamespace():
			out = append(out, o)
		case last.GetUID() == o.GetUID():
			out[len(out)-1] = o
		default:
			return nil, fmt.Errorf("there are two objects %s %s with different UIDs: captures of different clusters or times were joined, pass one of them", kind, strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"))
		}
	}
	return out, nil
}
