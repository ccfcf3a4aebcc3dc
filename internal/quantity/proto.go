package quantity

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/wire"
)

// CheckProto is CheckJSON for the protobuf encoding of the type that into points
// to. It follows only the fields that lead to quantities, and skips all others
// unread.
func CheckProto(raw []byte, into any) error {
	return messageOf(reflect.TypeOf(into)).check(raw)
}

// message is what CheckProto needs of a type: by field number what is behind it.
// Numbers are few and small, so that a slice serves; nil leads to no quantity.
type message struct {
	fields []*message
	leaf   func(value []byte) error // set instead of fields where no message follows
}

var (
	// A quantity is a message whose field 1 is the text.
	quantityMessage = &message{fields: []*message{1: {leaf: checkText}}}
	// An extension's field 1 is JSON, as the template in a revision.
	rawMessage = &message{fields: []*message{1: {leaf: CheckJSON}}}
)

func checkText(v []byte) error {
	if len(v) < len("1e1000") {
		return nil // nearly all of them
	}
	return absurd(string(v), true)
}

// known holds the messages by type. They are made once: reflection is slow.
var known sync.Map

func messageOf(t reflect.Type) *message {
	if m, ok := known.Load(t); ok {
		return m.(*message)
	}
	m := build(t, map[reflect.Type]bool{})
	known.Store(t, m)
	return m
}

// build makes the message of a type; nil where no quantity is in it. A type that
// holds itself is followed once.
func build(t reflect.Type, within map[reflect.Type]bool) *message {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return build(t.Elem(), within)
	case reflect.Map: // an entry is a message of key and value
		if v := build(t.Elem(), within); v != nil {
			return &message{fields: []*message{2: v}}
		}
		return nil
	case reflect.Struct:
	default:
		return nil
	}
	switch {
	case t == reflect.TypeFor[resource.Quantity]():
		return quantityMessage
	case t == reflect.TypeFor[runtime.RawExtension]():
		return rawMessage
	case within[t]:
		return nil
	}
	within[t] = true
	defer delete(within, t)
	m := &message{}
	for i := range t.NumField() {
		f := t.Field(i)
		_, rest, _ := strings.Cut(f.Tag.Get("protobuf"), ",") // bytes,NUMBER,opt,name=...
		text, _, _ := strings.Cut(rest, ",")
		number, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		if sub := build(f.Type, within); sub != nil {
			for len(m.fields) <= number {
				m.fields = append(m.fields, nil)
			}
			m.fields[number] = sub
		}
	}
	if m.fields == nil {
		return nil
	}
	return m
}

func (m *message) check(b []byte) error {
	if m == nil {
		return nil
	}
	if m.leaf != nil {
		return m.leaf(b)
	}
	return wire.EachField(b, func(number protowire.Number, value []byte) error {
		if int(number) < len(m.fields) {
			return m.fields[number].check(value)
		}
		return nil
	})
}
