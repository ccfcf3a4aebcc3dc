package gates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	corev1 "k8s.io/api/core/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

const (
	// celCost bounds an evaluation by what it does, not by the speed of a
	// host; about what the API server allows one expression.
	celCost = 1_000_000
	// celInterrupt is after how many steps of a loop the time is looked at.
	celInterrupt = 100
	// maxExpression bounds the text.
	maxExpression = 16 << 10
)

// Variables of an expression, as the objects look in JSON; null where there is
// none.
const (
	celNode      = "node"
	celPod       = "pod" // of the DaemonSet on the node
	celDaemonSet = "daemonSet"
	celRun       = "run"
)

// celProbe compiles an expression that must be a bool: true passes, false
// fails.
func (r *Runner) celProbe(expr string, when rollout.When) (probe, error) {
	if len(expr) > maxExpression {
		return nil, fmt.Errorf("cel: the expression is longer than %d bytes", maxExpression)
	}
	program, uses, err := compile(expr)
	if err != nil {
		return nil, fmt.Errorf("cel: %w", err)
	}
	if when == rollout.BeforeWave && (uses[celNode] || uses[celPod]) {
		return nil, errors.New("cel: it reads node or pod, and before a wave there is none; ask it beforeNode or afterNode")
	}
	return func(ctx context.Context, q *Question) Answer {
		vars, err := r.variablesOf(ctx, q, uses)
		if err != nil {
			return unread(ctx, err)
		}
		out, _, err := program.ContextEval(ctx, vars)
		if err != nil {
			return unread(ctx, fmt.Errorf("evaluate: %w", err))
		}
		switch ok, is := out.Value().(bool); {
		case !is:
			return cannot(givesOther+"%s instead of a bool", out.Type().TypeName())
		case ok:
			return pass("true: %s", expr)
		}
		return fail("false: %s", expr)
	}, nil
}

func compile(expr string) (program cel.Program, uses map[string]bool, err error) {
	env, err := cel.NewEnv(
		cel.OptionalTypes(), ext.Strings(),
		cel.Variable(celNode, cel.DynType), cel.Variable(celPod, cel.DynType),
		cel.Variable(celDaemonSet, cel.DynType), cel.Variable(celRun, cel.DynType),
	)
	if err != nil {
		return nil, nil, err
	}
	ast, issues := env.Compile(expr)
	if err := issues.Err(); err != nil {
		return nil, nil, errors.New(clean(err.Error()))
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, nil, fmt.Errorf("the expression gives %s; it must give a bool", t)
	}
	program, err = env.Program(ast, cel.CostLimit(celCost), cel.InterruptCheckFrequency(celInterrupt), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, nil, errors.New(clean(err.Error()))
	}
	uses = map[string]bool{}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		uses[ref.Name] = true
	}
	return program, uses, nil
}

// variablesOf reads and converts only what the expression uses.
func (r *Runner) variablesOf(ctx context.Context, q *Question, uses map[string]bool) (map[string]any, error) {
	objects := map[string]any{celNode: nil, celPod: nil, celDaemonSet: nil, celRun: nil}
	if uses[celNode] && q.Node != nil {
		objects[celNode] = q.Node.Node
	}
	if uses[celPod] {
		pod, err := r.wholePod(ctx, q)
		if err != nil {
			return nil, err
		}
		if pod != nil {
			objects[celPod] = pod
		}
	}
	if uses[celDaemonSet] && q.View != nil && q.View.DaemonSet != nil {
		objects[celDaemonSet] = q.View.DaemonSet
	}
	if uses[celRun] {
		objects[celRun] = q.Run
	}
	for name, obj := range objects {
		if obj == nil {
			continue
		}
		v, err := plain(obj)
		if err != nil {
			return nil, fmt.Errorf("convert %s: %w", name, err)
		}
		objects[name] = v
	}
	return objects, nil
}

// wholePod is the object of the pod that q is about; nil where there is none.
func (r *Runner) wholePod(ctx context.Context, q *Question) (*corev1.Pod, error) {
	p := q.pod()
	if p == nil {
		return nil, nil
	}
	if p.Full != nil {
		return p.Full, nil
	}
	pods, err := r.cluster.NodePods(ctx, q.Node.Node.Name)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if pods[i].UID == p.UID {
			return pods[i].Full, nil
		}
	}
	return nil, nil
}

// plain is the JSON of v as maps, lists, strings, bools, int64 and float64.
func plain(v any) (map[string]any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	err = utiljson.Unmarshal(data, &out)
	return out, err
}
