package rollout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestHistory(t *testing.T) {
	w := native(4, "1")
	raw := func(image string) []byte {
		tp := template()
		tp.Spec.Containers[0].Image = image
		b, err := json.Marshal(map[string]any{"spec": map[string]any{"template": tp}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	w.s.Revisions[0].Data.Raw, w.s.Revisions[1].Data.Raw = raw("quay.io/cilium/cilium:v1"), raw("quay.io/cilium/cilium:v2")
	w.ds.Spec.Template = *template()
	w.ds.Spec.Template.Spec.Containers[0].Image = "quay.io/cilium/cilium:v2"
	w.s.Revisions[1].Annotations = map[string]string{changeCause: "sync 9f31c2a"}
	w.updated(0)
	w.p(1).Labels = map[string]string{hashLabel: "h0"}
	rows := HistoryOf(w.view(), nil, t0)
	show := func(rows []HistoryRow) string {
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "%d %s %s %d/%d %s %s %s\n", r.Revision, r.Role, r.Hash, r.Available, r.Pods, r.Summary, r.Cause, r.Error)
		}
		return b.String()
	}
	want := "2 current h2 1/1 cilium-agent image v1 -> v2 sync 9f31c2a \n1  h1 2/2   \n0 gone h0 1/1 its ControllerRevision is gone  \n"
	if got := show(rows); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if rows = HistoryOf(w.view(), w.run, t0); rows[0].Role != RoleTarget || rows[1].Role != RoleFrom {
		t.Errorf("with a run: %s", show(rows))
	}
	if lines, err := RevisionDiff(w.view(), 2, 1); err != nil || len(lines) != 1 {
		t.Errorf("diff: %v, %v", lines, err)
	}
	if _, err := RevisionDiff(w.view(), 2, 7); err == nil || err.Error() != "there is no revision 7; there are 2, 1" {
		t.Errorf("got %v", err)
	}
	w.s.Revisions[0].Data.Raw = []byte("{}")
	if rows = HistoryOf(w.view(), nil, t0); rows[1].Error == "" || rows[0].Summary != "" {
		t.Errorf("a template that cannot be read: %s", show(rows))
	}
}

func TestParseDiff(t *testing.T) {
	if a, b, err := ParseDiff("41..42"); a != 41 || b != 42 || err != nil {
		t.Errorf("got %d, %d, %v", a, b, err)
	}
	for _, s := range []string{"", "41", "41...42", "..", "0..1", "a..b", "1..-2", "1..2x"} {
		if _, _, err := ParseDiff(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
