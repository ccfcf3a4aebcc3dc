package kube

import (
	"strconv"
	"sync"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// shelf holds what a watch says of one resource, in the form that is kept of
// it. It never goes back: what is older than what stands there is passed by,
// since our own writes and the polling backstop may be ahead of the watch.
// resourceVersions of one resource compare as numbers (KEP-5504); where they
// do not, the last word counts.
type shelf[T any] struct {
	keep    func(runtime.Object) (T, bool)
	changed func()

	mu     sync.Mutex
	items  map[types.NamespacedName]shelved[T]
	gone   map[types.UID]string // deleted at this version, and not to be put back by an older event
	floor  string               // of the newest list: what is older and was not in it is gone
	synced bool
}

type shelved[T any] struct {
	value   T
	uid     types.UID
	version string
}

var _ cache.ReflectorStore = (*shelf[int])(nil)

func newShelf[T any](changed func(), keep func(runtime.Object) (T, bool)) *shelf[T] {
	return &shelf[T]{keep: keep, changed: changed, items: map[types.NamespacedName]shelved[T]{}, gone: map[types.UID]string{}}
}

// Add implements cache.ReflectorStore.
func (s *shelf[T]) Add(obj any) error { return s.Update(obj) }

// Update implements cache.ReflectorStore.
func (s *shelf[T]) Update(obj any) error {
	s.mu.Lock()
	did := s.put(obj)
	s.mu.Unlock()
	if did {
		s.changed()
	}
	return nil
}

// Delete implements cache.ReflectorStore.
func (s *shelf[T]) Delete(obj any) error {
	m, err := apimeta.Accessor(obj)
	if err != nil {
		return nil //nolint:nilerr // not an object: nothing stands there for it
	}
	s.mu.Lock()
	key := keyOf(m)
	s.bury(m)
	if s.items[key].uid == m.GetUID() {
		delete(s.items, key)
	}
	s.mu.Unlock()
	s.changed()
	return nil
}

// bury remembers that an object was deleted, or is none of ours any more.
func (s *shelf[T]) bury(m metav1.Object) {
	if at, ok := s.gone[m.GetUID()]; !ok || Newer(m.GetResourceVersion(), at) {
		s.gone[m.GetUID()] = m.GetResourceVersion()
	}
}

// Replace implements cache.ReflectorStore. version is that of the list: what
// is not in it and newer was made since.
func (s *shelf[T]) Replace(list []any, version string) error {
	s.mu.Lock()
	was := s.items
	s.items, s.synced = make(map[types.NamespacedName]shelved[T], len(list)), true
	for key, old := range was {
		if version != "" && Newer(old.version, version) {
			s.items[key] = old
		}
	}
	floor := s.floor
	if floor == "" || version != "" && Newer(version, floor) {
		s.floor, floor = "", version // the list itself is above its floor
	}
	for _, obj := range list {
		if m, err := apimeta.Accessor(obj); err == nil {
			if old, ok := was[keyOf(m)]; ok && old.uid == m.GetUID() {
				s.items[keyOf(m)] = old // the newer of the two stays
			}
		}
		s.put(obj)
	}
	s.floor = floor
	for uid, at := range s.gone {
		if s.past(at) {
			delete(s.gone, uid) // the floor says so of it
		}
	}
	s.mu.Unlock()
	s.changed()
	return nil
}

// past reports whether a version is not newer than the newest list.
func (s *shelf[T]) past(version string) bool { return s.floor != "" && !Newer(version, s.floor) }

// Resync implements cache.ReflectorStore.
func (s *shelf[T]) Resync() error { return nil }

// put reports whether anything changed.
func (s *shelf[T]) put(obj any) bool {
	o, ok := obj.(runtime.Object)
	if !ok {
		return false
	}
	m, err := apimeta.Accessor(obj)
	if err != nil {
		return false
	}
	key, version := keyOf(m), m.GetResourceVersion()
	old, there := s.items[key]
	at, buried := s.gone[m.GetUID()]
	switch same := there && old.uid == m.GetUID(); {
	case buried && !surelyNewer(version, at),
		there && !Newer(version, old.version), // also of a namesake
		!same && s.past(version):
		return false
	}
	v, ok := s.keep(o)
	if !ok {
		s.bury(m)
		delete(s.items, key)
		return there
	}
	delete(s.gone, m.GetUID()) // its labels are ours again
	s.items[key] = shelved[T]{value: v, uid: m.GetUID(), version: m.GetResourceVersion()}
	return true
}

func keyOf(m metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: m.GetNamespace(), Name: m.GetName()}
}

// surelyNewer is Newer where both can be compared.
func surelyNewer(a, b string) bool { return Newer(a, b) && !Newer(b, a) }

// Newer reports whether resourceVersion a is newer than b, or cannot be compared.
func Newer(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	return errX != nil || errY != nil || x > y
}

// values are all that stand there, in no order.
func (s *shelf[T]) values() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]T, 0, len(s.items))
	for _, i := range s.items {
		out = append(out, i.value)
	}
	return out
}

func (s *shelf[T]) isSynced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}
