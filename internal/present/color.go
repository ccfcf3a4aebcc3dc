package present

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fatih/color"
	"k8s.io/cli-runtime/pkg/printers"
)

// ColorMode is what --color asks for.
type ColorMode string

// The modes of --color.
const (
	ColorAuto   ColorMode = "auto"
	ColorAlways ColorMode = "always"
	ColorNever  ColorMode = "never"
)

// ColorModes lists the words of --color.
func ColorModes() []string {
	return []string{string(ColorAuto), string(ColorAlways), string(ColorNever)}
}

// Enabled decides for one writer: the flag, then NO_COLOR, then
// CLICOLOR_FORCE and FORCE_COLOR, then whether the writer is a terminal that
// shows colours. As kubectl does, NO_COLOR counts when it is set at all.
func (m ColorMode) Enabled(w io.Writer, lookup func(string) (string, bool)) bool {
	switch m {
	case ColorAlways:
		return true
	case ColorNever:
		return false
	case ColorAuto:
	}
	if lookup == nil {
		lookup = os.LookupEnv
	}
	if _, no := lookup("NO_COLOR"); no {
		return false
	}
	for _, name := range []string{"CLICOLOR_FORCE", "FORCE_COLOR"} {
		if v, ok := lookup(name); ok && v != "" && v != "0" && !strings.EqualFold(v, "false") {
			return true
		}
	}
	return printers.AllowsColorOutput(w)
}

// ParseColorMode reads the value of --color.
func ParseColorMode(s string) (ColorMode, error) {
	for _, m := range ColorModes() {
		if s == m {
			return ColorMode(m), nil
		}
	}
	return "", fmt.Errorf("--color takes %s, not %q", strings.Join(ColorModes(), ", "), Safe(s))
}

// tone is what a piece of text means. Words always say the same as colours,
// and no pair is told apart by red against green: bad is also bold, and what
// is well has no colour at all.
type tone uint8

const (
	plain tone = iota
	bad
	warn
	info
	strong
	faint
)

var tones = map[tone][]color.Attribute{
	bad:    {color.Bold, color.FgRed},
	warn:   {color.FgYellow},
	info:   {color.FgCyan},
	strong: {color.Bold},
	faint:  {color.Faint},
}

// paint colours text for one writer; the package's global switch is never
// asked, since stdout and stderr may differ.
type paint struct{ on bool }

func (p paint) text(t tone, s string) string {
	attrs := tones[t]
	if !p.on || len(attrs) == 0 || s == "" {
		return s
	}
	c := color.New(attrs...)
	c.EnableColor()
	return c.Sprint(s)
}
