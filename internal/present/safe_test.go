package present

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSafeShowsWhatWouldAct(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text is untouched", "ip-10-0-128-4: Ready", "ip-10-0-128-4: Ready"},
		{"other scripts are untouched", "узел 节点 é", "узел 节点 é"},
		{"a colour sequence", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"a window title", "\x1b]0;owned\a", `\x1b]0;owned\x07`},
		{"carriage return hides what stood before", "bad\rgood", `bad\rgood`},
		{"a line break forges a line", "a\nerror: b\tc", `a\nerror: b\tc`},
		{"delete and C1", "\x7f\u009b31m", `\x7f\x9b31m`},
		{"bidi override and isolate", "\u202egpj.exe\u2066x\u2069", `\u202egpj.exe\u2066x\u2069`},
		{"bidi marks", "\u200e\u200f\u061c", `\u200e\u200f\u061c`},
		{"zero width", "a\u200bb\u200dc\ufeffd", `a\u200bb\u200dc\ufeffd`},
		{"separators", "a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"broken UTF-8", "a\xffb\xc3", `a\xffb\xc3`},
		{"tag characters", "a\U000e0041", `a\U000e0041`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Safe(c.in); got != c.want {
				t.Errorf("Safe(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", "a\xff\u202e\r\n", "é节\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Safe(s)
		if !utf8.ValidString(out) {
			t.Fatalf("Safe(%q) is not valid UTF-8: %q", s, out)
		}
		if i := strings.IndexFunc(out, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029
		}); i >= 0 {
			t.Fatalf("Safe(%q) lets a control character through at byte %d: %q", s, i, out)
		}
		if again := Safe(out); again != out {
			t.Fatalf("Safe is not stable: %q, then %q", out, again)
		}
	})
}
