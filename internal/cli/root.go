package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/kubectl/pkg/util/templates"
	"k8s.io/kubectl/pkg/util/term"
)

// Decorate gives a root command what both plugins have: its name as kubectl
// users type it, kubectl's help layout with the global flags behind the
// subcommand options, logs, and errors that name what was mistyped.
//
// It comes last, when all subcommands are there. plugin is ds-coverage or
// ds-rollout.
func Decorate(root *cobra.Command, plugin string, kube *KubeFlags) {
	if root.Annotations == nil {
		root.Annotations = map[string]string{}
	}
	root.Annotations[cobra.CommandDisplayNameAnnotation] = "kubectl " + plugin
	kube.AddFlags(root.PersistentFlags())
	addLogFlags(root)
	root.AddCommand(optionsCommand(plugin))
	addCompletion(root, kube)
	templates.ActsAsRootCommand(root, []string{"options"})
	root.SetUsageFunc(displayName(root.UsageFunc(), root.Name(), root.DisplayName()))
	walk(root, func(c *cobra.Command) {
		c.SetFlagErrorFunc(flagError)
		c.DisableFlagsInUseLine = true
	})
}

// displayName corrects the one line of kubectl's layout that knows the file's
// name only.
func displayName(usage func(*cobra.Command) error, file, shown string) func(*cobra.Command) error {
	return func(c *cobra.Command) error {
		out, errOut := c.OutOrStdout(), c.OutOrStderr()
		var buf bytes.Buffer
		c.SetOut(&buf)
		c.SetErr(&buf)
		err := usage(c)
		c.SetOut(out)
		c.SetErr(errOut)
		if err != nil {
			return err
		}
		_, err = io.WriteString(term.NewResponsiveWriter(errOut), strings.ReplaceAll(buf.String(), "Use \""+file+" ", "Use \""+shown+" "))
		return err
	}
}

func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

func optionsCommand(plugin string) *cobra.Command {
	show := func(cmd *cobra.Command) error {
		cmd.SetErr(cmd.OutOrStdout()) // usage goes there
		return cmd.Usage()
	}
	cmd := &cobra.Command{
		Use:     "options",
		Short:   "Print the flags that all commands take",
		Example: Examples("# Print the flags that all commands take\nkubectl " + plugin + " options"),
		Args:    NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return show(cmd) },
	}
	templates.UseOptionsTemplates(cmd)
	// kubectl's layout leaves --help empty.
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = show(cmd) })
	return cmd
}

// flagError says what is wrong with a flag, which one may have been meant,
// and where help is.
func flagError(cmd *cobra.Command, err error) error {
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "unknown flag: --"); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, "--"+f.Name)
			}
		})
		msg += DidYouMean("--"+name, names)
	}
	return Usagef("%s; see: %s --help", msg, cmd.CommandPath())
}

// Examples lays out the examples of a command: indented, no trailing blanks.
func Examples(s string) string {
	return strings.ReplaceAll(templates.Examples(s), "\n"+templates.Indentation+"\n", "\n\n")
}

// NoArgs refuses arguments.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%s takes no arguments, got %q; see: %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// ExactArgs asks for as many arguments as there are names.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return Usagef("%s takes %s, got %s; see: %s --help",
			cmd.CommandPath(), strings.Join(names, " and "), argCount(len(args)), cmd.CommandPath())
	}
}

func argCount(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
