package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// recording is a run that test/demo recorded.
const recording = "docs/examples/canary/"

// rows of the terminal that the live view is drawn on.
const rows = 30

// canary is the live view of the recorded run, at the moment of its capture.
func canary(ctx context.Context) (string, error) {
	snap, err := archive.Read(ctx, recording+"cluster.json", nil, snapshot.Scope{})
	if err != nil {
		return "", err
	}
	stored, err := os.ReadFile(recording + "run.json")
	if err != nil {
		return "", err
	}
	run, err := rollout.DecodeRun(stored)
	if err != nil {
		return "", err
	}
	events, err := journal(recording + "journal.ndjson")
	if err != nil {
		return "", err
	}
	now := snap.Source.TakenAt
	view := rollout.NewView(snap, run.Namespace, run.Name)
	seen := rollout.Outside(run.Policy, run, view, now)
	o := present.LiveOptions{
		StreamOptions: present.StreamOptions{
			Context: snap.Source.Context, Namespace: run.Namespace, Name: run.Name, Revisions: []rollout.Revision{run.From, run.Target},
		},
		Color: true, Started: run.Started.Time, Now: func() time.Time { return now }, Width: columns, Height: rows,
	}
	return present.LiveFrame(o, events, rollout.StatusOf(run.Policy, run, view, seen, now), rollout.Decide(run.Policy, run, view, seen, now)), nil
}

// journal reads the events that --journal wrote.
func journal(path string) ([]rollout.Event, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []rollout.Event
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var ev rollout.Event
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		ev.Took = time.Duration(ev.Seconds * float64(time.Second))
		out = append(out, ev)
	}
	return out, nil
}
