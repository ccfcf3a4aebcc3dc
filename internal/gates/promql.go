package gates

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// promProbe passes where the query returns something. A comparison filters,
// as in the rules of Prometheus: its value does not count, only that there is
// one. A scalar is always there, so that 0 fails, and NaN is nothing.
func promProbe(p *rollout.PromQL, client *http.Client) (probe, error) {
	if err := checkAddress("promql.url", p.URL); err != nil {
		return nil, err
	}
	if strings.TrimSpace(p.Query) == "" {
		return nil, fmt.Errorf("promql.query: is empty")
	}
	c, err := api.NewClient(api.Config{Address: p.URL, Client: webClient(client)})
	if err != nil {
		return nil, fmt.Errorf("promql.url: %w", err)
	}
	prom, query := promv1.NewAPI(c), p.Query
	return func(ctx context.Context, _ *Question) Answer {
		// Without a time the server asks by its own clock: this host's may be
		// wrong, and nothing is there yet of a time to come.
		value, warnings, _, err := prom.Query(ctx, query, time.Time{})
		if err != nil {
			return unread(ctx, err)
		}
		a := promAnswer(value)
		if len(warnings) > 0 {
			a.Reason += "; Prometheus warns: " + some(warnings)
		}
		return a
	}, nil
}

func promAnswer(value model.Value) Answer {
	switch v := value.(type) {
	case *model.Scalar:
		if v.Value == 0 || math.IsNaN(float64(v.Value)) {
			return fail("the scalar is %s", v.Value)
		}
		return pass("the scalar is %s", v.Value)
	case model.Vector:
		return vectorAnswer(v)
	}
	kind := "nothing"
	if value != nil {
		kind = "a " + value.Type().String()
	}
	return cannot("the query returned %s; it must be an instant vector or a scalar", kind)
}

func vectorAnswer(v model.Vector) Answer {
	var seen []string
	numbers := 0
	for _, s := range v {
		words := s.Metric.String() + " "
		switch {
		case s.Histogram != nil:
			words += "histogram"
			numbers++
		default:
			words += s.Value.String()
			if !math.IsNaN(float64(s.Value)) {
				numbers++
			}
		}
		seen = append(seen, words)
	}
	switch {
	case len(v) == 0:
		return fail("the query returned nothing")
	case numbers == 0:
		return fail("the query returned NaN only: %s", some(seen))
	}
	return pass("the query returned %s: %s", count(len(v), "sample"), some(seen))
}
