package release

import (
	"os/exec"
	"strings"
	"testing"
)

// maxProgram is what a stripped plugin may weigh; docs/performance.md says what
// it is made of.
const maxProgram = 75_000_000

func TestProgramsStaySmall(t *testing.T) {
	for _, plugin := range plugins {
		if size := len(entries(t, plugin)["kubectl-ds_"+plugin].Content); size > maxProgram {
			t.Errorf("kubectl-ds_%s has %d bytes, more than %d", plugin, size, maxProgram)
		}
	}
}

// ds-coverage is to stay the smaller one: gates are of ds-rollout alone. Neither
// needs a cloud's SDK.
func TestProgramsLinkOnlyWhatTheyNeed(t *testing.T) {
	sdks := []string{"cloud.google.com/", "github.com/Azure/azure-sdk-for-go", "github.com/aws/", "k8s.io/kubernetes", "sigs.k8s.io/controller-runtime", "github.com/prometheus/prometheus/"}
	forbidden := map[string][]string{
		"coverage": append([]string{"cel.dev/", "github.com/antlr4-go/", "github.com/prometheus/client_golang/api"}, sdks...),
		"rollout":  sdks,
	}
	for _, plugin := range plugins {
		cmd := exec.Command("go", "list", "-deps", "./cmd/kubectl-ds_"+plugin)
		cmd.Dir = built.root
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(out)) {
			for _, far := range forbidden[plugin] {
				if strings.HasPrefix(dep, far) {
					t.Errorf("kubectl-ds_%s links %s", plugin, strings.TrimSpace(dep))
				}
			}
		}
	}
}
