package release

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// gitHub answers a release as GitHub's REST API does (version 2022-11-28), and
// keeps what it is given.
type gitHub struct {
	*httptest.Server
	mu     sync.Mutex
	assets map[string][]byte // by name
	files  map[string]string // what was written to a branch: REPOSITORY BRANCH PATH to its message
	pulls  []string          // HEAD to BASE
	drafts []bool            // what each change of the release says of it
	other  []string          // requests that a release has no need of
}

func newGitHub(t *testing.T) *gitHub {
	t.Helper()
	g := &gitHub{assets: map[string][]byte{}, files: map[string]string{}}
	mux := http.NewServeMux()
	const repo = "/api/v3/repos/kubectl-ds/{repo}"
	mux.HandleFunc("GET /api/v3/rate_limit", answer(http.StatusOK, `{"resources": {"core": {"limit": 5000, "remaining": 5000, "reset": 9999999999}}}`))
	mux.HandleFunc("POST "+repo+"/releases/generate-notes", answer(http.StatusOK, `{"name": "x", "body": "what is new"}`))
	mux.HandleFunc("GET "+repo+"/releases/tags/{tag}", answer(http.StatusNotFound, `{"message": "Not Found"}`))
	mux.HandleFunc("GET "+repo+"/releases", answer(http.StatusOK, `[]`))
	mux.HandleFunc("POST "+repo+"/releases", g.release(http.StatusCreated))
	mux.HandleFunc("PATCH "+repo+"/releases/1", g.release(http.StatusOK))
	mux.HandleFunc("POST /api/uploads/repos/kubectl-ds/{repo}/releases/1/assets", g.upload)
	mux.HandleFunc("GET "+repo, answer(http.StatusOK, `{"default_branch": "main"}`))
	mux.HandleFunc("GET "+repo+"/branches/{branch}", g.branch)
	mux.HandleFunc("GET "+repo+"/git/ref/heads/main", answer(http.StatusOK, `{"ref": "refs/heads/main", "object": {"type": "commit", "sha": "`+strings.Repeat("a", 40)+`"}}`))
	mux.HandleFunc("POST "+repo+"/git/refs", answer(http.StatusCreated, `{"ref": "refs/heads/x"}`))
	mux.HandleFunc("POST "+repo+"/merge-upstream", answer(http.StatusUnprocessableEntity, `{"message": "not a fork"}`))
	mux.HandleFunc("GET "+repo+"/contents/{path...}", answer(http.StatusNotFound, `{"message": "Not Found"}`))
	mux.HandleFunc("PUT "+repo+"/contents/{path...}", g.write)
	mux.HandleFunc("POST "+repo+"/pulls", g.pull)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.other = append(g.other, r.Method+" "+r.URL.String())
		g.mu.Unlock()
		answer(http.StatusNotFound, `{"message": "Not Found"}`)(w, r)
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// decoded reads the body of a request, or answers that it is none.
func decoded(w http.ResponseWriter, r *http.Request, body any) bool {
	err := json.NewDecoder(r.Body).Decode(body)
	if err != nil {
		answer(http.StatusBadRequest, `{}`)(w, r)
	}
	return err == nil
}

func (g *gitHub) release(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Draft bool }
		if !decoded(w, r, &body) {
			return
		}
		g.mu.Lock()
		g.drafts = append(g.drafts, body.Draft)
		g.mu.Unlock()
		answer(code, `{"id": 1, "html_url": "`+g.URL+`", "upload_url": "`+g.URL+`/api/uploads/repos/kubectl-ds/kubectl-ds/releases/1/assets{?name,label}"}`)(w, r)
	}
}

func (g *gitHub) upload(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		answer(http.StatusBadRequest, `{}`)(w, r)
		return
	}
	g.mu.Lock()
	g.assets[r.URL.Query().Get("name")] = body
	g.mu.Unlock()
	answer(http.StatusCreated, `{"id": 2}`)(w, r)
}

// branch knows the default branch, and those that something was written to.
func (g *gitHub) branch(w http.ResponseWriter, r *http.Request) {
	known := r.PathValue("branch") == "main"
	g.mu.Lock()
	for f := range g.files {
		known = known || strings.HasPrefix(f, r.PathValue("repo")+" "+r.PathValue("branch")+" ")
	}
	g.mu.Unlock()
	if !known {
		answer(http.StatusNotFound, `{"message": "Branch not found"}`)(w, r)
		return
	}
	answer(http.StatusOK, `{"name": "`+r.PathValue("branch")+`", "commit": {"sha": "`+strings.Repeat("a", 40)+`"}}`)(w, r)
}

func (g *gitHub) write(w http.ResponseWriter, r *http.Request) {
	var body struct{ Branch, Message string }
	if !decoded(w, r, &body) {
		return
	}
	g.mu.Lock()
	g.files[r.PathValue("repo")+" "+body.Branch+" "+r.PathValue("path")] = body.Message
	g.mu.Unlock()
	answer(http.StatusCreated, `{}`)(w, r)
}

// pull opens one pull request for a branch, as GitHub does.
func (g *gitHub) pull(w http.ResponseWriter, r *http.Request) {
	var body struct{ Head, Base string }
	if !decoded(w, r, &body) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pulls {
		if p == body.Head+" to "+body.Base {
			answer(http.StatusUnprocessableEntity, `{"message": "Validation Failed", "errors": [{"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for `+body.Head+`."}]}`)(w, r)
			return
		}
	}
	g.pulls = append(g.pulls, body.Head+" to "+body.Base)
	answer(http.StatusCreated, `{"number": 1, "html_url": "`+g.URL+`"}`)(w, r)
}
