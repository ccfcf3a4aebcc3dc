// Package rollout holds the commands of kubectl ds-rollout: flags become
// options, and options run.
package rollout

//go:generate go run ../../gen/policyschema ../../../pkg/rollout/policy.go ../../../docs/rollout-policy.schema.json
