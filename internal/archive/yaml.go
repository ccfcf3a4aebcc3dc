package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	yaml2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

// yamlDocuments reads the documents of a YAML stream.
func (c *collector) yamlDocuments(r *bufio.Reader) error {
	split := &splitter{r: r}
	for n := 1; ; n++ {
		err := c.nextYAML(split)
		if err == nil {
			err = c.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("YAML document %d: %w", n, err)
		}
		if split.eof {
			return nil
		}
	}
}

// nextYAML reads a document whole, which is the only way that the parser
// knows, or a long one in pieces if it is a list as kubectl prints it.
func (c *collector) nextYAML(split *splitter) error {
	split.end = false
	var doc []byte
	for int64(len(doc)) <= maxWhole {
		line, err := split.next()
		if err != nil {
			return err
		}
		if split.end {
			return c.yamlDocument(doc)
		}
		doc = append(doc, line.text...)
	}
	return c.longYAML(doc, split)
}

// splitter cuts a YAML stream into documents, and these into lines.
type splitter struct {
	r     *bufio.Reader
	carry []byte // what stood behind the dashes that ended the last document
	begun bool   // the document has more than white space
	cut   bool   // the last piece was not the end of a line
	end   bool   // of the document
	eof   bool   // of the stream
}

// line is a line, or a piece of one that is very long.
type line struct {
	text  []byte // valid until the next call
	start bool   // it begins a line
}

// next reads a line, or sets end where the document ends: at a line that
// begins with --- or ..., or with the stream.
func (s *splitter) next() (line, error) {
	if len(s.carry) > 0 {
		text := s.carry
		s.carry, s.begun = nil, true
		return line{text, true}, nil
	}
	text, err := s.r.ReadSlice('\n')
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		return line{}, err
	}
	start := !s.cut
	s.cut, s.eof = err != nil, err == io.EOF
	switch {
	case start && separates(text):
		s.carry = slices.Clone(text[3:])
		s.eof = s.eof && len(bytes.TrimSpace(s.carry)) == 0
		fallthrough
	case len(text) == 0: // only at the end of the stream
		s.end, s.begun = true, false
		return line{}, nil
	case start && text[0] == '%' && !s.begun:
		return line{}, nil // a directive; the parser wants the dashes after it, which are cut
	}
	s.begun = s.begun || len(bytes.TrimSpace(text)) > 0
	return line{text, start}, nil
}

func separates(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0
}

// oddBreak finds separators after line ends that only YAML knows: the parser
// would stop there and not say so.
var oddBreak = regexp.MustCompile(`(\r|\x{85}|\x{2028}|\x{2029})(---|\.\.\.)`)

func (c *collector) yamlDocument(doc []byte) error {
	raw, err := toJSON(doc)
	if err != nil {
		return err
	}
	if string(raw) == "null" {
		return nil // only comments
	}
	if raw[0] != '{' && raw[0] != '[' {
		return remedy("found the text %.60q and no Kubernetes object", raw)
	}
	return newStream(c, bytes.NewReader(raw), 0, 0).documents()
}

// toJSON converts a piece of YAML with all that is checked of it.
func toJSON(doc []byte) ([]byte, error) {
	if oddBreak.Match(doc) {
		return nil, remedy("the YAML has documents that are separated by unusual line ends")
	}
	if err := checkAliases(doc); err != nil {
		return nil, err
	}
	raw, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return nil, remedy("not valid YAML: %w", oneLine(err))
	}
	return bytes.TrimSpace(raw), nil
}

// aliasLike finds what may be a use of an anchor. It may be wrong about text
// in a block scalar, which costs a second parse and nothing else.
var aliasLike = regexp.MustCompile(`(?m)(^|[\s\[,{:-])\*[^\s*,\[\]{}]`)

// checkAliases refuses documents that grow without bound when their aliases
// are written out. The parser bounds the number of values, but a value may be
// a megabyte long.
func checkAliases(doc []byte) error {
	if bytes.IndexByte(doc, '&') < 0 || !aliasLike.Match(doc) {
		return nil
	}
	var v any
	if err := yaml2.Unmarshal(doc, &v); err != nil {
		return remedy("not valid YAML: %w", oneLine(err))
	}
	limit := 4*int64(len(doc)) + 1<<16
	if expanded(v, limit) > limit {
		return errors.New("the YAML grows out of bounds through its aliases; write them out")
	}
	return nil
}

// expanded is about how many bytes v takes as JSON; it stops counting when
// that is over the limit, so that shared parts cannot make it run for long.
func expanded(v any, limit int64) int64 {
	n := int64(1)
	switch v := v.(type) {
	case string:
		return n + int64(len(v))
	case []any:
		for _, e := range v {
			if n += expanded(e, limit-n); n > limit {
				return n
			}
		}
	case map[any]any:
		for k, e := range v {
			n += expanded(k, limit-n)
			if n += expanded(e, limit-n); n > limit {
				return n
			}
		}
	}
	return n
}

// oneLine flattens an error of the YAML parser, which lists one a line.
func oneLine(err error) error {
	return errors.New(string(regexp.MustCompile(`\s*\n\s*`).ReplaceAll([]byte(err.Error()), []byte("; "))))
}
