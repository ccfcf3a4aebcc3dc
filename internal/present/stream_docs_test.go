package present

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"
)

// streamDocs is the section about the stream in docs/rollout.md.
func streamDocs(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/rollout.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(raw), "## What happens, for programs\n")
	if !found {
		t.Fatal("docs/rollout.md has no section about the stream")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

var (
	quoted    = regexp.MustCompile("`([^`]+)`")
	eventName = regexp.MustCompile(`EventType = "([A-Za-z]+)"`)
)

// rowsOf are the rows of the table whose head begins so: the words in code of
// the first cell, and those of the last.
func rowsOf(section, head string) map[string][]string {
	out := map[string][]string{}
	_, table, _ := strings.Cut(section, "\n| "+head+" |")
	for i, line := range strings.Split(table, "\n") {
		if i < 2 {
			continue // the rest of the head, and the line under it
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) < 2 {
			break
		}
		var last []string
		for _, m := range quoted.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			last = append(last, m[1])
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
			out[m[1]] = last
		}
	}
	return out
}

// jsonNames are the fields of a struct as JSON has them.
func jsonNames(of reflect.Type) []string {
	var out []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			out = append(out, jsonNames(f.Type)...)
		case name != "-":
			out = append(out, name)
		}
	}
	return out
}

// The lines in the document are those that the program prints, and its tables
// have every type and every field.
func TestTheStreamIsDocumented(t *testing.T) {
	section := streamDocs(t)
	shown := string(golden.Get(t, "stream-ndjson.golden"))
	if !strings.Contains(section, "```json\n"+shown+"```\n") {
		t.Errorf("docs/rollout.md shows other lines than the program prints:\n%s", shown)
	}
	fields, events := rowsOf(section, "field"), rowsOf(section, "`type`")
	for _, name := range jsonNames(reflect.TypeFor[RolloutEvent]()) {
		if _, ok := fields[name]; !ok {
			t.Errorf("the field %s is not documented", name)
		}
		delete(fields, name)
	}
	for name := range fields {
		t.Errorf("%s is documented, and is no field", name)
	}
	for _, file := range []string{"events.go", "evicted.go"} {
		raw, err := os.ReadFile("../../pkg/rollout/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range eventName.FindAllStringSubmatch(string(raw), -1) {
			if _, ok := events[m[1]]; !ok {
				t.Errorf("the event %s is not documented", m[1])
			}
		}
	}
	always := []string{"apiVersion", "kind", "context", "daemonSet", "type", "at", "run"}
	for line := range strings.Lines(shown) {
		var has map[string]any
		if err := json.Unmarshal([]byte(line), &has); err != nil {
			t.Fatal(err)
		}
		kind, _ := has["type"].(string)
		for name := range has {
			if !slices.Contains(always, name) && !slices.Contains(events[kind], name) {
				t.Errorf("%s has the field %s, and its row has not", kind, name)
			}
		}
	}
}
