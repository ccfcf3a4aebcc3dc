package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// message has a field of each kind, with a text before and after the others.
func message() []byte {
	b := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "first")
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), 300)
	b = protowire.AppendFixed32(protowire.AppendTag(b, 3, protowire.Fixed32Type), 7)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 4, protowire.Fixed64Type), 7)
	b = protowire.AppendTag(b, 5, protowire.StartGroupType)
	b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), "in the group")
	b = protowire.AppendTag(b, 5, protowire.EndGroupType)
	return protowire.AppendString(protowire.AppendTag(b, 6, protowire.BytesType), "")
}

func fields(b []byte) (string, error) {
	var out []string
	err := EachField(b, func(n protowire.Number, v []byte) error {
		out = append(out, fmt.Sprintf("%d=%s", n, v))
		return nil
	})
	return strings.Join(out, " "), err
}

func TestOnlyFieldsWithALengthAreSeen(t *testing.T) {
	if got, err := fields(message()); err != nil || got != "1=first 6=" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := fields(nil); err != nil || got != "" {
		t.Errorf("of nothing: %q, %v", got, err)
	}
}

func TestAMessageThatIsCutWithinAFieldIsAnError(t *testing.T) {
	b := message()
	whole := map[int]bool{}
	for rest := b; len(rest) > 0; {
		whole[len(b)-len(rest)] = true
		rest = rest[protowireField(rest):]
	}
	for n := range b {
		if _, err := fields(b[:n]); (err == nil) != whole[n] {
			t.Errorf("cut after %d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := fields([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")); err == nil {
		t.Error("a length beyond the end: no error")
	}
}

func protowireField(b []byte) int {
	_, _, n := protowire.ConsumeField(b)
	return n
}

func TestAnErrorEndsTheWalk(t *testing.T) {
	enough := errors.New("enough")
	calls := 0
	err := EachField(message(), func(protowire.Number, []byte) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
