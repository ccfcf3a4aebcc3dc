package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// watched is what watches have said by now.
type watched interface {
	Snapshot(now time.Time) *snapshot.Snapshot
	Lease() (*kube.Lease, error)
}

// statusWatch follows an update that somebody else drives, or nobody.
type statusWatch struct {
	app    *app
	at     *connection
	live   watched
	again  func() (*reading, error) // all of it as it is now
	to     drive.Watcher
	view   present.Options
	asJSON bool

	run    *rollout.Run // that is followed; nil for none
	obs    *rollout.Observed
	status *rollout.Status
	native string // what was said of a native update last
	heard  heard
	gone   time.Time // when it was first read that the run is gone
	cut    time.Time // when reading it anew failed first; zero where it did not
}

// watchStatus returns when the update is done or rests, and after timeout.
func (a *app) watchStatus(ctx context.Context, r *reading, timeout time.Duration, asJSON bool, view present.Options) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, cli.Exit(cli.TimedOut, fmt.Errorf("not done after %s", timeout)))
		defer cancel()
	}
	live, err := r.at.reader.Watch(ctx, r.at.writer, r.view.DaemonSet, r.snap.Source)
	if err != nil {
		return r.at.explain(err)
	}
	if err := live.Sync(ctx); err != nil {
		return r.at.explain(err)
	}
	w := a.statusWatch(r, live, view, asJSON)
	w.again = func() (*reading, error) { return a.read(ctx, r.at.name, "") }
	for {
		done, err := w.look()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			var exit *cli.ExitError
			if cause := context.Cause(ctx); errors.As(cause, &exit) {
				return exit
			}
			return ctx.Err()
		case <-live.Changed():
		case <-time.After(time.Second):
		}
	}
}

// statusWatch begins with what was read: a run that was there then is followed,
// even where the watches do not show it any more.
func (a *app) statusWatch(r *reading, live watched, view present.Options, asJSON bool) *statusWatch {
	w := &statusWatch{app: a, at: r.at, live: live, view: view, asJSON: asJSON, run: r.run}
	opts := present.StreamOptions{
		Context: r.at.Context, Namespace: r.at.Namespace, Name: r.at.name, CommandFlags: a.kube.CommandFlags(),
	}
	if r.run != nil {
		opts.Revisions = []rollout.Revision{r.run.From, r.run.Target}
	}
	w.to = present.NewLines(a.streams.Out, opts)
	if view.Quiet {
		w.to = lastWords{w.to}
	}
	if asJSON {
		w.to = present.NewNDJSON(a.streams.Out, opts)
	}
	return w
}

// lastWords passes on how a run ended or rests, and nothing before it.
type lastWords struct{ drive.Watcher }

// Event implements drive.Watcher.
func (l lastWords) Event(e rollout.Event) {
	switch e.Type {
	case rollout.EventPaused, rollout.EventStopped, rollout.EventDone, rollout.EventUndone, rollout.EventAborted:
		l.Watcher.Event(e)
	default:
	}
}

// Look implements drive.Watcher: there is no heartbeat.
func (l lastWords) Look(*rollout.Status, rollout.Decision) {}

// look reports whether there is nothing more to wait for.
func (w *statusWatch) look() (done bool, err error) {
	now := w.app.clock()
	v := rollout.NewView(w.live.Snapshot(now), w.at.Namespace, w.at.name)
	if v.DaemonSet == nil && v.Unread == "" {
		return false, cli.Exit(cli.Failed, fmt.Errorf("daemonset %s/%s was deleted", w.at.Namespace, w.at.name))
	}
	lease, err := w.live.Lease()
	if err != nil {
		return false, w.at.runError(err)
	}
	if lease == nil {
		return w.without(v, now)
	}
	run, err := rollout.DecodeRun(lease.Run)
	if err != nil {
		return false, w.at.runError(err)
	}
	return w.driven(v, lease, run, now)
}

func (w *statusWatch) driven(v *rollout.View, lease *kube.Lease, run *rollout.Run, now time.Time) (bool, error) {
	if w.obs == nil || w.run.ID != run.ID {
		w.obs, w.status = rollout.Outside(run.Policy, run, v, now), nil
		w.obs.Zones = zonesKnown(run.Policy)
	}
	w.obs = rollout.Observe(w.obs, run.Policy, run, v, now)
	was := w.status
	w.run, w.status = run, rollout.StatusOf(run.Policy, run, v, w.obs, now)
	for _, e := range rollout.Events(was, w.status) {
		w.to.Event(e)
	}
	w.to.Look(w.status, w.silence(v, lease, now))
	if run.Phase == rollout.Ended {
		return w.ended()
	}
	if lease.Holder != "" || run.Phase != rollout.Paused && run.Phase != rollout.Stopped && w.status.Waits == nil {
		return false, nil
	}
	code := cli.Paused
	if run.Phase == rollout.Stopped {
		code = cli.Failed
	}
	if l, ok := w.to.(*present.Lines); ok && run.Phase != rollout.Stopped {
		code := rollout.WaitWindow
		if run.Because != nil {
			code = run.Because.Code
		}
		l.GoOn(code)
	}
	return false, cli.Exit(code, nil)
}

// ended is how a run has come to its end, with the exit code of its driver.
func (w *statusWatch) ended() (bool, error) {
	code := cli.Failed
	if d := rollout.Over(w.run); d.Done != nil {
		code = d.Done.Exit
	}
	if code != cli.OK {
		return false, cli.Exit(code, nil)
	}
	return true, nil
}

// without is what there is to see where the watches show no run: a native
// update, or how things stand after the run that was followed.
func (w *statusWatch) without(v *rollout.View, now time.Time) (bool, error) {
	if w.run != nil {
		return w.missed()
	}
	n := rollout.NativeOf(v, w.app.kube.CommandFlags(), now)
	if n == nil {
		return false, nil
	}
	words := nativeWords(n, w.at.Context)
	if words != w.native && (!w.view.Quiet || n.State == rollout.NativeDone) {
		w.native = words
		if err := w.sayNative(v, n, words); err != nil {
			return false, err
		}
	}
	return n.State == rollout.NativeDone, nil
}

// missed ends where a run is gone whose end was not seen: its driver deletes
// the Lease right after its last words, and anybody may delete it before them.
// What is true now is read anew, since watches of several objects do not show
// one moment.
func (w *statusWatch) missed() (bool, error) {
	r, err := w.again()
	if err != nil {
		now := w.app.clock()
		if w.cut.IsZero() {
			w.cut = now
		}
		if now.Sub(w.cut) < settles { // a server that is restarted is back by then
			return false, nil
		}
		return false, err
	}
	w.cut = time.Time{}
	if r.run != nil { // the watch will show a run that is there
		return false, nil
	}
	if w.gone.IsZero() {
		w.gone = r.now
	}
	n := rollout.NativeOf(r.view, w.app.kube.CommandFlags(), r.now)
	if n.State == rollout.NativeUnknown && r.now.Sub(w.gone) < settles {
		return false, nil
	}
	if err := w.sayNative(r.view, n, nativeWords(n, w.at.Context)); err != nil {
		return false, err
	}
	code, words := toEnd(w.run)
	switch {
	case n.Armed == w.run.ID:
		return false, cli.Exit(cli.Failed, fmt.Errorf("the Lease of run %s was deleted, and %s/%s is still armed by it; clean up: %s",
			w.run.ID, w.at.Namespace, w.at.name, w.at.command("recover")))
	case code != cli.OK:
		return false, cli.Exit(code, fmt.Errorf("run %s is gone, and when it was last seen it was to end as %s", w.run.ID, words))
	case n.State == rollout.NativeUnknown:
		return false, cli.Exit(cli.CannotTell, fmt.Errorf("run %s is gone, and how things stand cannot be told: %s", w.run.ID, present.Safe(n.Because)))
	case n.State != rollout.NativeDone:
		return false, cli.Exit(cli.Failed, fmt.Errorf("run %s is gone, how it ended was not seen, and not every node is up to date; look: %s", w.run.ID, w.at.command("status")))
	}
	return true, nil
}

// settles is how long the controller may take to see what a run has written
// last, and a server to answer: until then nothing tells how things stand.
const settles = 10 * time.Second

// toEnd is the exit code of the driver of a run that went on as it was last
// seen, and how it was to end; 0 where that was well, or was not known yet.
func toEnd(r *rollout.Run) (code int, words string) {
	end := *r
	if end.Outcome == "" && end.Undo != nil {
		end.Outcome = rollout.OutcomeUndone
	}
	if end.Outcome == "" {
		return cli.OK, ""
	}
	words = string(end.Outcome)
	if len(end.Left) > 0 {
		words += ", with something left: " + end.Left[0].String()
	}
	return rollout.Over(&end).Done.Exit, present.Safe(words)
}

// sayNative writes a line about a native update: words, or an object as status
// -o json prints it.
func (w *statusWatch) sayNative(v *rollout.View, n *rollout.Native, words string) error {
	if !w.asJSON {
		_, err := fmt.Fprintln(w.app.streams.Out, words)
		return err
	}
	ds := v.DaemonSet
	return json.NewEncoder(w.app.streams.Out).Encode(&statusObject{
		TypeMeta:   metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: "RolloutStatus"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ds.Namespace, Name: ds.Name, UID: ds.UID}, Native: n,
	})
}

// nativeWords are one line about a native update, with where it is.
func nativeWords(n *rollout.Native, context string) string {
	updated := 0
	for _, c := range n.Counts {
		if c.Hash == n.Current.Hash {
			updated = c.Available
		}
	}
	out := fmt.Sprintf("%s/%s on %s: native %s, %s: %d of %d nodes run revision %d and are available",
		n.Namespace, n.Name, cmp.Or(context, "cluster"), n.Strategy, n.State, updated, n.Desired, n.Current.Number)
	for i, p := range n.Places {
		if i == 3 {
			out += fmt.Sprintf(", +%d", len(n.Places)-i)
			break
		}
		sep := ", "
		if i == 0 {
			sep = "; places are taken by "
		}
		out += sep + p.Node + " (" + string(p.Reason) + ")"
	}
	return present.Safe(out)
}
