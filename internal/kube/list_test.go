package kube

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestAnExpiredListStartsAnew(t *testing.T) {
	s := apiserver.New(t, cluster(1001)...)
	s.Fault(apiserver.Fault{Path: nodesPath, Query: "continue=", Skip: 1, Times: 3, Status: http.StatusGone})
	r := newReader(t, s)
	snap := read(t, r, named("monitoring", "agent"))
	if len(snap.Nodes) != 1001 || len(snap.Incomplete) != 0 {
		t.Errorf("%d nodes, incomplete %v", len(snap.Nodes), snap.Incomplete)
	}
	// 1, 2, 3 gone; 1, 2 gone; 1, 2 gone; 1, 2, 3
	if n := s.Count("/nodes?"); n != 3+2+2+3 {
		t.Errorf("%d requests for nodes", n)
	}
}

func TestAListThatAlwaysExpiresIsInconsistent(t *testing.T) {
	s := apiserver.New(t, cluster(501)...)
	s.Fault(apiserver.Fault{Path: nodesPath, Query: "continue=", Status: http.StatusGone})
	snap := read(t, newReader(t, s), named("monitoring", "agent"))
	if len(snap.Nodes) != 0 || len(snap.Incomplete) != 1 || !strings.HasPrefix(snap.Incomplete[0].Error, "inconsistent: ") {
		t.Errorf("%d nodes, incomplete %v", len(snap.Nodes), snap.Incomplete)
	}
	if n := s.Count("/nodes?"); n != 2*(1+restarts) {
		t.Errorf("%d requests for nodes", n)
	}
}

func TestAServerThatIgnoresContinueEnds(t *testing.T) {
	page := func(token, items string) apiserver.Fault {
		return apiserver.Fault{Path: nodesPath, Times: 1, ContentType: "application/json",
			Body: `{"kind":"NodeList","metadata":{"continue":"` + token + `"},"items":[` + items + `]}`}
	}
	const item = `{"metadata":{"name":"a"}}`
	for second, items := range map[string]string{"one": "", "two": item} { // the same token again, or the same items under another
		s := apiserver.New(t, cluster(1)...)
		s.Fault(page("one", items))
		s.Fault(page(second, items))
		snap := read(t, newReader(t, s), named("monitoring", "agent"))
		if len(snap.Incomplete) != 1 || !strings.Contains(snap.Incomplete[0].Error, "ignores the parameter continue") || len(snap.Nodes) != 0 {
			t.Errorf("%s: %d nodes, incomplete %v", second, len(snap.Nodes), snap.Incomplete)
		}
		if n := s.Count("/nodes?"); n != 2 {
			t.Errorf("%s: %d requests", second, n)
		}
	}
}

func TestBrokenAnswersAreRecorded(t *testing.T) {
	huge := string(magic) + "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	for _, tc := range []struct {
		name  string
		fault apiserver.Fault
		want  string
	}{
		{"half a page", apiserver.Fault{Truncate: 300}, "unexpected EOF"},
		{"the connection breaks off in the body", apiserver.Fault{CutAt: 300}, ""},
		{"the connection breaks off", apiserver.Fault{}, ""},
		{"a page of a proxy", apiserver.Fault{ContentType: "text/html; charset=utf-8", Body: "<html>log in</html>"}, "text/html"},
		{"no content type that is known", apiserver.Fault{ContentType: "application/cbor", Body: "x"}, "neither protobuf nor JSON"},
		{"a content type that is none", apiserver.Fault{ContentType: ";;", Body: "{}"}, ""},
		{"wrong magic", apiserver.Fault{ContentType: protobufType, Body: "k8t\x00\x0a"}, "magic"},
		{"a length that overflows", apiserver.Fault{ContentType: protobufType, Body: huge}, "protobuf"},
		{"another kind", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"PodList","items":[]}`}, `kind "PodList" where NodeList`},
		{"a null", apiserver.Fault{ContentType: "application/json", Body: `null`}, `kind "" where NodeList`},
		{"deep nesting", apiserver.Fault{ContentType: "application/json", Body: strings.Repeat("[", 20000)}, "exceeded max depth"},
		{"success where a list was asked for", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"Status","status":"Success"}`}, "a Status"},
		{"failure with code 200", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"Status","status":"Failure","message":"no"}`}, "no"},
		{"an item that is none", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"NodeList","items":[7]}`}, "decode Node"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := apiserver.New(t, cluster(1)...)
			tc.fault.Path = nodesPath
			s.Fault(tc.fault)
			snap := read(t, newReader(t, s), Request{})
			if len(snap.Incomplete) != 1 || snap.Incomplete[0].Resource != "nodes" || snap.Nodes != nil {
				t.Fatalf("nodes %v, incomplete %v", snap.Nodes, snap.Incomplete)
			}
			if !strings.Contains(snap.Incomplete[0].Error, tc.want) {
				t.Errorf("error %q lacks %q", snap.Incomplete[0].Error, tc.want)
			}
		})
	}
}

func TestAnAnswerThatNeverEndsIsCut(t *testing.T) {
	body := &limitedBody{ReadCloser: http.NoBody, left: 3}
	if n, err := body.Read(make([]byte, 8)); n != 0 || err == nil || errors.Is(err, errTooLarge) {
		t.Errorf("an empty body: %d, %v", n, err)
	}
	s := apiserver.New(t, cluster(1)...)
	cfg := readConfig(s.Config())
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return limitBodies{next, 100} })
	r, err := NewReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context(), Request{}); !errors.Is(err, errTooLarge) {
		t.Errorf("error: %v", err)
	}
}
