package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pasted  = regexp.MustCompile("(?ms)^ *```(?:sh|console)\n(.*?)^ *```")
	remark  = regexp.MustCompile(`(?:^|\s)#`)
	touched = "'\"`;&|<>()*?[]$!"
)

// TestNothingThatIsPastedHasARemark: zsh, the shell of macOS, knows no
// comments where a person types. Behind a command their words are arguments,
// and to rm those are files. The examples of the commands have comments as
// kubectl's have them, on lines of their own; there a shell finds no such
// command, and must find nothing else to do.
func TestNothingThatIsPastedHasARemark(t *testing.T) {
	typed := 0
	for name, text := range documents(t) {
		ofCommands := filepath.Base(filepath.Dir(name)) == "cli"
		for _, block := range pasted.FindAllStringSubmatch(text, -1) {
			for line := range strings.Lines(block[1]) {
				line, ofConsole := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
				switch {
				case strings.Contains(block[0], "```console") && !ofConsole: // printed
				case ofCommands && strings.HasPrefix(line, "# ") && !strings.ContainsAny(line, touched):
				case remark.MatchString(line):
					t.Errorf("%s: zsh takes the remark for words of the command: %s", name, line)
				default:
					typed++
				}
			}
		}
	}
	if typed < 50 {
		t.Errorf("%d lines are typed: the documents show more, or this test sees few", typed)
	}
}
