# What there is to do with this repository; "make help" lists it. All set-up that a
# target needs lives in scripts/.

SHELL := bash
export CGO_ENABLED := 0

# Empty outside a git checkout; the binary then says what the Go toolchain knows.
VERSION := $(shell [ -e .git ] && git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X github.com/huntbook/huntbook/internal/version.linked=$(VERSION)

FUZZ_SECONDS ?= 10

.PHONY: help build test test-fast lint fuzz race agreement bench bench-servers clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -buildvcs=false: the version above says the same, and a checkout that belongs to
# somebody else still builds.
build: ## build bin/huntbook, one static binary
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/ ./cmd/huntbook

test: build ## everything that must hold before a change lands, with all its set-up
	@scripts/test.sh

test-fast: ## the Go tests alone
	go test ./...

lint: ## gofmt, go vet and golangci-lint
	@scripts/lint.sh

fuzz: ## every fuzz target for FUZZ_SECONDS (10)
	@scripts/fuzz.sh $(FUZZ_SECONDS)

race: ## the tests of what runs concurrently, under the race detector
	@scripts/race.sh

agreement: ## the matcher against the slow evaluator: every rule on every event of the corpus
	@scripts/agreement.sh

# BENCH: flags for a smaller run, such as BENCH='-rounds 2 -megabytes 30 -stream-gigabytes 1'.
bench: build ## the peers and huntbook on the same work; writes docs/benchmarks.md (half an hour)
	go run ./bench $(BENCH)

bench-servers: build ## ingest and hunts on an Elasticsearch that it starts; a section of docs/benchmarks.md (ten minutes)
	HUNTBOOK_START=elasticsearch scripts/servers/run.sh go run ./bench servers $(BENCH)

clean: ## remove what the targets above made
	rm -rf bin .cache
