# The work is in the scripts of ci/; this file only names it.

.DEFAULT_GOAL := help
.PHONY: help demo test env build lint format bench sim sim-mutants fuzz soak tsan clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: ## Set up, build, start a server and take a function from registration to its logs
	@ci/demo

test: ## Set up, lint, build and run every test on every world (WORLDS=sim,embedded selects some)
	@ci/test

env: ## Make .env from .env.example with fresh random secrets, unless there is one
	@ci/env

build: ## Set up and build everything, tests included
	@ci/setup
	@bash -c 'source ci/lib.sh && swift_build --build-tests'

lint: ## Check formatting, scripts and layout
	@ci/lint

format: ## Format the Swift sources in place
	swift format --in-place --parallel --recursive Package.swift Plugins Sources Tests

bench: ## Measure the figures of docs/benchmarks.md
	@ci/bench

sim: ## Simulate the whole control plane: SEEDS=1000 runs that many, SEED=7 one; ARGS adds options
	@ci/sim

sim-mutants: ## Put bugs into a copy and see that the simulation finds each (SEEDS=100 seeds at most)
	@ci/sim-mutants

fuzz: ## Fuzz what reads HTTP, for SECONDS_EACH=30 seconds each
	@ci/fuzz

soak: ## Call a server in every way for SOAK_SECONDS=600, and see that it then holds what it held before
	@ci/soak

tsan: ## The proxy's and the API's tests under ThreadSanitizer, after a full build of their own
	@ci/tsan

clean: ## Remove what was built
	rm -rf .build
