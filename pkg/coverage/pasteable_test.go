package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// operands are how many words may follow a command, flags and their values
// apart.
var operands = map[string]int{
	"kubectl logs": 1, "kubectl describe": 2, "kubectl get": 2, "kubectl delete": 2, "kubectl uncordon": 1,
	"kubectl label": 3, "kubectl taint": 3, "kubectl create serviceaccount": 1, "kubectl rollout history": 1,
	"kubectl ds-coverage explain": 2, "kubectl ds-coverage rbac": 0, "kubectl ds-coverage snapshot": 0, "kubectl ds-rollout": 0,
	"kubectl ds-rollout start": 1, "kubectl ds-rollout status": 1, "kubectl ds-rollout resume": 1, "kubectl ds-rollout abort": 1,
	"kubectl ds-rollout disarm": 1, "kubectl ds-rollout recover": 1, "kubectl ds-rollout undo": 1,
	"oc adm policy": 2,
}

var valued = []string{"-n", "-c", "-o", "-z", "--context", "--from"}

// pasteable says what is wrong with the command that a text holds, if it holds
// one: it ends the text, so that it can be copied to the end of the line.
func pasteable(text string) error {
	at := -1
	for _, program := range []string{"kubectl ", "oc "} {
		for from := 0; ; {
			i := strings.Index(text[from:], program)
			if i < 0 {
				break
			}
			i += from
			if i == 0 || text[i-1] == ' ' {
				at = i
				break
			}
			from = i + 1
		}
	}
	if at < 0 {
		return nil
	}
	for _, line := range strings.Split(text[at:], " && ") {
		if err := pasteableLine(line); err != nil {
			return err
		}
	}
	return nil
}

func pasteableLine(line string) error {
	words, err := shellWords(line)
	if err != nil {
		return err
	}
	for n := len(words); n > 0; n-- {
		most, known := operands[strings.Join(words[:n], " ")]
		if !known {
			continue
		}
		got := 0
		for i := n; i < len(words); i++ {
			switch w := words[i]; {
			case slices.Contains(valued, w):
				i++
			case strings.HasPrefix(w, "-"):
			case strings.HasSuffix(w, ",") || strings.HasSuffix(w, ";") || strings.HasSuffix(w, "."):
				return fmt.Errorf("the word %q is prose", w)
			default:
				got++
			}
		}
		if got > most {
			return fmt.Errorf("%d words follow the command, want at most %d", got, most)
		}
		return nil
	}
	return fmt.Errorf("no command that this test knows")
}

// shellWords splits as a shell does, as far as quote makes it necessary.
func shellWords(s string) ([]string, error) {
	var out []string
	word, inWord, quoted := "", false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\'':
			quoted = false
		case quoted:
			word += string(c)
		case c == '\'':
			quoted, inWord = true, true
		case c == '\\' && i+1 < len(s):
			i++
			word, inWord = word+string(s[i]), true
		case c == ' ':
			if inWord {
				out = append(out, word)
			}
			word, inWord = "", false
		case strings.IndexByte("&|<>()$`\"*?[]#~!;", c) >= 0 && !(c == '?' && i > 0 && s[i-1] == ' '):
			return nil, fmt.Errorf("a shell would act on %q", c)
		default:
			word, inWord = word+string(c), true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is open")
	}
	if inWord {
		out = append(out, word)
	}
	return out, nil
}

// Whatever tells to run a command ends in it: what is copied to the end of the
// line runs as it stands.
func TestEveryCommandCanBePasted(t *testing.T) {
	commands := 0
	check := func(where string, texts ...string) {
		for _, text := range texts {
			if strings.Contains(text, "kubectl ") {
				commands++
			}
			if err := pasteable(text); err != nil {
				t.Errorf("%s: %v: %s", where, err, text)
			}
		}
	}
	for _, row := range registry {
		check("registry "+string(row.Reason), asFix(row.Remedy))
	}
	for _, c := range loadCases(t) {
		for _, f := range c.report.Source.Incomplete {
			check(c.name+" incomplete", f.Remedy)
		}
		for i := range c.report.Items {
			for _, f := range c.report.Items[i].Findings {
				check(c.name+" finding", f.Remedy)
			}
			for _, v := range c.report.Items[i].Nodes {
				check(c.name+" verdict", v.Remedy)
				e, err := c.result.ExplainPair(i, v.Node)
				if err != nil {
					t.Fatal(err)
				}
				check(c.name+" explanation", slices.Concat(e.Fixes, e.Looks)...)
				if slices.ContainsFunc(e.Looks, func(l string) bool { return strings.Contains(l, "ds-coverage explain") }) {
					t.Errorf("%s: an explanation tells to look at itself: %q", c.name, e.Looks)
				}
				for _, change := range e.Changes {
					check(c.name+" change", change.Do)
				}
			}
		}
		for _, cause := range c.result.Causes() {
			check(c.name+" cause", slices.Concat(cause.Notes, cause.Fixes, cause.Looks)...)
		}
	}
	if commands < 100 {
		t.Errorf("only %d commands were seen", commands)
	}
}

func TestProseBehindACommandIsFound(t *testing.T) {
	for _, bad := range []string{
		"kubectl ds-coverage rbac prints the role", "kubectl delete node n1, if it is gone", "kubectl delete node n1; then wait",
		"kubectl logs p -c 'x", "kubectl logs $(x)", "run kubectl unheard of", "see kubectl get pods.",
	} {
		if pasteable(bad) == nil {
			t.Errorf("taken for a command: %s", bad)
		}
	}
	for _, good := range []string{"wait", "recover it, or: kubectl delete node 'a b' --context x", "kubectl logs -n ns p -c c --previous"} {
		if err := pasteable(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}
