package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// node is the part of JSON schema, draft 2020-12, that is used.
type node struct {
	Schema      string           `json:"$schema,omitempty"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description,omitempty"`
	Type        any              `json:"type,omitempty"`
	Const       string           `json:"const,omitempty"`
	Enum        []string         `json:"enum,omitempty"`
	Format      string           `json:"format,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	Items       *node            `json:"items,omitempty"`
	Properties  map[string]*node `json:"properties,omitempty"`
	Required    []string         `json:"required,omitempty"`
	OneOf       []*node          `json:"oneOf,omitempty"`
	// Additional is false for every object: unknown fields are refused.
	Additional *bool `json:"additionalProperties,omitempty"`
}

// Forms of values that have a type of their own in Go.
const (
	amountPattern   = `^(100|[1-9][0-9]?)%$`
	durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`
)

func schema(path string) ([]byte, error) {
	src, err := readSource(path)
	if err != nil {
		return nil, err
	}
	top, err := src.object(reflect.TypeFor[rollout.Policy]())
	if err != nil {
		return nil, err
	}
	top.Schema, top.Title = "https://json-schema.org/draft/2020-12/schema", rollout.KindPolicy
	top.Properties["apiVersion"] = &node{Const: snapshot.APIVersion}
	top.Properties["kind"] = &node{Const: rollout.KindPolicy}
	top.Required = append([]string{"apiVersion", "kind"}, top.Required...)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(top); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func (s *source) object(t reflect.Type) (*node, error) {
	no := false
	n := &node{Type: "object", Description: s.types[t.Name()], Properties: map[string]*node{}, Additional: &no}
	if err := s.addFields(n, t); err != nil {
		return nil, err
	}
	if t == reflect.TypeFor[rollout.Gate]() {
		for i := range reflect.TypeFor[rollout.Probe]().NumField() {
			name, _ := jsonName(reflect.TypeFor[rollout.Probe]().Field(i))
			n.OneOf = append(n.OneOf, &node{Required: []string{name}})
		}
	}
	return n, nil
}

func (s *source) addFields(n *node, t reflect.Type) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, required := jsonName(f)
		if f.Anonymous && name == "" {
			if err := s.addFields(n, f.Type); err != nil {
				return err
			}
			continue
		}
		v, err := s.value(f.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		if c := s.fields[t.Name()][f.Name]; c != "" {
			v.Description = c
		}
		n.Properties[name] = v
		if required {
			n.Required = append(n.Required, name)
		}
	}
	return nil
}

// jsonName is a field's name in JSON, and whether it has to be there; empty
// for one whose fields stand in its place.
func jsonName(f reflect.StructField) (name string, required bool) {
	name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, !strings.Contains(opts, "omitempty")
}

func (s *source) value(t reflect.Type) (*node, error) {
	switch t {
	case reflect.TypeFor[metav1.Duration]():
		return &node{Type: "string", Pattern: durationPattern}, nil
	case reflect.TypeFor[metav1.Time]():
		return &node{Type: "string", Format: "date-time"}, nil
	case reflect.TypeFor[intstr.IntOrString]():
		return &node{OneOf: []*node{{Type: "integer"}, {Type: "string", Pattern: amountPattern}}}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(t.Elem())
	case reflect.Struct:
		return s.object(t)
	case reflect.Slice:
		items, err := s.value(t.Elem())
		return &node{Type: "array", Items: items}, err
	case reflect.String:
		return &node{Type: "string", Enum: s.words[t.Name()], Description: s.types[t.Name()]}, nil
	case reflect.Bool:
		return &node{Type: "boolean"}, nil
	case reflect.Int32:
		return &node{Type: "integer"}, nil
	default:
		return nil, fmt.Errorf("no schema is known for %s", t)
	}
}
