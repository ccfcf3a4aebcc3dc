package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxNested bounds lists inside lists: one is already more than kubectl makes.
const maxNested = 3

// stream reads JSON documents, one after another, from an input.
type stream struct {
	c     *collector
	m     *meter
	dec   *json.Decoder
	base  int64 // bytes of the input before the decoder's first
	depth int   // of lists inside lists
}

func newStream(c *collector, r io.Reader, base int64, depth int) *stream {
	m := &meter{ctx: c.ctx, r: r}
	return &stream{c: c, m: m, dec: json.NewDecoder(m), base: base, depth: depth}
}

// documents reads to the end of the input.
func (s *stream) documents() error {
	for {
		tok, err := s.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.between(err)
		}
		switch tok {
		case json.Delim('{'):
			err = s.object()
		case json.Delim('['):
			err = s.items(&document{})
		default:
			err = remedy("found the bare value %.40q and no Kubernetes object", fmt.Sprint(tok))
		}
		if err != nil {
			return err
		}
	}
}

// between explains an error outside of any document, where some tools put
// text.
func (s *stream) between(err error) error {
	if strings.Contains(err.Error(), "invalid character '='") {
		return remedy("text follows the JSON document that ends at byte %d, as `kubectl cluster-info dump` prints logs; give it --all-namespaces --output-directory DIR and pass that folder", s.at())
	}
	return s.explain(err, s.at())
}

// document is what is known of the document being read.
type document struct {
	apiVersion string
	kind       string
	rest       map[string]json.RawMessage // values beside items
	size       int64
	listed     bool // there were items
	pending    pending
}

// object reads one document whose opening brace has been read: a list item by
// item, anything else whole.
func (s *stream) object() error {
	d := &document{rest: map[string]json.RawMessage{}}
	if err := s.fields(d); err != nil {
		return err
	}
	if d.listed {
		return s.endList(d)
	}
	raw, err := json.Marshal(d.rest)
	if err != nil {
		return err
	}
	return s.c.item(raw, "", "", s.depth)
}

// fields reads the fields of an object up to its closing brace.
func (s *stream) fields(d *document) error {
	begin := s.at() - 1
	for {
		tok, err := s.token()
		if err != nil {
			return s.inside(err)
		}
		if tok == json.Delim('}') {
			return nil
		}
		key := tok.(string) // in key position the decoder gives nothing else
		if _, ok := d.rest[key]; ok || key == "items" && d.listed {
			return fmt.Errorf("the document that begins at byte %d has the key %.40q twice; take the capture again", begin, key)
		}
		if key == "items" && d.mayBeList() {
			err = s.itemsValue(d)
		} else {
			err = s.field(d, key)
		}
		if err != nil {
			return err
		}
	}
}

func (d *document) mayBeList() bool { return d.kind == "" || strings.HasSuffix(d.kind, "List") }

// field reads and keeps a value beside items.
func (s *stream) field(d *document, key string) error {
	var raw json.RawMessage
	begin := s.at()
	if err := s.decode(&raw); err != nil {
		return s.explain(err, begin)
	}
	d.rest[key] = raw
	if d.size += int64(len(raw) + len(key)); d.size > maxItem {
		return s.explain(errTooLarge, begin)
	}
	var into *string
	switch key {
	case "kind":
		into = &d.kind
	case "apiVersion":
		into = &d.apiVersion
	default:
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return remedy("the field %s at byte %d is %.40q and not a string", key, begin, raw)
	}
	return nil
}

// itemsValue reads the value of items, which may be null for an empty list.
func (s *stream) itemsValue(d *document) error {
	begin := s.at()
	tok, err := s.token()
	if err != nil {
		return s.inside(err)
	}
	switch tok {
	case nil:
		d.listed = true
		return nil
	case json.Delim('['):
		return s.items(d)
	}
	return remedy("the items at byte %d are not an array", begin)
}

// items reads an array of objects whose opening bracket has been read.
func (s *stream) items(d *document) error {
	d.listed = true
	var raw json.RawMessage
	for {
		more := s.more()
		begin := s.at()
		if !more {
			if _, err := s.token(); err != nil { // the closing bracket
				return s.inside(err)
			}
			break
		}
		if err := s.decode(&raw); err != nil {
			return s.explain(err, begin)
		}
		if err := s.listItem(d, raw); err != nil {
			return err
		}
	}
	if d.rest == nil { // a bare array: no kind follows
		return s.endList(d)
	}
	return nil
}

func (s *stream) listItem(d *document, raw []byte) error {
	if d.kind == "" {
		kind, _, err := kindOf(raw)
		if err == nil && kind == "" {
			// The list's own kind follows the items where a tool has sorted
			// the keys. Until then nobody knows what this is.
			return d.pending.add(raw)
		}
	}
	return s.c.item(raw, d.apiVersion, d.itemKind(), s.depth)
}

// itemKind is the kind of items that carry none, as in a PodList.
func (d *document) itemKind() string {
	kind, ok := strings.CutSuffix(d.kind, "List")
	if !ok {
		return ""
	}
	return kind
}

func (s *stream) endList(d *document) error {
	if len(d.pending.ends) > 0 && d.itemKind() == "" {
		return remedy("neither the items nor their list have a kind")
	}
	for raw := range d.pending.all() {
		// Nothing is read meanwhile, which is where this is asked otherwise.
		if err := s.c.ctx.Err(); err != nil {
			return err
		}
		if err := s.c.item(raw, d.apiVersion, d.itemKind(), s.depth); err != nil {
			return err
		}
	}
	s.c.list(d)
	return nil
}

// kindOf finds kind and apiVersion, which nearly always come first, without
// reading the whole object.
func kindOf(raw []byte) (kind, apiVersion string, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return "", "", fmt.Errorf("is %.40q and not an object", raw)
	}
	var haveKind, haveVersion bool
	for dec.More() && !(haveKind && haveVersion) {
		key, err := dec.Token()
		if err != nil {
			return "", "", err
		}
		var skip json.RawMessage
		var into any = &skip
		switch key {
		case "kind":
			into, haveKind = &kind, true
		case "apiVersion":
			into, haveVersion = &apiVersion, true
		}
		if err := dec.Decode(into); err != nil {
			return "", "", fmt.Errorf("field %v: %w", key, err)
		}
	}
	return kind, apiVersion, nil
}

// at is the position in the input.
func (s *stream) at() int64 { return s.base + s.dec.InputOffset() }

// The three calls of the decoder that may read: each may go one item further
// than the last and no more, since the decoder keeps what it reads until a
// value is whole.
func (s *stream) token() (json.Token, error) {
	s.m.limit = s.dec.InputOffset() + maxItem
	return s.dec.Token()
}

func (s *stream) decode(v any) error {
	s.m.limit = s.dec.InputOffset() + maxItem
	return s.dec.Decode(v)
}

func (s *stream) more() bool {
	s.m.limit = s.dec.InputOffset() + maxItem
	return s.dec.More()
}

// inside explains an error inside a document, where the end of the input is
// one.
func (s *stream) inside(err error) error { return s.explain(err, s.at()) }

func (s *stream) explain(err error, begin int64) error {
	return syntax(err, begin, s.base+s.m.n)
}
