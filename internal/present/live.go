package present

import (
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// LiveOptions of the live view.
type LiveOptions struct {
	StreamOptions
	Input  io.Reader
	Output io.Writer
	Color  bool
	// Environ is the environment of the terminal; nil for that of the process.
	Environ []string
	// Started is when the run began, by whichever process; zero: at the first
	// status.
	Started time.Time
	// Until is when the run pauses by itself; zero: never.
	Until time.Time
	// Now is the clock that durations on the screen are counted to; nil for
	// the clock of this machine.
	Now func() time.Time
	// Width and Height are taken where the output does not tell its size.
	Width, Height int
}

// Command is what a person asked for by a key.
type Command struct {
	Verb rollout.Verb // empty where Leave is set
	Node string       // of skip and retry, and of an approval of one node
	Wave int          // of approve
	// Leave means: finish what is in flight, then pause and go. Now, with it:
	// go at once; the run can be resumed.
	Leave, Now bool
}

// redraw is how often the screen changes at most.
const redraw = 200 * time.Millisecond

// Live shows a run on a terminal, and takes keys. It draws in line: what was
// there before stays in the scrollback, events that leave the view are printed
// above it.
type Live struct {
	program  *tea.Program
	inbox    *inbox
	commands *commands
	done     chan struct{}
	started  bool
	closing  sync.Once
	err      error
}

// NewLive makes a view that Start shows.
func NewLive(o LiveOptions) *Live {
	l := &Live{inbox: &inbox{}, commands: &commands{ch: make(chan Command, 32)}, done: make(chan struct{})}
	opts := []tea.ProgramOption{
		tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithFPS(int(time.Second / redraw)),
		// Signals are the driver's: it decides what an interrupt leaves behind.
		tea.WithoutSignalHandler(),
	}
	if o.Width > 0 && o.Height > 0 {
		opts = append(opts, tea.WithWindowSize(o.Width, o.Height))
	}
	if o.Environ != nil {
		opts = append(opts, tea.WithEnvironment(o.Environ))
	}
	l.program = tea.NewProgram(newLiveModel(o, l.inbox, l.commands.put), opts...)
	return l
}

// Start shows the view and returns.
func (l *Live) Start() {
	l.started = true
	go func() {
		defer close(l.done)
		_, l.err = l.program.Run()
	}()
}

// Event takes in an event. It never waits for the terminal.
func (l *Live) Event(ev rollout.Event) { l.inbox.event(ev) }

// Look takes in a status, of which the newest is shown. It never waits for the
// terminal.
func (l *Live) Look(s *rollout.Status, d rollout.Decision) { l.inbox.look(s, d) }

// Commands gives what keys ask for. It is never closed.
func (l *Live) Commands() <-chan Command { return l.commands.ch }

// Close draws the last state without keys, restores the terminal and returns
// when that is done: what is printed then stands below. The error is of the
// terminal, or of a program that ended before.
func (l *Live) Close() error {
	if !l.started {
		return nil
	}
	l.closing.Do(func() { l.program.Send(closeMsg{}) })
	<-l.done
	return l.err
}

// inbox holds what has come since the last frame.
type inbox struct {
	mu       sync.Mutex
	events   []rollout.Event
	status   *rollout.Status
	decision rollout.Decision
}

func (b *inbox) event(ev rollout.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, ev)
}

func (b *inbox) look(s *rollout.Status, d rollout.Decision) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status, b.decision = s, d
}

func (b *inbox) take() ([]rollout.Event, *rollout.Status, rollout.Decision) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events, s := b.events, b.status
	b.events, b.status = nil, nil
	return events, s, b.decision
}

// commands keeps the newest where nobody takes them: a terminal that blocks
// would not even show that it does.
type commands struct{ ch chan Command }

func (c *commands) put(cmd Command) {
	for {
		select {
		case c.ch <- cmd:
			return
		default:
		}
		select {
		case <-c.ch:
		default:
		}
	}
}
