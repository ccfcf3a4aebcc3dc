package rollout

import (
	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// Values of --dry-run.
const (
	dryNone   = "none"
	dryClient = "client"
	dryServer = "server"
)

// addDryRun adds the flag. Without a value it is client, as in kubectl.
func addDryRun(cmd *cobra.Command, value *string, meaning string) error {
	cmd.Flags().StringVar(value, "dry-run", dryNone, "One of none, client or server: "+meaning)
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryClient
	return cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"dry-run": cli.Words(dryNone, dryClient, dryServer)})
}

func checkDryRun(value string) error {
	switch value {
	case dryNone, dryClient, dryServer:
		return nil
	}
	return cli.Usagef("--dry-run is none, client or server, not %q", value)
}
