package rollout

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func namesOfGates(p *rollout.Policy) string {
	var out []string
	for i := range p.Gates {
		out = append(out, p.Gates[i].Name)
	}
	return strings.Join(out, " ")
}

// The way back needs none of the gates of the start; the way on needs them all.
func TestWhichGatesARunGoesOnWith(t *testing.T) {
	program := "'" + os.Args[0] + "'" // there on every system
	start := policyOf(t, "", "--gate-exec", program+" it").WithDefaults(rollout.Context{Nodes: 1})
	gated := func(r *rollout.Run) { r.Policy, r.GatesSHA256 = start.WithoutCommands(), gates.Sum(start) }
	undoing := func(r *rollout.Run) { gated(r); r.Undo = &rollout.Undo{TouchPods: true} }
	for _, c := range []struct {
		name string
		verb rollout.Verb
		run  func(*rollout.Run)
		args []string
		want string // "error" for a refusal
		note bool
	}{
		{"resume without", rollout.VerbResume, gated, nil, "error", false},
		{"resume with", rollout.VerbResume, gated, []string{"--gate-exec", program + " it"}, "collateral events conditions exec", false},
		{"resume with others", rollout.VerbResume, gated, []string{"--gate-exec", program}, "error", false},
		{"resume with others, on purpose", rollout.VerbResume, gated, []string{"--gate-exec", program, "--change-gates"}, "collateral events conditions exec", false},
		{"undo without", rollout.VerbUndo, gated, nil, "collateral events conditions", true},
		{"undo with", rollout.VerbUndo, gated, []string{"--gate-exec", program + " it"}, "collateral events conditions exec", false},
		{"undo with others", rollout.VerbUndo, gated, []string{"--gate-cel", "true", "--gate", "events"}, "events cel", false},
		{"undo with none", rollout.VerbUndo, gated, []string{"--gate", "none"}, "", false},
		{"resume of an undo", rollout.VerbResume, undoing, nil, "collateral events conditions", true},
		{"abort", rollout.VerbAbort, gated, nil, "", false},
		{"undo of a run without gates", rollout.VerbUndo, func(*rollout.Run) {}, nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testApp("")
			var errOut bytes.Buffer
			a.streams.ErrOut = &errOut
			o := newGoOn(t, a, c.verb, c.args...)
			run := runOfJane()
			run.Policy.Gates = nil
			c.run(run)
			p, err := o.gates(run)
			if c.want == "error" {
				if err == nil || !strings.Contains(err.Error(), "started with other gates") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || namesOfGates(p) != c.want {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if _, err := gates.New(p, nil, gates.Options{}); err != nil {
				t.Errorf("they cannot be asked: %v", err)
			}
			if err := o.noteGates(run, p); err != nil || (errOut.String() != "") != c.note || c.note && !strings.Contains(errOut.String(), "not with exec: what they run is not stored") {
				t.Errorf("%v, noted %q", err, errOut.String())
			}
		})
	}
}

// What this process was started with is printed as it can be typed again, and
// means the same.
func TestResumeRepeatsTheGatesOfThisProcess(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--soak", "3s"}, ""},
		{[]string{"--gate-exec", "./x 'a b'", "--gate-exec", "y"}, `--gate-exec './x '\''a b'\''' --gate-exec y`},
		{[]string{"--gate", "events,conditions", "--gate-cel", `node.metadata.name != "a,b"`, "--soak", "1s"}, `--gate events --gate conditions --gate-cel 'node.metadata.name != "a,b"'`},
		{[]string{"--gate-promql", "up", "--prometheus-url", "http://p:9090", "--gate-when", "before-node,after-node", "--gate-retries", "2"}, "--gate-promql up --gate-retries 2 --gate-when before-node --gate-when after-node --prometheus-url http://p:9090"},
	} {
		a := testApp("")
		cmd, err := newStartCommand(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		p := policyOf(t, "", c.args...)
		s := &session{app: a, run: &rollout.Run{GatesSHA256: gates.Sum(p)}, output: streamFlags{cmd: cmd}}
		got := s.gatesAgain()
		if got != c.want {
			t.Errorf("%q:\ngot  %s\nwant %s", c.args, got, c.want)
		}
		words, err := splitWords(got+" x", false)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := newGoOn(t, a, rollout.VerbResume, words...).policy.policy(nil); err != nil || gates.Sum(back) != gates.Sum(p) {
			t.Errorf("%s: it does not mean the same: %v", got, err)
		}
	}
}

// The journal's command can be pasted.
func TestTheCommandOfTheJournal(t *testing.T) {
	a := testApp("")
	cmd, err := newStartCommand(a)
	if err != nil {
		t.Fatal(err)
	}
	root := &cobra.Command{Use: "kubectl-ds_rollout"}
	root.AddCommand(cmd)
	args := []string{"fb", "--image", "c=r.example/x:1", "--waves", "1,50%,100%", "--yes", "--dry-run", "--until", "17:00 Europe/Berlin", "--order=-age", "--one-zone-at-a-time=false"}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	f := streamFlags{cmd: cmd}
	want := "kubectl ds-rollout start fb --dry-run=client --image c=r.example/x:1 --one-zone-at-a-time=false --order -age --until '17:00 Europe/Berlin' --waves 1 --waves 50% --waves 100% --yes"
	if got := f.commandLine(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	again, err := newStartCommand(a)
	if err != nil {
		t.Fatal(err)
	}
	words, err := splitWords(strings.TrimPrefix(want, "kubectl ds-rollout start "), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.ParseFlags(words); err != nil {
		t.Fatal(err)
	}
	f2 := streamFlags{cmd: again}
	if diff := cmp.Diff(want, f2.commandLine()); diff != "" {
		t.Error(diff)
	}
}

func TestWhichGatesABareResumeLacks(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, nil},
		{[]string{"--gate", "none"}, nil},
		{[]string{"--gate", "events"}, []string{"events"}},
		{[]string{"--gate-cel", "true", "--gate-exec", "true"}, []string{"exec", "cel"}},
	} {
		p := policyOf(t, "", c.args...)
		run := &rollout.Run{Policy: p.WithoutCommands(), GatesSHA256: gates.Sum(p)}
		if got := missedGates(run); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.args, got, c.want)
		}
		run.Undo = &rollout.Undo{}
		if got := missedGates(run); got != nil {
			t.Errorf("%v: the way back asks for %v", c.args, got)
		}
	}
}
