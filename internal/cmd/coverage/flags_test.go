package coverage

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

var monday = time.Date(2026, 11, 23, 8, 12, 4, 0, time.UTC)

func newApp() (*app, *bytes.Buffer, *bytes.Buffer) {
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	kube := cli.NewKubeFlags(streams)
	return &app{streams: streams, kube: kube, names: cli.NewCompleter(kube), clock: func() time.Time { return monday }}, &out, &errOut
}

// parse gives the options that the main command would run with.
func parse(t *testing.T, args ...string) (*reportOptions, error) {
	t.Helper()
	a, _, _ := newApp()
	var got *reportOptions
	cmd, err := newReportCommand(a, func(_ context.Context, o *reportOptions) error { got = o; return nil })
	if err != nil {
		t.Fatal(err)
	}
	a.kube.AddFlags(cmd.PersistentFlags())
	cmd.SetArgs(args)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	err = cmd.ExecuteContext(context.Background())
	return got, err
}

func TestFlagsBecomeOptions(t *testing.T) {
	ninety := 90.5
	for _, c := range []struct {
		name string
		args string
		want func(*reportOptions) (got, want any)
	}{
		{"no flags ask for the namespace of the context", "", func(o *reportOptions) (any, any) {
			return []any{o.Source.Namespace, o.Source.AllNamespaces, o.Source.Names, o.Source.Grace}, []any{"", false, []string(nil), 5 * time.Minute}
		}},
		{"-A beats -n", "-A -n x", func(o *reportOptions) (any, any) {
			return []any{o.Source.Namespace, o.Source.AllNamespaces}, []any{"", true}
		}},
		{"names in all spellings, once each", "falco ds/falco daemonset/cilium DaemonSets.apps/vector -n x", func(o *reportOptions) (any, any) {
			return []any{o.Source.Namespace, o.Source.Names}, []any{"x", []string{"falco", "cilium", "vector"}}
		}},
		{"selectors", "-l app=x --node-selector pool=gpu", func(o *reportOptions) (any, any) {
			return []any{o.Source.Selector.String(), o.Source.NodeSelector.String()}, []any{"app=x", "pool=gpu"}
		}},
		{"a capture and its time", "--from c.json --at 2026-11-23T09:12:04+01:00", func(o *reportOptions) (any, any) {
			return []any{o.Source.From, o.Source.At}, []any{"c.json", monday}
		}},
		{"any is all words", "--fail-on any --min-coverage 90.5% --allow-unknown", func(o *reportOptions) (any, any) {
			return o.Condition, condition{Condition: condOf([]string{"gaps", "hidden", "misplaced", "outdated", "suspect", "unknown"}, &ninety, true), Timeout: defaultTimeout}
		}},
		{"waiting", "--fail-on gaps --wait --timeout 0", func(o *reportOptions) (any, any) {
			return []any{o.Condition.Wait, o.Condition.Timeout}, []any{true, time.Duration(0)}
		}},
		{"how it looks", "--full --gaps-only --no-headers --color always --sort-by -gaps -o wide", func(o *reportOptions) (any, any) {
			return o.View, present.Options{
				Color: true, Wide: true, Full: true, GapsOnly: true, NoHeaders: true, Grace: 5 * time.Minute,
				SortBy: present.SortKey{Column: "gaps", Descending: true},
			}
		}},
		{"columns of --flat are its own", "--flat --sort-by node", func(o *reportOptions) (any, any) {
			return []any{o.Flat, o.View.SortBy.Column}, []any{true, "node"}
		}},
		{"table is a screen", "-o table", func(o *reportOptions) (any, any) { return o.Printer == nil, true }},
		{"json is not", "-o json", func(o *reportOptions) (any, any) { return o.Printer != nil, true }},
		{"a template needs no format", "--template {{.kind}}", func(o *reportOptions) (any, any) { return o.Printer != nil, true }},
		{"printed commands go to the same cluster", "--context pro;d --kubeconfig /tmp/k", func(o *reportOptions) (any, any) {
			return o.Source.CommandFlags, "--kubeconfig /tmp/k --context 'pro;d'"
		}},
		{"which a server may be, too", "--server https://other:6443", func(o *reportOptions) (any, any) {
			return o.Source.CommandFlags, "--server https://other:6443"
		}},
		{"and judge the same capture as here", "--from my;cap.json --at 2026-11-23T08:12:04Z --grace 0s --transient-taints example.com/*,other", func(o *reportOptions) (any, any) {
			return o.Source.ReportFlags, "--from 'my;cap.json' --at 2026-11-23T08:12:04Z --grace 0s --transient-taints 'example.com/*,other'"
		}},
		{"which standard input cannot be twice", "--from -", func(o *reportOptions) (any, any) { return o.Source.ReportFlags, "" }},
		{"own startup taints", "--transient-taints example.com/*,other", func(o *reportOptions) (any, any) {
			return string(o.Source.Transient["other"]) != "", true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := parse(t, strings.Fields(c.args)...)
			if err != nil {
				t.Fatal(err)
			}
			got, want := c.want(o)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMistakesAreUsageErrors(t *testing.T) {
	for _, args := range []string{"--fail-on x", "--min-coverage x", "--wait", "-o nope", "-l =", "--at now", "a/b/c"} {
		_, err := parse(t, strings.Fields(args)...)
		var exit *cli.ExitError
		if !errors.As(err, &exit) || exit.Code != cli.Usage {
			t.Errorf("%s: got %v, want an error of usage", args, err)
		}
	}
}

func TestAllCommandsAreBuilt(t *testing.T) {
	a, _, _ := newApp()
	root, err := NewCommand(a.streams, "v1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its one line %q should be there and end without a dot", c.Name(), c.Short)
		}
	}
	for _, s := range subcommands {
		if s != "help" && !strings.Contains(strings.Join(names, " "), s) {
			t.Errorf("%s is suggested and not there", s)
		}
	}
	for _, n := range names {
		if !strings.Contains(strings.Join(subcommands, " "), n) {
			t.Errorf("%s is there and not suggested", n)
		}
	}
}
