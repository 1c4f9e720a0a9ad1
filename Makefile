# `make` alone lists every verb. Each verb sets up the environment by itself when it needs one.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Python keeps its bytecode: without that each start of a process compiles all that it imports.
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

# Lists come from the folders. All paths are relative, so the checkout may live under a name with a space.
DEPLOYABLES := $(notdir $(wildcard services/*) gateway)
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml \
	gateway/pyproject.toml deploy/*/pyproject.toml))
FAST_TESTS = $(wildcard libs/*/tests/unit libs/contracts/tests services/*/tests/unit gateway/tests/unit \
	tests/architecture tests/contracts)
TYPED = $(wildcard libs services gateway deploy tests tools)

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
READY := .venv/.ready
RUN := $(BIN)/python -m
STACK := $(RUN) local_stack
UV := $(BIN)/uv
INSTALL := $(UV) pip install --python $(BIN)/python
EXPORT := $(UV) export --frozen --quiet --no-emit-workspace --no-annotate --no-header --no-emit-index-url
empty :=
space := $(empty) $(empty)
say = printf '── %s\n' "$(1)"

.PHONY: help
help:
	@if [ -t 1 ] && [ -z "$$NO_COLOR" ]; then verb='\033[1;36m' group='\033[1m' plain='\033[0m'; fi; \
	awk -v verb="$$verb" -v group="$$group" -v plain="$$plain" -F ':.*## ' \
		'/^##@ / { print group substr($$0, 5) plain } \
		/^[a-z-]+:.*## / { print verb sprintf("  %-17s", $$1) plain " " $$2 }' Makefile

##@ Environment

.PHONY: setup
setup: $(READY) ## Make or refresh the environment in .venv
	@echo "The environment in .venv is ready."

$(READY): requirements/tools.txt requirements/dev.txt deploy/local/src/local_stack/jgo.lock.toml \
		$(MEMBERS:%=%/pyproject.toml)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; name one with PYTHON=…" >&2; exit 1; }
	@$(call say,environment 1/5: .venv with $(PYTHON))
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(call say,environment 2/5: uv)
	@$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@$(call say,environment 3/5: third-party packages with their hashes)
	@$(INSTALL) --compile-bytecode --require-hashes -r requirements/dev.txt
	@$(call say,environment 4/5: the project's own packages)
	@$(INSTALL) --quiet --no-deps --no-build-isolation --no-index $(MEMBERS:%=-e %)
	@$(call say,environment 5/5: the broker)
	@$(STACK) jars fetch
	@touch $@

.PHONY: lock
lock: $(READY) ## Resolve third-party versions and write the hashed pins (UPGRADE=1 takes newer ones)
	@$(UV) lock $(if $(UPGRADE),--upgrade)
	@$(EXPORT) --only-group tools -o requirements/tools.txt
	@$(EXPORT) --all-packages -o requirements/dev.txt
	@for name in $(DEPLOYABLES); do \
		$(EXPORT) --no-default-groups --package "stoa-$$name" -o "requirements/$$name.txt" || exit 1; done

.PHONY: clean
clean: ## Stop the stack; remove the environment, caches and local state
	@if [ -d .stoa ] && [ -x $(BIN)/python ]; then $(STACK) clean; fi
	@rm -rf .venv .stoa .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find libs services gateway deploy tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Running

.PHONY: demo
demo: $(READY) ## Start everything and tell the main story: a person asks, an agent acts, all see it live
	@$(STACK) demo

.PHONY: up down status migrate
up: $(READY) ## Start PostgreSQL, Kafka, the services and the gateway; wait until all are healthy
down: $(READY) ## Stop everything that `up` or `demo` started
status: $(READY) ## Show each process with its health and address
migrate: $(READY) ## Bring every service's database to the newest schema
up down status migrate:
	@$(STACK) $@

.PHONY: logs
logs: $(READY) ## Show the logs of all processes, or of one: make logs PROCESS=agent
	@$(STACK) logs $(PROCESS)

##@ Checking

.PHONY: test
test: $(READY) ## Run every check and every test
	@$(MAKE) -j3 lint types contracts
	@$(RUN) pytest -n 4 --no-loadscope-reorder

.PHONY: test-fast
test-fast: $(READY) ## Run the unit, contract and architecture tests, without servers
	@$(RUN) pytest -n 2 --no-loadscope-reorder $(FAST_TESTS)

.PHONY: crash-sweep
crash-sweep: $(READY) ## Kill each process at each crash point while clients go on, then check every invariant: SEED=n
	@$(RUN) tests.chaos sweep $(if $(SEED),--seed $(SEED))

.PHONY: chaos
chaos: $(READY) ## Break the running system at random, then check every invariant: MINUTES=n SEED=s FAULTS=kill,pause
	@$(RUN) tests.chaos run $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(FAULTS),--faults $(FAULTS))

.PHONY: check-the-checker
check-the-checker: $(READY) ## Plant one bug after the other in the running system: the checker must find each
	@$(RUN) tests.chaos mutants

.PHONY: bench
bench: $(READY) ## Measure what performance was promised, each beside its baseline: ONLY=P7
	@$(RUN) tests.load $(if $(ONLY),--only $(ONLY))

.PHONY: soak
soak: $(READY) ## Load the system for long, and see whether a process keeps memory, tasks, connections or files: MINUTES=n
	@$(RUN) tests.load.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE))

.PHONY: lint
lint: $(READY) ## Check style, import rules, size limits, rooms and words
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(RUN) tools

.PHONY: format
format: $(READY) ## Rewrite the sources in the one format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: types
types: $(READY) ## Check the types of everything, strictly
	@MYPYPATH=$(subst $(space),:,$(wildcard libs/*/src services/*/src gateway/src deploy/*/src)):. $(RUN) mypy --num-workers auto $(TYPED)

.PHONY: contracts
contracts: $(READY) ## Check each message's model, schema, example and compatibility
	@$(RUN) contracts check
