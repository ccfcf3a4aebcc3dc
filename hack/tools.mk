# Pinned tools, built from source into bin/tools; a new version is a new file.

TOOLS := bin/tools

# $(call tool,VARIABLE,NAME,VERSION,PACKAGE,TIME) makes VARIABLE the file of a
# tool, and a rule that builds it.
define tool
$(1) := $(TOOLS)/$(2)-$(3)

$(TOOLS)/$(2)-$(3):
	@echo "building $(2) $(3), $(5) once"
	@mkdir -p $(TOOLS)
	GOBIN=$$(abspath $(TOOLS)) $$(GO) install $(4)@$(3)
	@mv $(TOOLS)/$(2) $$@
endef

$(eval $(call tool,GOLANGCI_LINT,golangci-lint,v2.15.0,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,about 2 minutes))
$(eval $(call tool,ACTIONLINT,actionlint,v1.7.12,github.com/rhysd/actionlint/cmd/actionlint,seconds))
$(eval $(call tool,GORELEASER,goreleaser,v2.16.0,github.com/goreleaser/goreleaser/v2,about 3 minutes))

# The release workflow has these from actions; here they rehearse a release.
$(eval $(call tool,SYFT,syft,v1.52.0,github.com/anchore/syft/cmd/syft,about 4 minutes))
$(eval $(call tool,COSIGN,cosign,v3.1.3,github.com/sigstore/cosign/v3/cmd/cosign,about 3 minutes))
