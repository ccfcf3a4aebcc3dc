# Pinned tools, built from source into bin/tools; a new version is a new file.

TOOLS := bin/tools
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)

$(GOLANGCI_LINT):
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), about 2 minutes once"
	@mkdir -p $(TOOLS)
	GOBIN=$(abspath $(TOOLS)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

GORELEASER_VERSION := v2.16.0
GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)

$(GORELEASER):
	@echo "building goreleaser $(GORELEASER_VERSION), about 3 minutes once"
	@mkdir -p $(TOOLS)
	GOBIN=$(abspath $(TOOLS)) $(GO) install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	@mv $(TOOLS)/goreleaser $@

ACTIONLINT_VERSION := v1.7.12
ACTIONLINT := $(TOOLS)/actionlint-$(ACTIONLINT_VERSION)

$(ACTIONLINT):
	@echo "building actionlint $(ACTIONLINT_VERSION), seconds once"
	@mkdir -p $(TOOLS)
	GOBIN=$(abspath $(TOOLS)) $(GO) install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
	@mv $(TOOLS)/actionlint $@

# The release workflow has these from actions; here they rehearse a release.
SYFT_VERSION := v1.52.0
SYFT := $(TOOLS)/syft-$(SYFT_VERSION)

$(SYFT):
	@echo "building syft $(SYFT_VERSION), about 4 minutes once"
	@mkdir -p $(TOOLS)
	GOBIN=$(abspath $(TOOLS)) $(GO) install github.com/anchore/syft/cmd/syft@$(SYFT_VERSION)
	@mv $(TOOLS)/syft $@

COSIGN_VERSION := v3.1.3
COSIGN := $(TOOLS)/cosign-$(COSIGN_VERSION)

$(COSIGN):
	@echo "building cosign $(COSIGN_VERSION), about 3 minutes once"
	@mkdir -p $(TOOLS)
	GOBIN=$(abspath $(TOOLS)) $(GO) install github.com/sigstore/cosign/v3/cmd/cosign@$(COSIGN_VERSION)
	@mv $(TOOLS)/cosign $@
