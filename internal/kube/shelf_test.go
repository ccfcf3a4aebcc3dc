package kube

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// thing is a pod of a name, a uid and a version.
func thing(name, uid, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, UID: types.UID(uid), ResourceVersion: version}}
}

// podShelf keeps pods that do not carry the label foreign.
func podShelf() *shelf[*corev1.Pod] {
	return newShelf(func() {}, func(o runtime.Object) (*corev1.Pod, bool) {
		p, ok := o.(*corev1.Pod)
		return p, ok && p.Labels["foreign"] == ""
	})
}

func onShelf(s *shelf[*corev1.Pod]) []string {
	out := []string{}
	for _, p := range s.values() {
		out = append(out, fmt.Sprintf("%s/%s@%s", p.Name, p.UID, p.ResourceVersion))
	}
	slices.Sort(out)
	return out
}

func foreign(p *corev1.Pod) *corev1.Pod {
	p.Labels = map[string]string{"foreign": "yes"}
	return p
}

func TestAShelfNeverGoesBack(t *testing.T) {
	type does func(s *shelf[*corev1.Pod])
	set := func(name, uid, version string) does {
		return func(s *shelf[*corev1.Pod]) { _ = s.Update(thing(name, uid, version)) }
	}
	del := func(name, uid, version string) does {
		return func(s *shelf[*corev1.Pod]) { _ = s.Delete(thing(name, uid, version)) }
	}
	list := func(version string, objs ...any) does {
		return func(s *shelf[*corev1.Pod]) { _ = s.Replace(objs, version) }
	}
	for _, tc := range []struct {
		name string
		does []does
		want []string
	}{
		{"newer wins", []does{set("a", "1", "5"), set("a", "1", "6")}, []string{"a/1@6"}},
		{"older is passed by", []does{set("a", "1", "6"), set("a", "1", "5")}, []string{"a/1@6"}},
		{"versions are numbers", []does{set("a", "1", "99"), set("a", "1", "100")}, []string{"a/1@100"}},
		{"what cannot be compared: the last word", []does{set("a", "1", "x2"), set("a", "1", "x1")}, []string{"a/1@x1"}},
		{"an event after the deletion that is older", []does{set("a", "1", "5"), del("a", "1", "7"), set("a", "1", "6")}, []string{}},
		{"the answer to a write after the deletion", []does{set("a", "1", "5"), del("a", "1", "7"), set("a", "1", "7")}, []string{}},
		{"deleted, and never to be compared", []does{set("a", "1", "x"), del("a", "1", "y"), set("a", "1", "z")}, []string{}},
		{"labels that are ours again", []does{set("a", "1", "5"), del("a", "1", "7"), set("a", "1", "8")}, []string{"a/1@8"}},
		{"made again under the same name", []does{set("a", "1", "5"), set("a", "2", "9")}, []string{"a/2@9"}},
		{"the late deletion of the first", []does{set("a", "2", "9"), del("a", "1", "8")}, []string{"a/2@9"}},
		{"a late event of the first", []does{set("a", "2", "9"), set("a", "1", "6")}, []string{"a/2@9"}},
		{"a list drops what it does not hold", []does{set("a", "1", "5"), list("6")}, []string{}},
		{"a list keeps what was made since", []does{set("a", "1", "7"), list("6")}, []string{"a/1@7"}},
		{"a list does not put back", []does{set("a", "1", "5"), del("a", "1", "7"), list("6", thing("a", "1", "5"))}, []string{}},
		{"a list does not age", []does{set("a", "1", "8"), list("6", thing("a", "1", "5"))}, []string{"a/1@8"}},
		{"an event of what a list no longer held", []does{set("a", "1", "5"), list("9"), set("a", "1", "7")}, []string{}},
		{"an older list after a newer one", []does{list("9", thing("b", "2", "8")), list("6", thing("a", "1", "5"))}, []string{"b/2@8"}},
		{"an older list with the namesake", []does{list("9", thing("a", "2", "8")), list("6", thing("a", "1", "5"))}, []string{"a/2@8"}},
		{"a graveyard that was cleared", []does{set("a", "1", "5"), del("a", "1", "7"), list("9"), set("a", "1", "6")}, []string{}},
		{"nothing of it is ours any more", []does{set("a", "1", "5"), func(s *shelf[*corev1.Pod]) { _ = s.Update(foreign(thing("a", "1", "6"))) }, set("a", "1", "5")}, []string{}},
		{"a list of old things on an empty shelf", []does{list("9", thing("a", "1", "2"))}, []string{"a/1@2"}},
		{"no object at all", []does{func(s *shelf[*corev1.Pod]) { _ = s.Update("x"); _ = s.Delete("x"); _ = s.Replace([]any{"x"}, "3") }}, []string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := podShelf()
			for _, do := range tc.does {
				do(s)
			}
			if diff := cmp.Diff(tc.want, onShelf(s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAGraveyardDoesNotGrow(t *testing.T) {
	s := podShelf()
	for i := range 5000 {
		version := strconv.Itoa(2*i + 1)
		_ = s.Update(thing("a", version, version))
		_ = s.Delete(thing("a", version, strconv.Itoa(2*i+2)))
		if i%100 == 0 {
			_ = s.Replace(nil, strconv.Itoa(2*i+2))
		}
	}
	if n := len(s.gone); n > 100 {
		t.Errorf("%d graves are kept", n)
	}
}

func TestOnlyAListMakesAShelfSynced(t *testing.T) {
	s := podShelf()
	_ = s.Update(thing("a", "1", "5"))
	if s.isSynced() {
		t.Error("synced by an event")
	}
	_ = s.Replace(nil, "6")
	if !s.isSynced() {
		t.Error("not synced by a list")
	}
}

// past is what a server held at a version, by name.
type past map[string]*corev1.Pod

// history makes a monotonic one: each version changes one pod. at[0] is empty.
func history(t *rapid.T) (at []past, events []func(s *shelf[*corev1.Pod])) {
	at = []past{{}}
	uids := 0
	for v := 1; v <= rapid.IntRange(1, 24).Draw(t, "versions"); v++ {
		next := past{}
		for k, p := range at[v-1] {
			next[k] = p
		}
		name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
		version := strconv.Itoa(v)
		old := next[name]
		switch {
		case old == nil:
			uids++
			next[name] = thing(name, strconv.Itoa(uids), version)
		case rapid.Bool().Draw(t, "deleted"):
			delete(next, name)
			gone := thing(name, string(old.UID), version)
			events = append(events, func(s *shelf[*corev1.Pod]) { _ = s.Delete(gone) })
			at = append(at, next)
			continue
		default:
			next[name] = thing(name, string(old.UID), version)
		}
		now := next[name]
		events = append(events, func(s *shelf[*corev1.Pod]) { _ = s.Update(now) })
		at = append(at, next)
	}
	return at, events
}

func listAt(at []past, v int) func(s *shelf[*corev1.Pod]) {
	var objs []any
	for _, p := range at[v] {
		objs = append(objs, p)
	}
	return func(s *shelf[*corev1.Pod]) { _ = s.Replace(objs, strconv.Itoa(v)) }
}

// Whatever comes in whatever order, late and twice: in the end the newest
// state stands there, no pod ever becomes older, and none comes back after the
// shelf was told that it is gone.
func TestAShelfEndsInTheNewestState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, events := history(t)
		type told struct {
			version int // of the deletion, or of the list
			list    bool
			do      func(s *shelf[*corev1.Pod])
		}
		var all []told
		for i, do := range events {
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				all = append(all, told{i + 1, false, do})
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "lists") {
			v := rapid.IntRange(0, len(at)-1).Draw(t, "of")
			all = append(all, told{v, true, listAt(at, v)})
		}
		s := podShelf()
		dead := map[types.UID]bool{}
		seen := map[types.UID]int{}
		for _, x := range rapid.Permutation(all).Draw(t, "order") {
			x.do(s)
			for v := 1; v <= x.version; v++ { // what it says is gone
				if !x.list && v != x.version {
					continue
				}
				for name, p := range at[v-1] {
					if now := at[v][name]; now == nil || now.UID != p.UID {
						dead[p.UID] = true
					}
				}
			}
			for _, p := range s.values() {
				v, _ := strconv.Atoi(p.ResourceVersion)
				if dead[p.UID] {
					t.Fatalf("%s is back", p.UID)
				}
				if v < seen[p.UID] {
					t.Fatalf("%s went back from %d to %d", p.UID, seen[p.UID], v)
				}
				seen[p.UID] = v
			}
		}
		want := []string{}
		for _, p := range at[len(at)-1] {
			want = append(want, fmt.Sprintf("%s/%s@%s", p.Name, p.UID, p.ResourceVersion))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, onShelf(s)); diff != "" {
			t.Fatal(diff)
		}
	})
}
