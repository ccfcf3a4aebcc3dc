package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// A parsed YAML document takes 30 times its size, so that what `kubectl get -o
// yaml` prints of a large cluster would not fit into memory. It always has one
// form, though: the fields of the list at the margin, and each of its items
// from a dash at the margin to the next. Such items are parsed one by one. A
// cut in the wrong place, inside quotes that span lines, leaves a quote
// without its end, which the parser refuses: it cannot be mistaken for
// something else.

// longList is such a document while it is read.
type longList struct {
	s    *stream
	d    *document
	rest []byte // lines that are not of an item and not parsed yet
	item []byte
	in   bool // among the items
}

// longYAML reads a document of which the head was read already.
func (c *collector) longYAML(head []byte, split *splitter) error {
	if !longForm(head) {
		return c.wholeYAML(head, split)
	}
	l := &longList{s: newStream(c, bytes.NewReader(nil), 0, 0), d: &document{rest: map[string]json.RawMessage{}}}
	for text := range bytes.Lines(head) { // the rest of the last one may be to come
		if err := l.line(line{text, true}); err != nil {
			return err
		}
	}
	for {
		next, err := split.next()
		if err != nil {
			return err
		}
		if split.end {
			return l.finish()
		}
		if err := l.line(next); err != nil {
			return err
		}
	}
}

// longForm reports whether the head of a document is that of a list as kubectl
// prints it.
func longForm(head []byte) bool {
	head = bytes.ReplaceAll(head[:min(len(head), 64<<10)], []byte("\r\n"), []byte("\n"))
	return bytes.Contains(append([]byte("\n"), head...), []byte("\nitems:\n- "))
}

func (c *collector) wholeYAML(doc []byte, split *splitter) error {
	for {
		next, err := split.next()
		if err != nil {
			return err
		}
		if split.end {
			return c.yamlDocument(doc)
		}
		doc = append(doc, next.text...)
		if int64(len(doc)) > maxYAML {
			return fmt.Errorf("it is larger than %s, too large to be parsed; make the capture with -o json, which is read piece by piece: %s", size(maxYAML), Command)
		}
	}
}

func (l *longList) line(n line) error {
	if len(n.text) == 0 {
		return nil
	}
	margin := n.start && bytes.IndexByte([]byte(" \t\r\n#"), n.text[0]) < 0
	switch {
	case margin && !l.in && string(bytes.TrimSpace(n.text)) == "items:":
		if l.d.listed {
			return errors.New("the key items stands twice; take the capture again")
		}
		l.in, l.d.listed = true, true
		return l.fields()
	case margin && l.in && n.text[0] == '-':
		if err := l.flush(); err != nil {
			return err
		}
	case margin && l.in:
		l.in = false
		if err := l.flush(); err != nil {
			return err
		}
	}
	into := &l.rest
	if l.in {
		into = &l.item
	}
	*into = append(*into, n.text...)
	if int64(len(*into)) > maxItem {
		return fmt.Errorf("a part of it is larger than %s, which no Kubernetes object is; take the capture again", size(maxItem))
	}
	return nil
}

// flush takes in the item whose lines are complete.
func (l *longList) flush() error {
	if len(bytes.TrimSpace(l.item)) == 0 {
		return nil
	}
	raw, err := toJSON(l.item)
	if err != nil {
		return fmt.Errorf("item %d: %w", l.s.c.items+1, err)
	}
	l.item = l.item[:0]
	s := newStream(l.s.c, bytes.NewReader(raw), 0, 0)
	if tok, err := s.token(); err != nil || tok != json.Delim('[') {
		return remedy("item %d is not an element of a list", l.s.c.items+1)
	}
	return s.items(l.d)
}

// fields takes in the fields of the list that were read until now.
func (l *longList) fields() error {
	raw, err := toJSON(l.rest)
	if err != nil {
		return err
	}
	l.rest = l.rest[:0]
	if string(raw) == "null" {
		return nil
	}
	s := newStream(l.s.c, bytes.NewReader(raw), 0, 0)
	if tok, err := s.token(); err != nil || tok != json.Delim('{') {
		return remedy("found the text %.60q and no Kubernetes object", raw)
	}
	return s.fields(l.d)
}

func (l *longList) finish() error {
	if err := l.flush(); err != nil {
		return err
	}
	if err := l.fields(); err != nil {
		return err
	}
	return l.s.endList(l.d)
}
