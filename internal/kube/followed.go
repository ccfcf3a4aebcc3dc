package kube

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// followed is the watch of all pods of one node: whole, since what a drain
// spares is seen from their volumes and owners.
type followed struct {
	feed *feed
	pods *shelf[snapshot.Pod]
	stop context.CancelFunc
}

// Follow watches all pods of these nodes, and of no others any more.
func (l *Live) Follow(nodes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, f := range l.followed {
		if !slices.Contains(nodes, name) {
			f.stop()
			delete(l.followed, name)
		}
	}
	for _, name := range nodes {
		if l.followed[name] == nil {
			l.followed[name] = l.follow(name)
		}
	}
}

func (l *Live) follow(node string) *followed {
	ctx, stop := context.WithCancel(l.ctx)
	f := &followed{stop: stop, pods: newShelf(l.wake, l.wholePod)}
	f.feed = &feed{
		query:  query{kind: podKind, fields: fields.OneTermEqualSelector("spec.nodeName", node).String()},
		client: l.r.core, store: f.pods, changed: l.wake,
		object: &corev1.Pod{}, list: func() runtime.Object { return &corev1.PodList{} },
	}
	go f.feed.run(ctx)
	return f
}

func (l *Live) wholePod(o runtime.Object) (snapshot.Pod, bool) {
	p, ok := o.(*corev1.Pod)
	if !ok {
		return snapshot.Pod{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.in.FullPod(p), true
}

// addFollowed adds the pods of followed nodes to a snapshot that is not sorted
// yet. Of the DaemonSet's own pods what its own watch says counts.
func (l *Live) addFollowed(s *snapshot.Snapshot) {
	l.mu.Lock()
	nodes := make(map[string]*followed, len(l.followed))
	for name, f := range l.followed {
		nodes[name] = f
	}
	l.mu.Unlock()
	own := make(map[string]bool, len(s.Pods))
	for i := range s.Pods {
		own[string(s.Pods[i].UID)] = true
	}
	for name, f := range nodes {
		_, failed := f.feed.failure(s.Source.TakenAt)
		if failed || !f.pods.isSynced() {
			continue
		}
		if s.FullNodes == nil {
			s.FullNodes = map[string]bool{}
		}
		s.FullNodes[name] = true
		for _, p := range f.pods.values() {
			if !own[string(p.UID)] && !(p.Owner != nil && p.Owner.UID == l.set.UID) {
				s.Pods = append(s.Pods, p)
			}
		}
	}
}
