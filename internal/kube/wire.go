package kube

import (
	"bytes"
	"errors"
	"fmt"
	"mime"

	"google.golang.org/protobuf/encoding/protowire"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kubectl-ds/kubectl-ds/internal/quantity"
	"github.com/kubectl-ds/kubectl-ds/internal/wire"
)

// magic starts every protobuf answer of a Kubernetes API
// (runtime/serializer/protobuf, v0.37.2).
var magic = []byte{'k', '8', 's', 0}

// answer is a body taken out of its envelope, not decoded yet. raw is a part
// of the body and not a copy.
type answer struct {
	kind string
	raw  []byte
	json bool
}

// page is one page of a list with its items still encoded.
type page struct {
	items [][]byte
	json  bool
	next  string // continue token; empty on the last page
}

// openAnswer finds the object in a body. A Status that says failure is
// returned as its error; any kind but the one wanted is an error.
func openAnswer(body []byte, contentType, kind string) (answer, error) {
	a, err := openBody(body, contentType)
	if err != nil {
		return answer{}, badAnswer(contentType, body, err)
	}
	if a.kind == "Status" {
		return answer{}, statusError(a)
	}
	if a.kind != kind {
		return answer{}, badAnswer(contentType, body, fmt.Errorf("kind %q where %s was asked for", a.kind, kind))
	}
	return a, nil
}

func openBody(body []byte, contentType string) (answer, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return answer{}, errors.New("malformed content type")
	}
	switch {
	case media == runtime.ContentTypeProtobuf, media == "" && bytes.HasPrefix(body, magic):
		return openProto(body)
	case media == runtime.ContentTypeJSON, media == "" && bytes.HasPrefix(body, []byte("{")):
		return openJSON(body)
	}
	return answer{}, errors.New("neither protobuf nor JSON")
}

// openProto reads runtime.Unknown, the envelope of protobuf answers, without
// the copy of the content that its own Unmarshal makes.
func openProto(body []byte) (answer, error) {
	rest, ok := bytes.CutPrefix(body, magic)
	if !ok {
		return answer{}, errors.New("protobuf without its magic number")
	}
	var a answer
	err := wire.EachField(rest, func(n protowire.Number, v []byte) error {
		switch n {
		case 1: // typeMeta
			return wire.EachField(v, func(n protowire.Number, v []byte) error {
				if n == 2 {
					a.kind = string(v)
				}
				return nil
			})
		case 2:
			a.raw = v
		case 3:
			if len(v) > 0 {
				return fmt.Errorf("content encoding %q", v)
			}
		default: // contentType, which the header said, and what is newer
		}
		return nil
	})
	if err == nil && a.raw == nil {
		// Cut off here, it would pass for an empty list.
		err = errors.New("protobuf without content")
	}
	return a, err
}

func openJSON(body []byte) (answer, error) {
	var meta struct {
		Kind string `json:"kind"`
	}
	if err := utiljson.Unmarshal(body, &meta); err != nil {
		return answer{}, err
	}
	return answer{kind: meta.Kind, raw: body, json: true}, nil
}

// splitList separates the items of a list without decoding them, so that the
// next page can be asked for while they are.
func splitList(a answer) (page, error) {
	if a.json {
		var list struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []jsonItem `json:"items"`
		}
		if err := utiljson.Unmarshal(a.raw, &list); err != nil {
			return page{}, err
		}
		p := page{json: true, next: list.Metadata.Continue, items: make([][]byte, len(list.Items))}
		for i, item := range list.Items {
			p.items[i] = item
		}
		return p, nil
	}
	var p page
	err := wire.EachField(a.raw, func(n protowire.Number, v []byte) error {
		switch n {
		case 1: // ListMeta
			return wire.EachField(v, func(n protowire.Number, v []byte) error {
				if n == 3 {
					p.next = string(v)
				}
				return nil
			})
		case 2:
			p.items = append(p.items, v)
		default: // what is newer than this reader
		}
		return nil
	})
	return p, err
}

// jsonItem keeps the bytes of an item.
type jsonItem []byte

// UnmarshalJSON implements json.Unmarshaler.
func (j *jsonItem) UnmarshalJSON(b []byte) error {
	*j = bytes.Clone(b)
	return nil
}

func statusError(a answer) error {
	var s metav1.Status
	if err := decodeInto(a.raw, a.json, &s); err != nil {
		return badAnswer("", a.raw, err)
	}
	if s.Status == metav1.StatusSuccess {
		return badAnswer("", nil, errors.New("a Status where an object was asked for"))
	}
	return apierrors.FromObject(&s)
}

// unmarshaler is what every type of k8s.io/api is.
type unmarshaler interface{ Unmarshal([]byte) error }

func decodeInto(raw []byte, json bool, into unmarshaler) error {
	if json {
		if err := quantity.CheckJSON(raw); err != nil {
			return err
		}
		return utiljson.Unmarshal(raw, into)
	}
	if err := quantity.CheckProto(raw, into); err != nil {
		return err
	}
	return into.Unmarshal(raw)
}
