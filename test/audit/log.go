package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Log is an audit log that is read as it grows, so that many tests can judge
// by one log without each reading it from the start.
type Log struct {
	path string

	mu       sync.Mutex
	offset   int64
	entries  []entry
	requests []Request
}

// Open names an audit log; Read reads it.
func Open(path string) *Log { return &Log{path: path} }

// Read takes in what was appended. A line that is being written is left for
// the next time.
func (l *Log) Read() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(l.offset, io.SeekStart); err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	return l.take(f)
}

// Parse reads lines from elsewhere into the log.
func (l *Log) Parse(r io.Reader) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(r)
}

func (l *Log) take(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the audit log: %w", err)
		}
		l.offset += int64(len(text))
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		got, err := parse(text)
		if err != nil {
			return err
		}
		l.entries = append(l.entries, got...)
		ask, err := sent(text)
		if err != nil {
			return err
		}
		if ask != nil {
			l.requests = append(l.requests, *ask)
		}
	}
}
