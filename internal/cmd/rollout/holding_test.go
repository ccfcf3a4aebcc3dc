package rollout

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// The commands as they are typed.
func TestHoldingCommands(t *testing.T) {
	s := newHoldServer(t)
	shared := s.at("train\n").hold.app
	for _, c := range []struct {
		make func(*app) (*cobra.Command, error)
		args []string
		err  string
	}{
		{newArmCommand, []string{"ds/agent", "--yes", "--allow-owner", "helm,kubectl", "--accept-gap"}, ""},
		{newArmCommand, []string{}, "DaemonSet"},
		{newArmCommand, []string{"agent", "--dry-run"}, ""}, // of the client, and nobody is asked
		{newArmCommand, []string{"pod/agent", "--yes"}, "is not the name of a DaemonSet"},
		{newDisarmCommand, []string{"agent", "-y", "--hand-back", "--timeout", "5s"}, ""},
		{newRecoverCommand, []string{"agent", "--yes", "--hand-back", "--run", "7f3k", "--timeout", "5s"}, ""},
		{newRecoverCommand, []string{"agent", "--dry-run=maybe"}, "--dry-run is none, client or server"},
	} {
		cmd, err := c.make(shared)
		if err != nil {
			t.Fatal(err)
		}
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(c.args)
		err = cmd.ExecuteContext(context.Background())
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s %v: %v", cmd.Name(), c.args, err)
		}
	}
	isFree(t, s)
}
