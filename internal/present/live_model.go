package present

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

type (
	frameMsg time.Time
	closeMsg struct{}
)

// shownEvents is how many events the view keeps; older ones are printed above.
const shownEvents = 5

// liveModel is the state of the view. It holds no clock and no terminal: tests
// drive it by messages.
type liveModel struct {
	opts   LiveOptions
	st     *streamState
	inbox  *inbox
	put    func(Command)
	now    time.Time
	began  time.Time
	width  int
	height int
	events []rollout.Event // the newest last

	question question
	help     bool
	leaving  bool
	closing  bool
	notice   string // what the last key did
}

func newLiveModel(o LiveOptions, in *inbox, put func(Command)) *liveModel {
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &liveModel{opts: o, st: newStreamState(o.StreamOptions), inbox: in, put: put, began: o.Started, width: 80, height: 24}
	if o.Width > 0 && o.Height > 0 {
		m.width, m.height = o.Width, o.Height
	}
	m.now = o.Now()
	return m
}

func tick() tea.Cmd { return tea.Tick(redraw, func(t time.Time) tea.Msg { return frameMsg(t) }) }

// Init begins the frames.
func (m *liveModel) Init() tea.Cmd { return tick() }

// Update takes a message.
func (m *liveModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case frameMsg:
		return m, tea.Batch(tick(), printAbove(m.refresh(shownEvents), m.width))
	case closeMsg:
		m.closing = true
		return m, tea.Sequence(printAbove(m.refresh(0), m.width), tea.Quit)
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		m.key(msg.String())
	}
	return m, nil
}

// View draws.
func (m *liveModel) View() tea.View { return tea.NewView(m.draw()) }

// refresh takes in what has come, and returns lines of the events that are not
// among the newest any more.
func (m *liveModel) refresh(keep int) []string {
	events, s, d := m.inbox.take()
	m.now = m.opts.Now()
	if s != nil {
		m.st.look(s, d) // the screen is its own heartbeat
		if m.began.IsZero() {
			m.began = s.At
		}
	}
	for _, ev := range events {
		if m.st.routine(&ev) {
			continue
		}
		if ev = m.st.event(ev); ev.Type != rollout.EventProgress {
			m.events = append(m.events, ev)
		}
	}
	old := max(len(m.events)-keep, 0)
	var lines []string
	for i := range m.events[:old] {
		lines = append(lines, m.st.eventLine(&m.events[i]))
	}
	m.events = m.events[old:]
	return lines
}

// printAbove prints lines above the view, one at a time: what is inserted
// there at once must fit beside the view, or it is lost.
func printAbove(lines []string, width int) tea.Cmd {
	var cmds []tea.Cmd
	for _, l := range lines {
		for _, part := range wrap("", l, width) {
			cmds = append(cmds, tea.Println(cut(part, width)))
		}
	}
	return tea.Sequence(cmds...)
}
