package main

import (
	"os"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestThePageIsCurrent(t *testing.T) {
	got, err := os.ReadFile("../../../docs/rollout-verbs.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(page()) {
		t.Error("docs/rollout-verbs.md is not what the table says: run make generate")
	}
}

func TestEachPairIsOnThePageOnce(t *testing.T) {
	for _, p := range rollout.Phases() {
		if meanings[p] == "" {
			t.Errorf("phase %s has no meaning", p)
		}
		text := effects(p)
		for _, v := range rollout.Verbs() {
			asRow, asRefusal := strings.Count(text, "\n| "+string(v)+" |"), strings.Count(text, " `"+string(v)+"`")
			if asRow+asRefusal != 1 || (asRow == 1) != rollout.Allowed(p, v) {
				t.Errorf("%s in %s: %d rows, %d refusals, allowed %v", v, p, asRow, asRefusal, rollout.Allowed(p, v))
			}
		}
	}
	if len(meanings) != len(rollout.Phases()) {
		t.Errorf("%d meanings for %d phases", len(meanings), len(rollout.Phases()))
	}
}
