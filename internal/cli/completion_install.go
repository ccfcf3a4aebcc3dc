package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"
)

// describeCompletion tells which way is for whom: cobra's own words know the
// file's name only.
func describeCompletion(c *cobra.Command) {
	plugin := strings.TrimPrefix(c.Root().DisplayName(), "kubectl ")
	c.Short = "Complete words in a shell: bash, zsh, fish or PowerShell"
	c.Long = templates.LongDesc(fmt.Sprintf(`
		Complete words in a shell.

		Where kubectl completes already, it completes this plugin, too: kubectl 1.26 and newer runs a program named
		%[1]s. "install" makes that name, a link to this plugin, and nothing more is needed.

		The scripts of the other subcommands are for those who call %[2]s by its own name.`,
		completerName(c.Root().Name()), c.Root().Name()))
	c.Example = Examples(fmt.Sprintf(`
		# Complete kubectl %[1]s wherever kubectl is completed
		kubectl %[1]s completion install

		# Complete %[2]s, called by its own name, in this bash
		source <(%[2]s completion bash)`, plugin, c.Root().Name()))
	for _, shell := range c.Commands() {
		describeShell(shell, c.Root().Name())
	}
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, sub := range cmd.Commands() {
			names = append(names, sub.Name())
		}
		return Usagef("unknown command %q%s; there are %s", args[0], DidYouMean(args[0], names), strings.Join(names, ", "))
	}
}

// describeShell says how the script for a shell is used: cobra's own text is
// not laid out for kubectl's help.
func describeShell(c *cobra.Command, file string) {
	c.Short = "Print the script that completes " + file + " in " + c.Name()
	c.Long = templates.LongDesc(fmt.Sprintf(`
		Print the script that completes %[1]s, called by its own name, in %[2]s. For kubectl %[3]s, use install.`,
		file, c.Name(), strings.TrimPrefix(c.Root().DisplayName(), "kubectl ")))
	c.Example = Examples(strings.ReplaceAll(map[string]string{
		"bash": `
			# In this shell
			source <(FILE completion bash)

			# In every new one, where bash-completion is installed
			mkdir -p ~/.local/share/bash-completion/completions
			FILE completion bash > ~/.local/share/bash-completion/completions/FILE`,
		"zsh": `
			# In every new shell
			mkdir -p "${fpath[1]}"
			FILE completion zsh > "${fpath[1]}/_FILE"`,
		"fish": `
			# In every new shell
			mkdir -p ~/.config/fish/completions
			FILE completion fish > ~/.config/fish/completions/FILE.fish`,
		"powershell": `
			# In this shell, or in the profile for every new one
			FILE completion powershell | Out-String | Invoke-Expression`,
	}[c.Name()], "FILE", file))
	if f := c.Flags().Lookup("no-descriptions"); f != nil {
		f.Usage = "Complete words without what they mean."
	}
}

// completerName is what kubectl runs to complete a plugin.
func completerName(file string) string {
	return CompleterPrefix + strings.TrimPrefix(file, "kubectl-")
}

const dirUsage = "The folder that the link is in. The default is the one where the plugin was found on PATH."

func installCommand(root *cobra.Command, in *installer) *cobra.Command {
	plugin := strings.TrimPrefix(root.DisplayName(), "kubectl ")
	dir := ""
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Make the link by which kubectl completes this plugin",
		Long: templates.LongDesc(fmt.Sprintf(`
			Make the link by which kubectl completes this plugin: %s, beside the plugin. On Windows it is a second
			name of the file, or a copy where that cannot be had; run this again after an update there. kubectl on
			Windows completes a plugin by its file's name alone, kubectl %s.exe.

			Nothing else of that name is overwritten. kubectl itself must be completed in the shell, see kubectl
			completion --help.`, completerName(root.Name()), plugin)),
		Example: Examples(fmt.Sprintf(`
			# Beside the plugin
			kubectl %[1]s completion install

			# In another folder of PATH, where that of the plugin cannot be written to
			mkdir -p ~/.local/bin
			kubectl %[1]s completion install --dir ~/.local/bin`, plugin)),
		Args: NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			said, err := in.install(dir)
			return say(cmd, said, err)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", dirUsage)
	return cmd
}

func uninstallCommand(root *cobra.Command, in *installer) *cobra.Command {
	plugin := strings.TrimPrefix(root.DisplayName(), "kubectl ")
	dir := ""
	cmd := &cobra.Command{
		Use:     "uninstall",
		Short:   "Remove the link that install made",
		Long:    "Remove the link that install made. Something else of that name is left alone.",
		Example: Examples(fmt.Sprintf("# Remove it\nkubectl %s completion uninstall", plugin)),
		Args:    NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			said, err := in.uninstall(dir)
			return say(cmd, said, err)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", dirUsage)
	return cmd
}

func say(cmd *cobra.Command, said string, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
	return err
}

// installer makes the name under which kubectl looks for a completer.
type installer struct {
	file       string // the plugin's, without .exe
	windows    bool
	lookPath   func(string) (string, error)
	executable func() (string, error)
	path       func() string                // the value of PATH
	program    func(string) (string, error) // the main package that a file was built from
	link       func(from, to string) error
}

// place is where the plugin is, and where its completer goes.
type place struct{ plugin, completer string }

func (in *installer) place(dir string) (place, error) {
	plugin, err := in.lookPath(in.file)
	if err != nil {
		if dir == "" {
			return place{}, Usagef("%s is not on PATH, where kubectl looks for it; put it there, or name a folder of PATH with --dir", in.file)
		}
		if plugin, err = in.executable(); err != nil {
			return place{}, Usagef("where this program is cannot be told: %w", err)
		}
	}
	if plugin, err = filepath.Abs(plugin); err != nil {
		return place{}, Usagef("%w", err)
	}
	if dir == "" {
		dir = filepath.Dir(plugin)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return place{}, Usagef("%w", err)
	}
	name := completerName(in.file)
	if in.windows {
		name += ".exe"
	}
	return place{plugin, filepath.Join(dir, name)}, nil
}

func (in *installer) install(dir string) (string, error) {
	p, err := in.place(dir)
	if err != nil {
		return "", err
	}
	state, err := in.state(p)
	switch {
	case err != nil:
		return "", err
	case state == same:
		return fmt.Sprintf("%s is there already and completes %s.", p.completer, in.shown()) + in.pathNote(p), nil
	case state == other:
		return "", Usagef("%s is there and is no link to this plugin; remove it, or choose another folder of PATH with --dir", p.completer)
	case state == older:
		if err := os.Remove(p.completer); err != nil {
			return "", in.explain(err, p)
		}
	}
	how, err := in.make(p)
	if err != nil {
		return "", in.explain(err, p)
	}
	return fmt.Sprintf("%s %s: kubectl completes %s from now on, in every shell that completes kubectl.", how, p.completer, in.shown()) + in.pathNote(p), nil
}

// make makes the completer, and says how.
func (in *installer) make(p place) (string, error) {
	if !in.windows {
		target := p.plugin
		if filepath.Dir(p.plugin) == filepath.Dir(p.completer) {
			// A relative link goes where its folder goes, and follows what an
			// update puts there.
			target = filepath.Base(p.plugin)
		}
		return "Linked", os.Symlink(target, p.completer)
	}
	// Symbolic links take a privilege on Windows that few have.
	real, err := filepath.EvalSymlinks(p.plugin)
	if err != nil {
		return "", err
	}
	if in.link(real, p.completer) == nil {
		return "Linked", nil
	}
	return "Copied", copyFile(real, p.completer)
}

func (in *installer) uninstall(dir string) (string, error) {
	p, err := in.place(dir)
	if err != nil {
		return "", err
	}
	state, err := in.state(p)
	switch {
	case err != nil:
		return "", err
	case state == absent:
		return fmt.Sprintf("%s is not there: nothing to remove.", p.completer), nil
	case state == other:
		return "", Usagef("%s is no link to this plugin; it is left as it is", p.completer)
	}
	if err := os.Remove(p.completer); err != nil {
		return "", in.explain(err, p)
	}
	return fmt.Sprintf("Removed %s.", p.completer), nil
}

// What is found under the completer's name.
type found int

const (
	absent found = iota
	same         // leads to the plugin
	older        // was made for this plugin, and leads elsewhere or nowhere
	other        // is somebody else's
)

func (in *installer) state(p place) (found, error) {
	here, err := os.Lstat(p.completer)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent, nil
	case err != nil:
		return other, in.explain(err, p)
	case here.IsDir():
		return other, nil
	}
	plugin, err := os.Stat(p.plugin)
	if err != nil {
		return other, in.explain(err, p)
	}
	if leads, err := os.Stat(p.completer); err == nil && os.SameFile(leads, plugin) {
		return same, nil
	}
	if target, err := os.Readlink(p.completer); err == nil && strings.TrimSuffix(filepath.Base(target), ".exe") == in.file {
		return older, nil
	}
	// A copy of another version is still a copy of this plugin.
	mine, err := in.program(p.plugin)
	if err != nil {
		return other, nil //nolint:nilerr // what cannot be told is left alone
	}
	if theirs, err := in.program(p.completer); err != nil || theirs != mine {
		return other, nil //nolint:nilerr // as above
	}
	return older, nil
}

// explain adds what to do to an error of the file system.
func (in *installer) explain(err error, p place) error {
	dir := filepath.Dir(p.completer)
	if errors.Is(err, fs.ErrNotExist) {
		return Usagef("%w; is %s a folder?", err, dir)
	}
	return Usagef("%w; choose a folder of PATH that can be written to with --dir", err)
}

// pathNote warns of a folder where kubectl does not look.
func (in *installer) pathNote(p place) string {
	dir := filepath.Dir(p.completer)
	if slices.ContainsFunc(filepath.SplitList(in.path()), func(d string) bool { return filepath.Clean(d) == dir }) {
		return ""
	}
	return fmt.Sprintf("\n%s is not on PATH: add it, since kubectl looks for the link there.", dir)
}

// shown is what kubectl completes: on Windows it takes a plugin's name from the
// file, with its end (registerPluginCommands in pkg/cmd/plugin of k8s.io/kubectl
// v0.37.2), and runs it by that name, too.
func (in *installer) shown() string {
	name := "kubectl " + strings.ReplaceAll(strings.TrimPrefix(in.file, "kubectl-"), "_", "-")
	if in.windows {
		name += ".exe"
	}
	return name
}
