package coverage

import (
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// A node that is deleted may stay for long, Ready and untainted, while a
// finalizer holds it.
func TestNodeViewTellsThatANodeIsBeingDeleted(t *testing.T) {
	w := testkit.NewWorld()
	w.Add(testkit.Node("here"), testkit.Node("leaving").Deleted(time.Hour))
	l, err := Analyze(w.Snapshot(), Options{Now: testkit.Now}).NodeView(nil)
	if err != nil {
		t.Fatal(err)
	}
	if here, leaving := l.Items[0].DeletionTimestamp, l.Items[1].DeletionTimestamp; here != nil || leaving == nil {
		t.Errorf("deleted %v and %v, want none and an hour ago", here, leaving)
	}
}
