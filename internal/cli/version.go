package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Version is what version -o json prints.
type Version struct {
	Version   string `json:"version"`
	Commit    string `json:"commit,omitempty"`
	Built     string `json:"commitTime,omitempty"`
	Modified  bool   `json:"modified,omitempty"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
	Server    string `json:"serverVersion,omitempty"`
}

// Set by the linker in a release. It is built without the stamp of the Go
// toolchain, whose content depends on the tags that a clone has.
var commit, commitTime string

// VersionOf takes the version that the linker set, else what the Go toolchain
// recorded.
func VersionOf(linked string) Version {
	v := Version{Version: linked, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if v.Version == "" && info.Main.Version != "(devel)" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.time":
				v.Built = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if v.Commit == "" {
		v.Commit, v.Built = commit, commitTime
	}
	if v.Version == "" {
		v.Version = "devel"
	}
	return v
}

// VersionCommand prints the version of the plugin, and of the server if asked.
func VersionCommand(plugin, linked string, kube *KubeFlags) *cobra.Command {
	output, client := "", true
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this plugin",
		Example: Examples(fmt.Sprintf(`
			# Print the version
			kubectl %[1]s version

			# As JSON, with the version of the server
			kubectl %[1]s version -o json --client=false`, plugin)),
		Args: NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkVersionFormat(output); err != nil {
				return err
			}
			v := VersionOf(linked)
			if !client {
				server, err := serverVersion(kube)
				if err != nil {
					return err
				}
				v.Server = server
			}
			return printVersion(cmd.OutOrStdout(), plugin, v, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "Output format. One of: (json, yaml).")
	cmd.Flags().BoolVar(&client, "client", client, "If true, show the version of the plugin only, and ask no server.")
	return cmd
}

func checkVersionFormat(output string) error {
	formats := []string{"json", "yaml"}
	if output != "" && output != "json" && output != "yaml" {
		return Usagef("unknown output format %q%s; formats are json, yaml", output, DidYouMean(output, formats))
	}
	return nil
}

// serverVersion asks as kubectl version does.
func serverVersion(kube *KubeFlags) (string, error) {
	if _, err := kube.Cluster(); err != nil {
		return "", err
	}
	d, err := kube.ToDiscoveryClient()
	if err != nil {
		return "", Usagef("%w", err)
	}
	info, err := d.ServerVersion()
	if err != nil {
		return "", Usagef("ask the server for its version: %w; --client leaves the server out", err)
	}
	return info.GitVersion, nil
}

func printVersion(w io.Writer, plugin string, v Version, output string) error {
	var out []byte
	var err error
	switch output {
	case "json":
		out, err = json.MarshalIndent(v, "", "    ")
		out = append(out, '\n')
	case "yaml":
		out, err = yaml.Marshal(v)
	default:
		out = fmt.Appendf(nil, "kubectl %s %s", plugin, v.Version)
		if v.Commit != "" {
			out = fmt.Appendf(out, " (%.12s)", v.Commit)
		}
		out = fmt.Appendf(out, " %s %s\n", v.GoVersion, v.Platform)
		if v.Server != "" {
			out = fmt.Appendf(out, "server %s\n", v.Server)
		}
	}
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}
