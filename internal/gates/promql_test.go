package gates

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func promOf(url string) *rollout.Policy {
	return probeOf(rollout.Probe{PromQL: &rollout.PromQL{URL: url, Query: `up{job="vector"} == 1`}})
}

// The bodies are as Prometheus 3 writes them.
func TestAnswersOfPrometheus(t *testing.T) {
	vector := func(samples string) string {
		return `{"status":"success","data":{"resultType":"vector","result":[` + samples + `]}}`
	}
	sample := func(i int, value string) string {
		return fmt.Sprintf(`{"metric":{"__name__":"up","instance":"n%d:9100","job":"vector"},"value":[1772366400.123,"%s"]}`, i, value)
	}
	for _, tc := range []struct {
		name string
		code int
		body string
		want Answer
	}{
		{"nothing", 200, vector(""), Answer{rollout.GateFail, "the query returned nothing"}},
		{"one", 200, vector(sample(1, "1")), Answer{rollout.GatePass, `the query returned 1 sample: up{instance="n1:9100", job="vector"} 1`}},
		{"a filter that lets 0 through", 200, vector(sample(1, "0")), Answer{rollout.GatePass, `the query returned 1 sample: up{instance="n1:9100", job="vector"} 0`}},
		{"many", 200, vector(strings.Join([]string{sample(1, "1"), sample(2, "1"), sample(3, "1"), sample(4, "1"), sample(5, "1")}, ",")),
			Answer{rollout.GatePass, `the query returned 5 samples: up{instance="n1:9100", job="vector"} 1, up{instance="n2:9100", job="vector"} 1, up{instance="n3:9100", job="vector"} 1 +2`}},
		{"NaN", 200, vector(sample(1, "NaN")), Answer{rollout.GateFail, `the query returned NaN only: up{instance="n1:9100", job="vector"} NaN`}},
		{"a native histogram", 200, vector(`{"metric":{"__name__":"h"},"histogram":[1772366400,{"count":"3","sum":"2","buckets":[[0,"0.5","1","3"]]}]}`),
			Answer{rollout.GatePass, "the query returned 1 sample: h histogram"}},
		{"scalar 1", 200, `{"status":"success","data":{"resultType":"scalar","result":[1772366400,"1"]}}`, Answer{rollout.GatePass, "the scalar is 1"}},
		{"scalar 0", 200, `{"status":"success","data":{"resultType":"scalar","result":[1772366400,"0"]}}`, Answer{rollout.GateFail, "the scalar is 0"}},
		{"scalar NaN", 200, `{"status":"success","data":{"resultType":"scalar","result":[1772366400,"NaN"]}}`, Answer{rollout.GateFail, "the scalar is NaN"}},
		{"a range", 200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1772366400,"1"]]}]}}`,
			Answer{rollout.GateError, "the query returned a matrix; it must be an instant vector or a scalar"}},
		{"a string", 200, `{"status":"success","data":{"resultType":"string","result":[1772366400,"x"]}}`,
			Answer{rollout.GateError, `cannot look: bad_response: unexpected value type "string"`}},
		{"warnings", 200, `{"status":"success","warnings":["no store matched"],"data":{"resultType":"vector","result":[` + sample(1, "1") + `]}}`,
			Answer{rollout.GatePass, `the query returned 1 sample: up{instance="n1:9100", job="vector"} 1; Prometheus warns: no store matched`}},
		{"a bad query", 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected end of input"}`,
			Answer{rollout.GateError, `cannot look: bad_data: invalid parameter "query": 1:4: parse error: unexpected end of input`}},
		{"overload", 503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`,
			Answer{rollout.GateError, "cannot look: server_error: server error: 503"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				if got := r.URL.Path + " " + r.Form.Get("query"); got != `/prom/api/v1/query up{job="vector"} == 1` {
					t.Error(got)
				}
				if r.Form.Has("time") {
					t.Errorf("asked of %s, by the clock of this host", r.Form.Get("time"))
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.code)
				write(w, tc.body)
			})
			w := newWorld()
			if got := w.ask(t, newRunner(t, promOf(url+"/prom/"), w, Options{}), rollout.AfterNode); got != tc.want {
				t.Errorf("\n%+v, want\n%+v", got, tc.want)
			}
		})
	}
}

func TestWhatIsNotPrometheusIsAnError(t *testing.T) {
	big := `{"status":"success","data":{"resultType":"vector","result":[` + strings.Repeat(" ", 2*maxWeb) + `]}}`
	for name, h := range map[string]http.HandlerFunc{
		"a page":    func(w http.ResponseWriter, _ *http.Request) { write(w, "<html>log in</html>") },
		"not found": http.NotFound,
		"too large": func(w http.ResponseWriter, _ *http.Request) { write(w, big) },
		"cut off": func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			check(t, w.ask(t, newRunner(t, promOf(serve(t, h)), w, Options{}), rollout.AfterNode), rollout.GateError, "cannot look: ")
		})
	}
}

func TestAnEmptyQueryIsBadInput(t *testing.T) {
	p := probeOf(rollout.Probe{PromQL: &rollout.PromQL{URL: "http://prometheus", Query: " "}})
	if _, err := New(p, newWorld(), Options{}); err == nil || err.Error() != `gate "g": promql.query: is empty` {
		t.Error(err)
	}
}
