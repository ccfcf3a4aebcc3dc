package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// List completes a comma list whose words f completes: what stands before the
// last comma is kept, and not offered again.
func List(f CompleteFunc) CompleteFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		cut := strings.LastIndexByte(toComplete, ',') + 1
		head, last := toComplete[:cut], toComplete[cut:]
		words, _ := f(cmd, nil, last)
		var out []string
		for _, w := range words {
			name, _, _ := strings.Cut(w, "\t")
			if strings.HasPrefix(name, last) && !slices.Contains(strings.Split(head, ","), name) {
				out = append(out, head+w)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
