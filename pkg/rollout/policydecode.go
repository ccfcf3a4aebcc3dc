package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// DecodePolicy reads a policy from JSON, strictly, and checks it. YAML is
// turned into JSON by the caller.
func DecodePolicy(data []byte) (*Policy, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("policy: %w", explainJSON(err))
	}
	switch {
	case head.Kind != KindPolicy:
		return nil, fmt.Errorf("policy: kind: %q is not %s", head.Kind, KindPolicy)
	case head.APIVersion != snapshot.APIVersion:
		return nil, fmt.Errorf("policy: apiVersion: %q is not %s", head.APIVersion, snapshot.APIVersion)
	}
	var p Policy
	if err := strict(data, &p); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// strict decodes exactly one JSON value without fields that into lacks.
func strict(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil { // also refuses what follows the value
		return explainJSON(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return unknownField(strings.Trim(name, `"`))
		}
		return explainJSON(err)
	}
	return nil
}

func explainJSON(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		return fmt.Errorf("%s: a %s does not fit here", typ.Field, typ.Value)
	}
	return err
}

// policyFields are all names that a policy file knows, for hints. A test
// holds the list against the types.
var policyFields = []string{
	"acceptGap", "actOnNotReady", "allowOwner", "apiVersion", "builtin", "canarySelector", "canarySpread", "cel",
	"cordon", "daemonSet", "deleteEmptyDirData", "drain", "excludeNodes", "exec", "fenceBroken", "force", "gates",
	"gracePeriodSeconds", "handBack", "http", "interval", "kind", "maxFailures", "maxParallel", "maxUnavailable",
	"name", "nodeSelector", "nodeTimeout", "nodes", "onFailure", "oneZoneAtATime", "order", "ownPod", "pauseAfter",
	"podSelector", "pods", "promql", "query", "retries", "selector", "soak", "timeout", "until", "url",
	"waitForJobs", "waves", "when", "windows",
}

// unknownField names the field that was probably meant.
func unknownField(name string) error {
	best, far := "", 3
	for _, f := range policyFields {
		if n := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(f)); n < far {
			best, far = f, n
		}
	}
	if best == "" {
		return fmt.Errorf("%s: unknown field", name)
	}
	return fmt.Errorf("%s: unknown field; is it %s?", name, best)
}
