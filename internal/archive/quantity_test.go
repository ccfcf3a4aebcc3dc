package archive

import (
	"context"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestQuantitiesThatWouldTakeForEver(t *testing.T) {
	for _, q := range []string{`"1e-2147483647"`, `1e-2147483647`, `"1E-99999999"`, `" 1e-2147483647 "`, `"-1.5e-2147483647"`, `"\t1e-2147483647\n"`,
		`"1\u0065-2147483647"`, `"1e-\u0032147483647"`, `"\u0031e-2147483647"`, `"1e2147483647"`,
		`"1` + strings.Repeat("0", 1<<20) + `"`, `0.` + strings.Repeat("0", 1<<20) + `1`} {
		_, err := Read(context.Background(), Stdin, strings.NewReader(strings.Replace(podX, `"100m"`, q, 1)), snapshot.Scope{})
		if err == nil || !strings.Contains(err.Error(), "out of all bounds") || !strings.Contains(err.Error(), "Pod x/d-a") {
			t.Errorf("%.40s: got %.200v", q, err)
		}
	}
	for _, q := range []string{`"1e3"`, `"1e-3"`, `"1e-999"`, `"12"`, `1e3`, `"99999999999999999999Ei"`} {
		s, err := Read(context.Background(), Stdin, strings.NewReader(strings.Replace(podX, `"100m"`, q, 1)), snapshot.Scope{})
		if err != nil || s.Pods[0].Requests.MilliCPU == 0 {
			t.Errorf("%s: got %v", q, err)
		}
	}
	t.Run("what only looks like one elsewhere", func(t *testing.T) {
		s := readString(t, strings.Replace(dsX, `"team":"red"`, `"commit":"12e4567","hash":"0e12345"`, 1), snapshot.Scope{})
		if s.DaemonSets[0].Labels["commit"] != "12e4567" {
			t.Errorf("labels are %v", s.DaemonSets[0].Labels)
		}
	})
}
