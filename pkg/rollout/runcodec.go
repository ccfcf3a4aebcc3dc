package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxRunBytes is what a stored run may take, compressed; a run that needs more
// is refused at the start.
const MaxRunBytes = 128 << 10

// Members is a scope. It is stored as one string, "node/uid node/uid": the
// commas and quotes of a list would be a tenth of it.
type Members []Member

// MarshalText writes the members.
func (m Members) MarshalText() ([]byte, error) {
	var b strings.Builder
	for i, n := range m {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(n.Node + "/" + n.UID)
	}
	return []byte(b.String()), nil
}

// UnmarshalText reads members.
func (m *Members) UnmarshalText(b []byte) error {
	*m = nil
	for f := range strings.FieldsSeq(string(b)) {
		node, uid, ok := strings.Cut(f, "/")
		if !ok || node == "" {
			return fmt.Errorf("scope: %q is not node/uid", f)
		}
		*m = append(*m, Member{Node: node, UID: uid})
	}
	return nil
}

// NewerVersionError is a run or an intent that a newer version of this
// program wrote.
type NewerVersionError struct{ Version int }

func (e *NewerVersionError) Error() string {
	return fmt.Sprintf("the run was written by a newer version of this program (schema %d, this one knows %d): use that one", e.Version, SchemaVersion)
}

// EncodeRun writes a run; equal runs give equal bytes.
func EncodeRun(r *Run) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// DecodeRun reads a run, strictly: whoever can write the Lease can have edited
// it, and what is not understood must not be guessed.
func DecodeRun(data []byte) (*Run, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("stored run: %w", err)
	}
	if head.Version > SchemaVersion {
		return nil, &NewerVersionError{Version: head.Version}
	}
	var r Run
	if err := strict(data, &r); err != nil {
		return nil, fmt.Errorf("stored run: %w", err)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("stored run: %w", err)
	}
	return &r, nil
}

// Validate holds what the code relies on.
func (r *Run) Validate() error {
	switch {
	case r.Version != SchemaVersion:
		return fmt.Errorf("version %d is not %d", r.Version, SchemaVersion)
	case r.ID == "" || r.Name == "" || r.Namespace == "" || r.UID == "":
		return errors.New("id, namespace, name and uid must be set")
	case r.Policy == nil:
		return errors.New("policy is missing")
	case !slices.Contains(Phases(), r.Phase):
		return fmt.Errorf("phase %q is not known", r.Phase)
	case slices.Contains([]Phase{Running, Undoing, Finishing}, r.Phase) && r.Target.Hash == "":
		return fmt.Errorf("phase %s needs a target", r.Phase)
	case (r.Phase == Paused || r.Phase == Stopped) && r.Because == nil:
		return fmt.Errorf("phase %s needs a reason", r.Phase)
	}
	return errors.Join(r.validateScope(), r.validateNodes(), withoutCommands(r.Policy))
}

func (r *Run) validateScope() error {
	for i, w := range r.Waves {
		if w < 0 || w > len(r.Members) || i > 0 && w < r.Waves[i-1] {
			return fmt.Errorf("wave %d ends at %d of %d nodes", i+1, w, len(r.Members))
		}
	}
	if r.Size < 0 || r.Size > len(r.Members) {
		return fmt.Errorf("size %d of %d nodes", r.Size, len(r.Members))
	}
	if r.Late < 0 || r.Late > len(r.Waves) {
		return fmt.Errorf("wave %d of %d is late", r.Late, len(r.Waves))
	}
	return nil
}

func (r *Run) validateNodes() error {
	seen := map[string]bool{}
	for _, m := range r.Members {
		if m.Node == "" || seen[m.Node] {
			return fmt.Errorf("scope names %q twice", m.Node)
		}
		seen[m.Node] = true
	}
	touched := map[int]bool{}
	for _, i := range r.Touched {
		if i < 0 || i >= len(r.Members) || touched[i] {
			return fmt.Errorf("touched names member %d of %d, or names it twice", i, len(r.Members))
		}
		touched[i] = true
	}
	flying := map[string]bool{}
	for i := range r.InFlight {
		f := &r.InFlight[i]
		if f.Node == "" || f.NodeUID == "" || flying[f.Node] {
			return fmt.Errorf("node %q is in flight twice, or has no uid", f.Node)
		}
		flying[f.Node] = true
	}
	return nil
}

// withoutCommands refuses a stored policy that holds something to run: it was
// not written by this program.
func withoutCommands(p *Policy) error {
	for i := range p.Gates {
		g := &p.Gates[i]
		if len(g.Exec) > 0 || g.HTTP != "" || g.PromQL != nil || g.CEL != "" {
			return fmt.Errorf("gate %q holds a command, which is never stored", g.Name)
		}
	}
	return nil
}

// EstimateBytes guesses what the run will take when all its nodes have been
// touched, compressed and in base64: eight random hexadecimal digits a node
// are four bytes, a name shares its beginning with the next one, and an index
// is about two bytes.
func (r *Run) EstimateBytes() int {
	random := 0
	for _, m := range r.Members {
		random += 4 + min(len(m.Node), 10) + 2
	}
	fixed := 2048 + 160*len(r.InFlight) + 16*len(r.Waves)
	return (random + fixed) * 4 / 3
}

// DeepCopy returns a copy that shares nothing with r but the policy, which
// nobody changes.
func (r *Run) DeepCopy() *Run {
	out := *r
	out.Members = slices.Clone(r.Members)
	out.Waves = slices.Clone(r.Waves)
	out.Fenced = slices.Clone(r.Fenced)
	out.Because = clone(r.Because)
	out.InFlight = slices.Clone(r.InFlight)
	out.Touched = slices.Clone(r.Touched)
	out.Down = slices.Clone(r.Down)
	out.Approvals = slices.Clone(r.Approvals)
	out.Skipped = slices.Clone(r.Skipped)
	out.Failed = slices.Clone(r.Failed)
	out.Left = slices.Clone(r.Left)
	out.Handled = slices.Clone(r.Handled)
	if r.Undo != nil {
		out.Undo = clone(r.Undo)
		out.Undo.First, out.Undo.Aside = slices.Clone(r.Undo.First), slices.Clone(r.Undo.Aside)
	}
	return &out
}
