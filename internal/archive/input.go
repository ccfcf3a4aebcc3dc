package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// meter counts what is read, stops when the context is done, and refuses to
// read past a limit that moves along with the values of a document.
type meter struct {
	ctx   context.Context
	r     io.Reader
	n     int64
	limit int64 // 0 for none
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	if m.limit > 0 {
		if m.n >= m.limit {
			return 0, errTooLarge
		}
		if room := m.limit - m.n; int64(len(p)) > room {
			p = p[:room]
		}
	}
	// The decoder looks through its buffer again after every read, so that
	// many short reads of one long value would take quadratic time.
	n, err := io.ReadFull(m.r, p)
	m.n += int64(n)
	if err == io.ErrUnexpectedEOF && n > 0 {
		err = nil // or a real one: the next read tells
	}
	return n, err
}

// interruptible lets a read that may block for ever, as one of a terminal or
// pipe may, end with the context. The goroutine behind it ends with the read
// that it is in; nothing can end that one.
func interruptible(ctx context.Context, r io.Reader) (_ io.Reader, stop func()) {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(pw, struct{ io.Reader }{r}, make([]byte, 256<<10))
		pw.CloseWithError(err)
	}()
	unhook := context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	return pr, func() {
		unhook()
		pr.CloseWithError(io.ErrClosedPipe)
	}
}

// unpacked is gzip's output, with an eye on how much comes out of how little.
type unpacked struct {
	zr  *gzip.Reader
	in  *meter
	out int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.zr.Read(p)
	u.out += int64(n)
	if u.out > maxSparse && u.out/maxRatio > u.in.n {
		return 0, fmt.Errorf("gzip expands %d bytes to more than %s, which no capture does; unpack it yourself if you trust it", u.in.n, size(u.out))
	}
	switch {
	case err == nil, errors.Is(err, io.EOF), u.in.ctx.Err() != nil:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("the capture is truncated: its gzip data ends at byte %d; take it again", u.in.n)
	}
	return n, fmt.Errorf("damaged gzip data near byte %d: %w; take the capture again", u.in.n, err)
}

// format is what a capture is written in.
type format int

const (
	formatEmpty format = iota
	formatJSON
	formatYAML
)

// input is a capture from its first significant byte on.
type input struct {
	r       *bufio.Reader
	format  format
	skipped int64 // bytes before r: byte order mark and white space
}

// sniff unpacks r and finds out what it holds.
func sniff(ctx context.Context, r io.Reader) (*input, error) {
	m := &meter{ctx: ctx, r: r}
	br := bufio.NewReaderSize(m, 64<<10)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, (&unpacked{in: m}).header(err)
		}
		br = bufio.NewReaderSize(&meter{ctx: ctx, r: &unpacked{zr: zr, in: m}}, 64<<10)
	}
	in := &input{r: br}
	if bom, _ := br.Peek(3); bytes.Equal(bom, []byte{0xef, 0xbb, 0xbf}) {
		_, _ = br.Discard(3)
		in.skipped = 3
	} else if len(bom) >= 2 && (bom[0] == 0xff && bom[1] == 0xfe || bom[0] == 0xfe && bom[1] == 0xff) {
		return nil, errors.New("the capture is UTF-16 text, as Windows PowerShell writes it; save it as UTF-8: kubectl ... | Out-File -Encoding utf8 FILE")
	}
	return in, in.detect()
}

// header explains what is wrong with the first bytes of gzip data.
func (u *unpacked) header(err error) error {
	if u.in.ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("damaged gzip data: %w; take the capture again", err)
}

// detect skips white space and finds out the format of what follows.
func (in *input) detect() error {
	indented, err := in.skipBlank()
	if errors.Is(err, io.EOF) {
		return nil // formatEmpty
	}
	if err != nil {
		return err
	}
	head, err := in.r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	in.format, err = formatOf(head, indented)
	return err
}

// skipBlank skips white space, and reports whether the first line with anything
// else is indented. The error is io.EOF where nothing else comes.
func (in *input) skipBlank() (indented bool, err error) {
	begin := in.skipped // of the line
	for {
		b, err := in.r.ReadByte()
		if err != nil {
			return false, err
		}
		if b == '\n' {
			begin = in.skipped + 1
		}
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			_ = in.r.UnreadByte()
			return in.skipped > begin, nil
		}
		in.skipped++
		if in.skipped > maxItem {
			return false, remedy("the input begins with more than %s of white space", size(maxItem))
		}
	}
}

// formatOf tells the format by the first bytes, of which there is at least one.
func formatOf(head []byte, indented bool) (format, error) {
	switch {
	case head[0] == '{' || head[0] == '[':
		return formatJSON, nil
	case head[0] == '<':
		return formatEmpty, remedy("the input is HTML or XML, as a login page or proxy answers, and no capture")
	case bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(head[:whole(head)]):
		return formatEmpty, remedy("the input is binary data and no capture")
	case indented:
		// Indentation is part of a YAML document; kubectl writes none.
		return formatEmpty, remedy("the input begins with an indented line, which is no capture")
	default:
		return formatYAML, nil
	}
}

// whole is the length of b without a character that its end cuts.
func whole(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}
