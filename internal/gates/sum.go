package gates

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Sum is the SHA-256 of the gates of p, in hex; empty for none. A resume
// brings the same gates again, since what they run is never stored. A default
// that is written out is the same as one that is not.
func Sum(p *rollout.Policy) string {
	if len(p.Gates) == 0 {
		return ""
	}
	// Strings, numbers and durations: they always encode.
	data, _ := json.Marshal(p.WithDefaults(rollout.Context{}).Gates)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
