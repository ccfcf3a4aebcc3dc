package gates

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMain makes the test binary a command of gates, too: a real process that
// does what GATES_HELPER says.
func TestMain(m *testing.M) {
	if what := os.Getenv("GATES_HELPER"); what != "" {
		os.Exit(help(what)) //nolint:forbidigo // the exit code is what the test is about
	}
	m.Run()
}

func help(what string) int {
	verb, arg, _ := strings.Cut(what, "=")
	switch verb {
	case "exit":
		code, err := strconv.Atoi(arg)
		if err != nil {
			return 5
		}
		say("first line\n")
		fmt.Fprintf(os.Stderr, "evidence \x1b[31m of exit %d\n\n", code)
		return code
	case "quiet":
		return 0
	case "env":
		for _, kv := range slices.Sorted(slices.Values(os.Environ())) { // Windows has an order of its own
			if strings.HasPrefix(kv, arg) {
				say("%s|", kv)
			}
		}
		return 0
	case "args":
		say("%q", os.Args)
		return 0
	case "flood":
		line := strings.Repeat("x", 1023) + "\n"
		for range 64 << 10 { // 64 MiB
			if _, err := os.Stdout.WriteString(line); err != nil {
				return 3
			}
		}
		say("the end\n")
		return 0
	case "parent":
		// A child that outlives its parent unless the whole group is killed.
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{"GATES_HELPER=child"}
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			say("%v\n", err)
			return 3
		}
		say("started a child\n") // before the test learns of it
		if err := os.WriteFile(arg, fmt.Append(nil, cmd.Process.Pid), 0o600); err != nil {
			say("%v\n", err)
			return 3
		}
		if strings.HasSuffix(arg, ".leave") {
			return 0
		}
		wait()
	case "hang", "child":
		wait()
	}
	return 4
}

// wait blocks until the process is killed.
func wait() {
	r, _, err := os.Pipe()
	if err == nil {
		_, _ = r.Read(make([]byte, 1))
	}
}

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format, args...) }
