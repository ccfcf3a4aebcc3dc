// Package wire reads the fields of protobuf messages where they lie, without
// decoding the message.
package wire

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// EachField calls f with every length-delimited field of a message, in order,
// until f returns an error; the other fields are skipped. value is a part of
// message and not a copy.
func EachField(message []byte, f func(number protowire.Number, value []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return malformed(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return malformed(n)
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return malformed(n)
		}
		message = message[n:]
		if err := f(number, value); err != nil {
			return err
		}
	}
	return nil
}

func malformed(n int) error { return fmt.Errorf("protobuf: %w", protowire.ParseError(n)) }
