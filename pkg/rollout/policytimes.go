package rollout

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// oddTime names the first field of a policy, by its path, whose value is no
// time; nil where all are. Decoding says no more than that one of them is not.
func oddTime(data []byte) error {
	var raw map[string]any
	_ = json.Unmarshal(data, &raw) // what cannot be read has no times
	return oddTimeIn("", raw)
}

func oddTimeIn(path string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := key
			if path != "" {
				at = path + "." + key
			}
			if err := oddValue(at, key, v[key]); err != nil {
				return err
			}
		}
	case []any:
		for i := range v {
			if err := oddTimeIn(fmt.Sprintf("%s[%d]", path, i), v[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func oddValue(path, key string, v any) error {
	text, isText := v.(string)
	_, isNumber := v.(float64)
	switch {
	case slices.Contains([]string{"soak", "nodeTimeout", "timeout", "interval"}, key) && (isText || isNumber):
		if _, err := time.ParseDuration(text); err != nil {
			return fmt.Errorf("%s: %s is not a duration, as in 30s or 5m", path, shown(v))
		}
	case key == "until" && (isText || isNumber):
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("%s: %s is not a time, as in 2026-11-23T17:00:00Z", path, shown(v))
		}
	}
	return oddTimeIn(path, v)
}

// shown is a value as the file may have it.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}
