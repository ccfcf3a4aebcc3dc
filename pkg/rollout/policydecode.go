package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
	kjson "sigs.k8s.io/json"

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
		if odd := oddTime(data); odd != nil {
			err = odd
		}
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// strict decodes exactly one JSON value, with names as they are spelled, and
// without fields that into lacks or that are there twice.
func strict(data []byte, into any) error {
	odd, err := kjson.UnmarshalStrict(data, into)
	if err != nil {
		return explainJSON(err)
	}
	if len(odd) == 0 {
		return nil
	}
	if name, ok := strings.CutPrefix(odd[0].Error(), "unknown field "); ok {
		return unknownField(strings.Trim(name, `"`))
	}
	return odd[0]
}

func explainJSON(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		what := "a " + typ.Value
		if strings.HasPrefix(typ.Value, "array") || strings.HasPrefix(typ.Value, "object") {
			what = "an " + typ.Value
		}
		return fmt.Errorf("%s: %s does not fit here", inFile(typ.Field), what)
	}
	return err
}

// inFile is a path without the parts of a type that stand flat in the file,
// which are called after their Go types.
func inFile(path string) string {
	parts := slices.DeleteFunc(strings.Split(path, "."), func(s string) bool { return s != "" && unicode.IsUpper(rune(s[0])) })
	return strings.Join(parts, ".")
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

// unknownField names the field that was probably meant by the last part of a
// path.
func unknownField(name string) error {
	best, far := "", 3
	last := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	for _, f := range policyFields {
		if n := levenshtein.ComputeDistance(last, strings.ToLower(f)); n < far {
			best, far = f, n
		}
	}
	if best == "" {
		return fmt.Errorf("%s: unknown field", name)
	}
	return fmt.Errorf("%s: unknown field; is it %s?", name, best)
}
