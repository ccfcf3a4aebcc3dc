package rollout

import (
	"encoding/json"
	"errors"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// streamFlags say how a command that drives shows what happens.
type streamFlags struct {
	output  string
	journal string
	plain   bool
	cmd     *cobra.Command
}

func (f *streamFlags) add(cmd *cobra.Command) error {
	f.cmd = cmd
	fs := cmd.Flags()
	fs.Lookup("quiet").Usage = "Print nothing of what happens: only where, the verdict of the plan, and how it ended."
	fs.StringVarP(&f.output, "output", "o", "", "Output format: json prints one JSON object a line for everything that happens. The default is the live view on a terminal, and lines elsewhere.")
	fs.StringVar(&f.journal, "journal", "", "A file that every event is appended to, one JSON object a line.")
	fs.BoolVar(&f.plain, "plain", false, "Print lines on a terminal, too, in place of the live view.")
	return cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"output": cli.Words("json")})
}

// commandLine is what was typed, for the journal and to paste, with the flags
// in order of their names.
func (f *streamFlags) commandLine() string {
	words := append([]string{"kubectl", Plugin, f.cmd.Name()}, f.cmd.Flags().Args()...)
	f.cmd.Flags().Visit(func(flag *pflag.Flag) { words = append(words, typedWords(flag)...) })
	return quoteAll(words)
}

func (f *streamFlags) validate() error {
	if f.output != "" && f.output != "json" {
		return cli.Usagef("--output is json or nothing, not %q", f.output)
	}
	if f.journal == "" {
		return nil
	}
	// A journal that cannot be written is found before a Lease is.
	file, err := f.openJournal()
	if err != nil {
		return err
	}
	return file.Close()
}

func (f *streamFlags) openJournal() (*os.File, error) {
	file, err := os.OpenFile(f.journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, cli.Usagef("%w; check the path after --journal", err)
	}
	return file, nil
}

// stream is all that is told what happens, and the keys of a terminal.
type stream struct {
	to      []drive.Watcher
	live    *present.Live
	journal *os.File
	now     func() // ends this process's driving at once

	left     chan struct{}
	leaveOne sync.Once
}

func (f *streamFlags) open(s *session, now func()) (*stream, error) {
	st := &stream{now: now, left: make(chan struct{})}
	opts := present.StreamOptions{
		Context: s.at.Context, Namespace: s.at.Namespace, Name: s.at.name, CommandFlags: s.app.kube.CommandFlags(),
		Revisions: []rollout.Revision{s.run.From, s.run.Target}, Builtin: builtinNames(s.policy),
	}
	out := s.app.streams.Out
	switch {
	case f.output == "json":
		st.to = append(st.to, present.NewNDJSON(out, opts))
	case !f.plain && !s.view.Quiet && present.TerminalWidth(out) > 0 && s.app.terminal(s.app.streams.In):
		o := present.LiveOptions{StreamOptions: opts, Input: s.app.streams.In, Output: out, Color: s.view.Color, Started: s.run.Started.Time}
		if s.policy.Until != nil {
			o.Until = s.policy.Until.Time
		}
		st.live = present.NewLive(o)
		st.to = append(st.to, st.live)
		st.live.Start()
	case s.view.Quiet:
	default:
		st.to = append(st.to, present.NewLines(out, opts))
	}
	if f.journal != "" {
		file, err := f.openJournal()
		if err != nil {
			return nil, errors.Join(err, st.close())
		}
		st.journal = file
		if err := json.NewEncoder(file).Encode(map[string]string{"command": f.commandLine(), "run": s.run.ID, "by": s.who}); err != nil {
			return nil, errors.Join(cli.Usagef("write the journal: %w", err), st.close())
		}
		st.to = append(st.to, present.NewNDJSON(file, opts))
	}
	return st, nil
}

// builtinNames are gates that look by themselves, as the policy calls them.
func builtinNames(p *rollout.Policy) []string {
	var out []string
	for i := range p.Gates {
		if p.Gates[i].Builtin != "" {
			out = append(out, p.Gates[i].Name)
		}
	}
	return out
}

// Event implements drive.Watcher.
func (st *stream) Event(e rollout.Event) {
	for _, w := range st.to {
		w.Event(e)
	}
}

// Look implements drive.Watcher.
func (st *stream) Look(s *rollout.Status, d rollout.Decision) {
	for _, w := range st.to {
		w.Look(s, d)
	}
}

// stays reports whether somebody is there to act where the run rests.
func (st *stream) stays() bool { return st.live != nil }

// asks is what the keys ask, after what first holds.
func (st *stream) asks(first <-chan rollout.Intent) <-chan rollout.Intent {
	if st.live == nil {
		return first
	}
	out := make(chan rollout.Intent, 32)
	for len(first) > 0 {
		out <- <-first
	}
	go func() {
		for c := range st.live.Commands() {
			switch {
			case c.Now:
				st.now()
			case c.Leave:
				st.leaveOne.Do(func() { close(st.left) })
			default:
				out <- rollout.Intent{Verb: c.Verb, Node: c.Node, Wave: c.Wave}
			}
		}
	}()
	return out
}

// leave is closed by an interrupt, or by the key.
func (st *stream) leave(interrupted <-chan struct{}) <-chan struct{} {
	go func() {
		select {
		case <-interrupted:
			st.leaveOne.Do(func() { close(st.left) })
		case <-st.left:
		}
	}()
	return st.left
}

// close restores the terminal. The error is the first line that could not be
// written: the run went on all the same.
func (st *stream) close() error {
	var errs []error
	if st.live != nil {
		errs = append(errs, st.live.Close())
	}
	for _, w := range st.to {
		if w, ok := w.(interface{ Err() error }); ok {
			errs = append(errs, w.Err())
		}
	}
	if st.journal != nil {
		errs = append(errs, st.journal.Close())
	}
	return errors.Join(errs...)
}
