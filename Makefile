# Everything a contributor or CI does has a target here; `make` lists them.
# It needs Go, make and git, and installs the rest into bin/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
BIN := bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# The nested module links Kubernetes itself. These flags are the same for the
# control plane and for the tests, so that nothing compiles twice.
NESTED := CGO_ENABLED=0 $(GO)
NESTED_FLAGS := -trimpath

include hack/tools.mk

##@ General

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the plugins into bin/.
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o $(BIN)/ ./cmd/...

.PHONY: clean
clean: ## Remove what was built, the control plane included.
	rm -rf $(BIN) dist .cache

##@ See it work

.PHONY: demo
demo: ## Build all, start a real control plane, and run the plugin on it.
	@echo "building what reads a capture: half a minute the first time, seconds after that"
	@mkdir -p $(BIN) && CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/preview ./internal/gen/preview
	@printf '\n=== From a capture: kubectl get ds shows 36 desired, 36 ready\n\n$$ kubectl ds-coverage --from docs/examples/hidden-155-of-191.yaml\n'
	@$(BIN)/preview docs/examples/hidden-155-of-191.yaml
	@printf '\n=== From a capture: what the cluster looks like that is built next\n\n$$ kubectl ds-coverage --from docs/examples/demo-cluster.json --grace 0s\n'
	@$(BIN)/preview docs/examples/demo-cluster.json --grace 0s
	@echo; echo "building the plugin and the tools that start a control plane: about 2 minutes the first time"
	@cd test && $(NESTED) run $(NESTED_FLAGS) ./demo

.PHONY: cluster-up
cluster-up: ## Start a local control plane and print its KUBECONFIG line (NAME=default NODES=0).
	@cd test && $(NESTED) run $(NESTED_FLAGS) ./cluster/cmd/localcluster up --name $(or $(NAME),default) --nodes $(or $(NODES),0)

.PHONY: cluster-down
cluster-down: ## Stop the local control plane (NAME=default).
	@cd test && $(NESTED) run $(NESTED_FLAGS) ./cluster/cmd/localcluster down --name $(or $(NAME),default)

##@ Test

.PHONY: test
test: test-unit test-mutants test-real ## Run all tests: fast ones, then those on the real control plane.

.PHONY: test-unit
test-unit: ## Run the tests that need nothing but Go.
	$(GO) test ./...

.PHONY: test-mutants
test-mutants: ## Break the rollout's rules one by one, and see that the simulation catches each (4 minutes).
	SIM_MUTANTS=1 $(GO) test ./internal/testkit/sim -run TestMutantsAreCaught -timeout 25m

.PHONY: test-real
# Go's test cache knows nothing of the plugins that these tests build and run.
test-real: ## Run the oracle and the tests on the real control plane.
	cd test && $(NESTED) test $(NESTED_FLAGS) -count=1 -p 1 -timeout 40m ./...

.PHONY: race
race: ## Run the fast tests with the race detector (needs a C compiler).
	$(GO) test -race ./...

.PHONY: golden
golden: ## Write golden files and what documents show again; read the diff as prose.
	$(GO) test ./pkg/coverage -run Monday -update
	$(GO) test ./internal/present/... ./internal/cmd/... -update
	$(GO) test ./internal/cmd/coverage -run TestOutputsInDocuments -update-docs
	$(GO) test ./docs -update-docs
	cd test && $(NESTED) test $(NESTED_FLAGS) ./demo -run TestDocuments -update-docs

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME (default 30s).
	./hack/fuzz.sh $(or $(FUZZTIME),30s)

.PHONY: bench
bench: ## Benchmark the pure analyzer.
	$(GO) test ./pkg/coverage ./pkg/eligibility -run '^$$' -bench . -benchmem -timeout 30m

.PHONY: bench-real
bench-real: ## Measure against kubectl, curl and RollingUpdate on the real control plane.
	cd test && $(NESTED) run $(NESTED_FLAGS) ./bench
	cd test && $(NESTED) run $(NESTED_FLAGS) ./bench/rollout

.PHONY: soak
soak: ## Wider sweeps than make test: more seeds, more worlds, longer fuzzing.
	cd test && KUBECTL_DS_SOAK=1 $(NESTED) test $(NESTED_FLAGS) -p 1 -timeout 3h ./...
	./hack/fuzz.sh $(or $(FUZZTIME),5m)

##@ Verify

.PHONY: verify
verify: verify-format verify-tidy verify-generate lint ## Everything that is checked before the tests.

.PHONY: verify-format
verify-format:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not formatted, run gofmt -w:"; echo "$$out"; exit 1; fi

.PHONY: verify-tidy
verify-tidy:
	$(GO) mod tidy -diff
	cd test && $(GO) mod tidy -diff

.PHONY: generate
generate: ## Write generated documents again.
	$(GO) generate ./...

.PHONY: verify-generate
verify-generate: generate
	@git diff --exit-code -- docs || { echo "generated documents differ: run make generate and commit"; exit 1; }

.PHONY: lint
# What else actionlint would run, where it is installed, is left out: the result
# is the same everywhere.
lint: $(GOLANGCI_LINT) $(ACTIONLINT) ## Run golangci-lint on both modules, and actionlint on the workflows.
	$(ACTIONLINT) -shellcheck= -pyflakes=
	$(GOLANGCI_LINT) run ./...
	cd test && CGO_ENABLED=0 GOFLAGS="$$($(GO) env GOFLAGS) -trimpath" ../$(GOLANGCI_LINT) run -c ../.golangci.yaml ./...

##@ Release

RELEASE := GORELEASER=$(GORELEASER) ./hack
PLATFORM = $(shell $(GO) env GOOS)_$(shell $(GO) env GOARCH)
# A clone without tags knows no version.
TAG = $(if $(filter v%,$(VERSION)),$(VERSION:%-dirty=%),v0.0.0-g$(shell git rev-parse --short HEAD))

.PHONY: dist
dist: $(GORELEASER) ## Build archives and packages of what is committed, for this platform, into dist/ (VERSION=v0.1.0).
	$(RELEASE)/release.sh $(TAG) $(or $(OUT),dist) $(PLATFORM)

.PHONY: release-tools
release-tools: $(GORELEASER) $(SYFT) $(COSIGN) ## Build what make soak rehearses a release with.

.PHONY: release-manifests
release-manifests: $(GORELEASER) ## Build all platforms and write plugins/*.yaml (VERSION=v0.1.0; COMMIT=HEAD).
	$(RELEASE)/release-manifests.sh $(TAG)
