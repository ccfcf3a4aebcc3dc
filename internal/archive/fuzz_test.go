package archive

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// FuzzRead: whatever the input, there is a snapshot or an error and never
// both; a snapshot can be written and read again, and stays what it is.
func FuzzRead(f *testing.F) {
	defer func(item, yaml, pending int64) { maxItem, maxYAML, maxPending = item, yaml, pending }(maxItem, maxYAML, maxPending)
	maxItem, maxYAML, maxPending = 1<<20, 1<<18, 1<<20
	f.Add([]byte(list("List", everything...)))
	for _, o := range everything {
		f.Add([]byte(o))
	}
	f.Add([]byte(gz(list("PodList", bare(podX)))))
	f.Add([]byte("\ufeffkind: Node\napiVersion: v1\nmetadata: {name: a}\n---\nkind: List\nitems: []\n...\n%YAML 1.1\n---\n- a\n"))
	f.Add([]byte(`{"items":[{"metadata":{"name":"a"}}],"kind":"NodeList"}`))
	f.Add([]byte(`{"apiVersion":"kubectl-ds.github.io/v1alpha1","kind":"Capture","source":{"takenAt":"2026-01-01T00:00:00Z"},"read":["nodes"],"allPods":true,"fullNodes":["a"]}`))
	f.Add([]byte(`{"kind":"List","items":[{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"x"}}]}]}`))
	f.Add([]byte(`[{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"x","annotations":{"a":"b"}},"spec":null}]`))
	f.Add([]byte("apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: \"p\"\nkind: List\n"))
	f.Add([]byte(billion()))
	f.Add([]byte("<html>"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Read(context.Background(), Stdin, bytes.NewReader(in), snapshot.Scope{})
		inPieces(t, in, s, err)
		if (s == nil) == (err == nil) {
			t.Fatalf("snapshot %v and error %v", s, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		var first, second bytes.Buffer
		if err := Write(&first, s, Options{}); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Read(context.Background(), Stdin, bytes.NewReader(first.Bytes()), snapshot.Scope{})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first.Bytes())
		}
		if err := Write(&second, again, Options{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("writing is not stable:\n%s\n%s", first.Bytes(), second.Bytes())
		}
	})
}

// inPieces: a YAML list that is read in pieces gives what it gives whole, or
// an error.
func inPieces(t *testing.T, in []byte, whole *snapshot.Snapshot, wholeErr error) {
	t.Helper()
	defer func(n int64) { maxWhole = n }(maxWhole)
	maxWhole = 16
	s, err := Read(context.Background(), Stdin, bytes.NewReader(in), snapshot.Scope{})
	if err != nil {
		return
	}
	if wholeErr != nil {
		t.Fatalf("read in pieces there is no error, whole there is: %v", wholeErr)
	}
	if diff := cmp.Diff(whole, s, cmpopts.EquateNaNs()); diff != "" {
		t.Fatalf("read in pieces it is something else (-whole +pieces):\n%s", diff)
	}
}
