package archive

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/kubectl-ds/kubectl-ds/internal/quantity"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// kind is a kind that captures hold: the one version of it that is read, the
// resource that it is an object of, and what takes it in.
type kind struct {
	version  string
	resource string
	add      func(c *collector, raw []byte) error
}

var kinds = map[schema.GroupKind]kind{
	{Kind: "Node"}:                                {"v1", snapshot.ResourceNodes, (*collector).addNode},
	{Kind: "Pod"}:                                 {"v1", snapshot.ResourcePods, (*collector).addPod},
	{Kind: "Namespace"}:                           {"v1", snapshot.ResourceNamespaces, (*collector).addNamespace},
	{Kind: "Event"}:                               {"v1", snapshot.ResourceEvents, (*collector).addEvent},
	{Group: "events.k8s.io", Kind: "Event"}:       {"v1", snapshot.ResourceEvents, (*collector).addSeriesEvent},
	{Group: "apps", Kind: "DaemonSet"}:            {"v1", snapshot.ResourceDaemonSets, (*collector).addDaemonSet},
	{Group: "extensions", Kind: "DaemonSet"}:      {"", snapshot.ResourceDaemonSets, nil},
	{Group: "apps", Kind: "ControllerRevision"}:   {"v1", snapshot.ResourceRevisions, (*collector).addRevision},
	{Group: "coordination.k8s.io", Kind: "Lease"}: {"v1", snapshot.ResourceLeases, (*collector).addLease},
	{Group: snapshot.APIGroup, Kind: captureKind}: {"v1alpha1", "", (*collector).addHeader},
}

// withoutGroup are the kinds that are known where an object has no
// apiVersion, as in items of a list that has none either.
var withoutGroup = map[string]string{"DaemonSet": "apps", "ControllerRevision": "apps", "Lease": "coordination.k8s.io"}

// place names an item in an error.
type place struct {
	n    int // counted over the whole capture, from 1
	kind string
}

func (p *place) wrap(raw []byte, err error) error {
	// Whatever is wrong, the name may be readable.
	var named struct {
		Metadata struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"metadata"`
	}
	_ = kjson.UnmarshalCaseSensitivePreserveInts(raw, &named)
	name := named.Metadata.Name
	if ns := named.Metadata.Namespace; ns != "" {
		name = ns + "/" + name
	}
	if name != "" {
		name = " " + printable(name)
	}
	return fmt.Errorf("item %d (%s%s): %w", p.n, printable(p.kind), name, err)
}

// item takes in one object. The given version and kind are those of its list,
// for objects that carry none.
func (c *collector) item(raw []byte, listVersion, listKind string, depth int) error {
	c.items++
	at := &place{n: c.items, kind: "unknown kind"}
	k, v, err := kindOf(raw)
	if err != nil {
		return at.wrap(raw, broken(err))
	}
	if k == "" {
		k = listKind
		if v == "" {
			v = listVersion
		}
	}
	if k == "" {
		return remedy("item %d has no kind", at.n)
	}
	at.kind = k
	gv, err := schema.ParseGroupVersion(v)
	if err != nil {
		return at.wrap(raw, broken(err))
	}
	if v == "" {
		gv = schema.GroupVersion{Group: withoutGroup[k], Version: "v1"}
	}
	known, ok := kinds[schema.GroupKind{Group: gv.Group, Kind: k}]
	switch {
	case ok && gv.Version != known.version:
		return c.otherVersion(at, raw, gv)
	case ok:
		if err := known.add(c, raw); err != nil {
			return at.wrap(raw, err)
		}
		c.saw(known.resource)
	case strings.HasSuffix(k, "List") && c.listKind(k):
		if depth >= maxNested {
			return at.wrap(raw, errors.New("lists are nested too deeply; make a capture with: "+Command))
		}
		c.items--
		return newStream(c, bytes.NewReader(raw), 0, depth+1).documents()
	default:
		c.skipped[schema.GroupKind{Group: gv.Group, Kind: k}.String()]++
	}
	return nil
}

func (c *collector) otherVersion(at *place, raw []byte, gv schema.GroupVersion) error {
	if gv.Group == snapshot.APIGroup {
		return at.wrap(raw, fmt.Errorf("version %s is not known to this release; update the plugin", gv))
	}
	return at.wrap(raw, fmt.Errorf("version %s is not read; ask the server for the current one with: %s", gv, Command))
}

// listKind reports whether k is a list of something that captures hold.
func (c *collector) listKind(k string) bool {
	k = strings.TrimSuffix(k, "List")
	_, core := kinds[schema.GroupKind{Kind: k}]
	return core || withoutGroup[k] != "" || k == ""
}

// decode reads an object strictly enough that two readings of it cannot
// differ: a key that stands twice is an error.
func decode(raw []byte, into any) error {
	if err := quantity.CheckJSON(raw); err != nil {
		return broken(err)
	}
	twice, err := kjson.UnmarshalStrict(raw, into, kjson.DisallowDuplicateFields)
	if err == nil && len(twice) > 0 {
		err = twice[0]
	}
	return broken(err)
}

// broken adds what can be done about an object that is not as the API has it.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; correct it or take the capture again", err)
}

// named decodes an object and asks for what every object has.
func named(raw []byte, into metav1.Object) error {
	if err := decode(raw, into); err != nil {
		return err
	}
	if into.GetName() == "" {
		return broken(errors.New("metadata.name is missing"))
	}
	return nil
}

// lookup finds a known kind by the version of an object or list.
func lookup(apiVersion, k string) (kind, bool) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return kind{}, false
	}
	if apiVersion == "" {
		gv.Group = withoutGroup[k]
	}
	known, ok := kinds[schema.GroupKind{Group: gv.Group, Kind: k}]
	return known, ok
}
