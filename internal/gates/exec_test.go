package gates

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// helper is a policy whose command is this test binary.
func helper(args ...string) *rollout.Policy {
	return one(rollout.Gate{Timeout: timeout(time.Minute), Probe: rollout.Probe{Exec: append([]string{os.Args[0]}, args...)}})
}

func helps(what string) Options {
	return Options{Env: []string{"GATES_HELPER=" + what}}
}

func TestExitCodesOfACommand(t *testing.T) {
	for what, want := range map[string]Answer{
		"exit=0":  {rollout.GatePass, "exit 0: evidence [31m of exit 0"},
		"exit=75": {rollout.GateHold, "exit 75: evidence [31m of exit 75"},
		"exit=1":  {rollout.GateFail, "exit 1: evidence [31m of exit 1"},
		"exit=2":  {rollout.GateFail, "exit 2: evidence [31m of exit 2"},
		"quiet":   {rollout.GatePass, "exit 0"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld()
			if got := w.ask(t, newRunner(t, helper(), w, helps(what)), rollout.AfterNode); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestACommandKnowsWhatItIsAskedAbout(t *testing.T) {
	w := newWorld()
	r := newRunner(t, helper(), w, helps("env=KUBECTL_DS_"))
	want := func(when, node, pod string) string {
		return "exit 0: KUBECTL_DS_CONTEXT=prod|KUBECTL_DS_DAEMONSET=vector|KUBECTL_DS_GATE=g|KUBECTL_DS_NAMESPACE=logging|KUBECTL_DS_NODE=" +
			node + "|KUBECTL_DS_POD=" + pod + "|KUBECTL_DS_REVISION=abc|KUBECTL_DS_RUN=run-1|KUBECTL_DS_WAVE=2|KUBECTL_DS_WHEN=" + when + "|"
	}
	check(t, w.ask(t, r, rollout.BeforeWave), rollout.GatePass, want("beforeWave", "", ""))
	check(t, w.ask(t, r, rollout.BeforeNode), rollout.GatePass, want("beforeNode", "n1", "vector-old"))
	w.replace()
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, want("afterNode", "n1", "vector-new"))
}

func TestTheEnvironmentOfAProcessIsInherited(t *testing.T) {
	t.Setenv("GATES_HELPER", "env=GATES_MARK")
	t.Setenv("GATES_MARK", "here")
	w := newWorld()
	check(t, w.ask(t, newRunner(t, helper(), w, Options{}), rollout.AfterNode), rollout.GatePass, "GATES_MARK=here|")
}

// What a shell would take for more than a word is one argument, and a node
// with such a name is no argument at all.
func TestNoShellIsInBetween(t *testing.T) {
	w := newWorld()
	w.run.ID = "$(touch pwned); `x`"
	got := w.ask(t, newRunner(t, helper("$HOME", "a;b `c` $(d)", "*"), w, helps("args")), rollout.AfterNode)
	check(t, got, rollout.GatePass, `"$HOME" "a;b `+"`c`"+` $(d)" "*"]`)
}

func TestOutputIsCappedAndNeverBlocks(t *testing.T) {
	var before, after runtime.MemStats
	w := newWorld()
	r := newRunner(t, helper(), w, helps("flood"))
	runtime.ReadMemStats(&before)
	got := w.ask(t, r, rollout.AfterNode)
	runtime.ReadMemStats(&after)
	check(t, got, rollout.GatePass, "exit 0: the end")
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("64 MiB of output made %d MiB of garbage", grown>>20)
	}
}

func TestTheTailOfWhatIsWritten(t *testing.T) {
	for _, step := range []int{1, 3, 7, 10, 25} {
		const all = "0123456789abcdefghijklmnopqrstuvwxyz"
		out := &tail{limit: 10}
		for i := 0; i < len(all); i += step {
			part := all[i:min(i+step, len(all))]
			if n, err := out.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
			if len(out.buf) > 10 {
				t.Fatalf("%d bytes kept", len(out.buf))
			}
		}
		if got := string(out.buf); got != "qrstuvwxyz" {
			t.Errorf("in steps of %d: %q", step, got)
		}
	}
}

func TestAReasonIsShortAndClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\tc":                  "a b c",
		"\x1b]0;title\x07x":          "]0;title x",
		"bad \xff utf8 \u202e order": "bad utf8 order",
	} {
		if got := (Answer{Reason: in}).tidy().Reason; got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	got := Answer{Reason: strings.Repeat("ü", 4000)}.tidy().Reason
	if len(got) > maxReason || !strings.HasSuffix(got, "ü...") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-8:])
	}
}

func TestAProgramThatIsNotThereIsBadInput(t *testing.T) {
	for _, argv := range [][]string{{""}, {"no-such-program-anywhere"}, {filepath.Join(t.TempDir(), "missing")}} {
		if _, err := New(probeOf(rollout.Probe{Exec: argv}), newWorld(), Options{}); err == nil || !strings.Contains(err.Error(), `gate "g": `) {
			t.Errorf("%q: %v", argv, err)
		}
	}
}

func TestAProgramThatDoesNotStartIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.exe") // Windows tries no other
	if err := os.WriteFile(path, []byte("\x00\x01 not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	r := newRunner(t, probeOf(rollout.Probe{Exec: []string{path}}), w, Options{})
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateError, "cannot start: ")
}

func TestACommandThatHangsIsAnErrorWithItsLastWords(t *testing.T) {
	w := newWorld()
	p := helper()
	p.Gates[0].Timeout = timeout(300 * time.Millisecond)
	got := w.ask(t, newRunner(t, p, w, helps("hang")), rollout.AfterNode)
	check(t, got, rollout.GateError, "no answer within 300ms")
}

func TestACallerThatGivesUpIsNotATimeout(t *testing.T) {
	w := newWorld()
	r := newRunner(t, helper(), w, helps("hang"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check(t, r.Ask(ctx, w.question(rollout.AfterNode)), rollout.GateError, "interrupted before it answered")
}
