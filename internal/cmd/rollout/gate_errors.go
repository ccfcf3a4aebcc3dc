package rollout

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// gateField finds the gate, and the part of it, that an error of Policy.Check
// is about.
var gateField = regexp.MustCompile(`^policy: gates\[(\d+)\](?:\.([A-Za-z]+))?: `)

// asGateFlag names the flag where a gate that is wrong came from one.
func (f *policyFlags) asGateFlag(err error) error {
	m := gateField.FindStringSubmatch(err.Error())
	if m == nil || f.made == nil {
		return err
	}
	i, bad := strconv.Atoi(m[1])
	if bad != nil || i >= len(f.made.Gates) {
		return err
	}
	flag := f.gates.flagOf(&f.made.Gates[i])
	switch {
	case flag == "":
		return err
	case m[2] == "when":
		flag = "gate-when"
	}
	return fmt.Errorf("--%s: %s", flag, strings.TrimPrefix(err.Error(), m[0]))
}

// flagOf is the flag that a gate came from; empty where that was a file.
func (g *gateFlags) flagOf(gate *rollout.Gate) string {
	switch {
	case gate.Pods != "" && slices.Contains(g.pods, gate.Pods):
		return "gate-pods"
	case gate.DaemonSet != "" && slices.Contains(g.daemonSets, gate.DaemonSet):
		return "gate-daemonset"
	case gate.HTTP != "" && slices.Contains(g.http, gate.HTTP):
		return "gate-http"
	case gate.CEL != "" && slices.Contains(g.cel, gate.CEL):
		return "gate-cel"
	case gate.PromQL != nil && slices.Contains(g.promql, gate.PromQL.Query):
		return "gate-promql"
	case gate.Exec != nil && slices.ContainsFunc(g.exec, func(s string) bool {
		words, err := commandWords(s)
		return err == nil && slices.Equal(words, gate.Exec)
	}):
		return "gate-exec"
	}
	return ""
}
