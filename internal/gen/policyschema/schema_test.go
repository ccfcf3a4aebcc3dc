package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

var root = filepath.Join("..", "..", "..")

func made(t *testing.T) []byte {
	t.Helper()
	b, err := schema(filepath.Join(root, "pkg", "rollout", "policy.go"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheSchemaInDocsIsTheNewest(t *testing.T) {
	have, err := os.ReadFile(filepath.Join(root, "docs", "rollout-policy.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != string(made(t)) {
		t.Error("docs/rollout-policy.schema.json is not what the types say: run make generate")
	}
}

// Every field of the types is in the schema, with a type or a choice, and the
// schema has no other.
func TestTheSchemaHasEachField(t *testing.T) {
	var top node
	if err := json.Unmarshal(made(t), &top); err != nil {
		t.Fatal(err)
	}
	same(t, "policy", reflect.TypeFor[rollout.Policy](), &top)
}

func same(t *testing.T, at string, typ reflect.Type, n *node) {
	t.Helper()
	want := map[string]reflect.Type{}
	flat(typ, want)
	for name := range n.Properties {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: the schema has %s, and the type has not", at, name)
		}
	}
	for name, field := range want {
		p := n.Properties[name]
		if p == nil || p.Type == nil && p.Const == "" && len(p.OneOf) == 0 {
			t.Errorf("%s: the schema lacks %s", at, name)
			continue
		}
		for field.Kind() == reflect.Pointer || field.Kind() == reflect.Slice {
			if field = field.Elem(); p.Items != nil {
				p = p.Items
			}
		}
		if field.Kind() == reflect.Struct && strings.HasSuffix(field.PkgPath(), "pkg/rollout") {
			same(t, at+"."+name, field, p)
		}
	}
}

func flat(typ reflect.Type, into map[string]reflect.Type) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			flat(f.Type, into)
			continue
		}
		into[name] = f.Type
	}
}

func TestWordsAreThoseOfTheConstants(t *testing.T) {
	var top node
	if err := json.Unmarshal(made(t), &top); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string][]string{
		"onFailure":  {string(rollout.FailPause), string(rollout.FailHold), string(rollout.FailUndo), string(rollout.FailAbort)},
		"pauseAfter": {string(rollout.PauseNone), string(rollout.PauseWave), string(rollout.PauseCanary), string(rollout.PauseNode)},
	} {
		if got := top.Properties[field].Enum; !slices.Equal(got, want) {
			t.Errorf("%s: the schema allows %v, want %v", field, got, want)
		}
	}
	if top.Properties["soak"].Description == "" {
		t.Error("the comment of soak is lost")
	}
}
