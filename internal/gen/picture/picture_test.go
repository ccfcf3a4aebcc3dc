package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPicturesShowWhatThePluginsShow holds docs/pictures.
func TestPicturesShowWhatThePluginsShow(t *testing.T) {
	t.Chdir("../../..")
	var drawn []string
	for _, s := range scenes() {
		want, err := s.draw(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", s.file, err)
		}
		path := filepath.Join(folder, s.file)
		drawn = append(drawn, path)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v; run make generate", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what is shown today; run make generate, and look at it. It would be:\n%s", path, want)
		}
	}
	slices.Sort(drawn)
	if there, err := filepath.Glob(folder + "/*"); err != nil || !slices.Equal(there, drawn) {
		t.Errorf("%s holds %v, and %v are drawn (%v)", folder, there, drawn, err)
	}
}

// TestPicturesLoadNothing allows only what draws: no script, no link, no font
// or image from elsewhere, and little of it.
func TestPicturesLoadNothing(t *testing.T) {
	t.Chdir("../../..")
	for _, s := range scenes() {
		raw, err := s.draw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 40<<10 {
			t.Errorf("%s has %d bytes", s.file, len(raw))
		}
		if n := bytes.Count(raw, []byte("://")); n != 1+strings.Count(textOf(t, raw), "://") { // the namespace of SVG
			t.Errorf("%s: %d addresses", s.file, n)
		}
		for dec := xml.NewDecoder(bytes.NewReader(raw)); ; {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", s.file, err)
			}
			e, ok := tok.(xml.StartElement)
			if !ok {
				continue
			}
			if !slices.Contains([]string{"svg", "title", "desc", "style", "rect", "path", "text"}, e.Name.Local) {
				t.Errorf("%s has an element %s", s.file, e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.Contains(a.Name.Local, "href") || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s has an attribute %s", s.file, a.Name.Local)
				}
			}
		}
	}
}

// textOf is all that is written on a picture.
func textOf(t *testing.T, raw []byte) string {
	t.Helper()
	var doc struct {
		Title string   `xml:"title"`
		Desc  string   `xml:"desc"`
		Texts []string `xml:"text"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Title == "" || doc.Desc == "" || len(doc.Texts) < 10 {
		t.Errorf("title %q, description %q, %d texts", doc.Title, doc.Desc, len(doc.Texts))
	}
	return strings.Join(doc.Texts, "\n")
}

// TestTheLivePictureIsTheRecordedRun looks for what the recording holds.
func TestTheLivePictureIsTheRecordedRun(t *testing.T) {
	t.Chdir("../../..")
	text, err := canary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"RUNNING", "1 canary", "soak: available", "new pod: not available yet", "PodReady", "p pause"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

var image = regexp.MustCompile(`!\[([^\]]*)\]\(([^)]*\.svg)\)`)

// TestEveryPictureIsShown demands words for whoever does not see it.
func TestEveryPictureIsShown(t *testing.T) {
	t.Chdir("../../..")
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, file := range append(files, "README.md") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range image.FindAllStringSubmatch(string(raw), -1) {
			if len(m[1]) < 40 {
				t.Errorf("%s: %q does not say what %s shows", file, m[1], m[2])
			}
			shown[filepath.ToSlash(filepath.Join(filepath.Dir(file), m[2]))] = true
		}
	}
	for _, s := range scenes() {
		if path := folder + "/" + s.file; !shown[path] {
			t.Errorf("no document shows %s", path)
		}
	}
}
