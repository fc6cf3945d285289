# Everything here works on a machine that has Go, except: check needs a C compiler
# for the race detector, and e2e, bench-peers and bench-inspect need the programs
# they name.

GO      ?= go
FUZZTIME ?= 10s
COUNT   ?= 6
BENCH   ?= .
ARGS    ?= demo

.DEFAULT_GOAL := build

.PHONY: build
build: ## build ./bin/wiregloss (the default)
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/wiregloss ./cmd/wiregloss

.PHONY: test
test: ## run the tests; needs nothing but Go
	CGO_ENABLED=0 $(GO) test ./...

.PHONY: check
check: ## everything CI does; STEPS="lint race" runs some of it
	@FUZZTIME=$(FUZZTIME) .ci/check $(STEPS)

.PHONY: lint
lint: ## run golangci-lint
	@.ci/check lint

.PHONY: fmt
fmt: ## format the code with gofumpt
	@.ci/tool golangci-lint fmt

.PHONY: golden
golden: ## write the golden files and generated docs again
	@.ci/golden

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@.ci/fuzz $(FUZZTIME)

.PHONY: e2e
e2e: ## drive the whole program through a terminal
	@.ci/check e2e

.PHONY: bench
bench: ## run the benchmarks matching BENCH; compare with the ones kept by bench-keep
	@BENCH='$(BENCH)' COUNT=$(COUNT) .ci/bench

.PHONY: bench-keep
bench-keep: ## keep the last benchmark results to compare with
	cp bin/bench/new.txt bin/bench/old.txt

.PHONY: bench-peers
bench-peers: ## measure wiregloss beside grpcurl, as ratios
	@.ci/bench-peers

.PHONY: bench-inspect
bench-inspect: ## measure inspect beside tshark -V on one capture, as ratios
	@.ci/bench-inspect

.PHONY: bench-json
bench-json: ## measure wire to JSON beside dynamicpb, hyperpb and generated code
	@.ci/json-peers/run

.PHONY: run
run: ## run wiregloss with ARGS (demo)
	$(GO) run ./cmd/wiregloss $(ARGS)

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
