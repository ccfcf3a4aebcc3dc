package rollout

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// writePlan writes the screen of a plan.
func writePlan(w io.Writer, p *planned, _ present.Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Plan for %s/%s. Nothing is written.\n", p.Plan.Namespace, p.Plan.Name)
	for _, c := range p.Change.words {
		fmt.Fprintf(&b, "change %s\n", present.Safe(c))
	}
	for _, c := range p.Plan.Checks {
		fmt.Fprintf(&b, "%s %s %s\n", c.Name, c.Result, present.Safe(c.Detail))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
