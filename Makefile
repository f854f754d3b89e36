# SPDX-License-Identifier: Apache-2.0
#
# demo and test need Go, gcc and make. Every other target says what else it needs
# and fails, naming it, where that is missing.

GO       ?= go
FUZZTIME ?= 10s
# TESTFLAGS and RACEFLAGS are added to the go test commands, BENCH selects benchmarks,
# ARGS goes to the demo and the bench.
TESTFLAGS ?=
RACEFLAGS ?=
BENCH     ?= .
ARGS      ?=

# The linter is pinned and built once for each Go release into the user's cache.
LINT_VERSION := v2.15.0
LINT_DIR      = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/iostreamkit/golangci-lint-$(LINT_VERSION)-$(shell $(GO) env GOVERSION)
LINT          = $(LINT_DIR)/golangci-lint

# A 32-bit machine of which this one runs the programs.
ARCH32 = $(patsubst amd64,386,$(patsubst arm64,arm,$(shell $(GO) env GOHOSTARCH)))

.PHONY: help demo demo-check test mutants test-race test-32 test-model bench bench-gate bench-go fuzz lint cross ci

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## stream a file between two processes and verify it (ARGS: its flags)
	$(GO) run ./tools/iostreamctl demo $(ARGS)

demo-check: ## run the demo and check what it reports
	GO="$(GO)" .ci/demo-check

test: ## run every test; needs Go, gcc and make only
	$(GO) test -timeout 10m $(TESTFLAGS) ./...

mutants: ## list which broken drivers each conformance rule catches (test checks them too)
	$(GO) run ./tools/mutants

# The mutants are races on purpose in part, so they are left to the other lanes.
test-race: ## run the tests of the libraries under the race detector
	$(GO) test -race -timeout 15m $(TESTFLAGS) $(RACEFLAGS) \
		$$($(GO) list ./internal/... ./linux/... ./sdk/... | grep -v /conformance/mutant)

test-32: ## run the tests of the libraries as 32-bit programs
	GOARCH=$(ARCH32) CGO_ENABLED=0 $(GO) test -timeout 10m $(TESTFLAGS) ./internal/... ./linux/... ./sdk/...

test-model: ## check the wake-up protocol exhaustively; needs spin and gcc
	.ci/need spin gcc
	sdk/queue/model/run.sh

bench: ## measure beside C and other transports (ARGS: its flags); needs gcc
	$(GO) run ./tools/bench $(ARGS)

bench-gate: ## check the rows of the bench that are gates; needs gcc
	.ci/need gcc
	$(GO) run ./tools/bench -gate -rounds 11

bench-go: ## run the Go benchmarks (BENCH selects)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## fuzz each target for FUZZTIME
	GO="$(GO)" FUZZTIME="$(FUZZTIME)" .ci/fuzz

lint: $(LINT) ## run the linter and list long files; builds golangci-lint once
	$(LINT) run --allow-parallel-runners ./...
	GOOS=darwin CGO_ENABLED=0 $(LINT) run ./...
	cd tools/bench/peers && $(LINT) run --allow-parallel-runners ./...
	$(GO) test -count=1 -run TestFileLength -v ./internal/house

$(LINT):
	GOBIN="$(LINT_DIR)" GOFLAGS= $(GO) install -trimpath github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

cross: ## build and vet for every supported system; check that Linux programs are static
	GO="$(GO)" .ci/cross

ci: ## run every lane, as .ci/run does
	MAKE="$(MAKE)" .ci/lanes test lint test-race test-32 cross test-model fuzz demo-check bench-gate
