# Everything a person does with this project; `make help` lists it. Docker and a cloud are never needed;
# root only where the tests' redis-server is missing.
# The distribution's Python where it will do: it is built for speed, one built from source often isn't.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
  echo /usr/bin/python3 || echo python3)
NAME ?= default
STACK ?= dev
CONTEXT ?=
NODES ?=
AREA ?=
RUNS ?=
N ?=
STACKS ?=
AT_ONCE ?= 2
A ?= staging
B ?= prod
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := $(BIN)/python -m sandbox --name '$(NAME)'
PACKAGES := $(VENV)/.installed
SHELL_FILES := .ci/run $(shell git ls-files '*.sh')
YAML_FILES := $(shell git ls-files '*.yaml' '*.yml') .yamllint
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: help setup images up up-all preview report drift repair adopt diff-env down status shell env clean test faults \
  verify-consequences lint format lock schema pin outdated bench

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'
	@echo "  NAME=x gives a second sandbox beside the default one; up takes CONTEXT=x and NODES=real or kwok, preview takes STACK=x"

setup: $(PACKAGES) ## install what is missing, build the tools and make the images
	@sandbox/debian-packages.sh
	@$(SANDBOX) tools

images: $(PACKAGES) ## make the images of the real nodes and say what they are
	@sandbox/debian-packages.sh
	@$(BIN)/python -m sandbox.images

up: $(PACKAGES) ## start the sandbox and roll the stack dev out; CONTEXT=x: to your own cluster
	@sandbox/debian-packages.sh
	@$(SANDBOX) --context '$(CONTEXT)' --nodes '$(NODES)' up

up-all: $(PACKAGES) ## update many stacks of yours, a few at a time: STACKS="prod-eu prod-us" AT_ONCE=2
	@$(BIN)/python -m delivery up-all --at-once '$(AT_ONCE)' $(STACKS)

preview: $(PACKAGES) ## show what an edit would change; STACK=staging or prod: another stack file
	@$(SANDBOX) --stack '$(STACK)' preview

report: $(PACKAGES) ## say what an edit would do to what runs: restarts, downtime, data loss
	@eval "$$($(SANDBOX) env)" && $(BIN)/python -m delivery report

drift: $(PACKAGES) ## show what somebody changed in the cluster behind the program's back, and who; fails if there is any
	@eval "$$($(SANDBOX) env)" && $(BIN)/python -m delivery drift

repair: $(PACKAGES) ## put back what drifted
	@eval "$$($(SANDBOX) env)" && $(BIN)/python -m delivery repair

adopt: $(PACKAGES) ## take what drifted over into the state, and show what the program still declares otherwise
	@eval "$$($(SANDBOX) env)" && $(BIN)/python -m delivery adopt

diff-env: $(PACKAGES) ## show what two stack files come to differently: A=staging B=prod
	@$(BIN)/python -m delivery diff-env '$(A)' '$(B)'

down: $(PACKAGES) ## destroy the stack, stop the sandbox and remove it
	@$(SANDBOX) down

status: $(PACKAGES) ## say what runs and where the logs are
	@$(SANDBOX) status

shell: $(PACKAGES) ## open a shell in which kubectl and pulumi work on the sandbox
	@$(SANDBOX) shell

env: $(PACKAGES) ## print the same as lines for a shell: eval "$(make -s env)"
	@$(SANDBOX) env

clean: $(PACKAGES) ## stop the sandbox and remove it without destroying the stack first
	@$(SANDBOX) clean

test: $(PACKAGES) ## run all tests, those on real nodes last
	@sandbox/debian-packages.sh
	@$(BIN)/python -m pytest -n 4 --no-loadscope-reorder --ignore tests/e2e --ignore tests/faults
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder tests/e2e

faults: $(PACKAGES) ## disturb what must stand it, one short round; AREA=controllers: the long one, with figures
	@sandbox/debian-packages.sh
	@$(BIN)/python -m $(if $(AREA),tests.faults.$(AREA) $(if $(RUNS),--runs $(RUNS)),pytest -n 3 tests/faults)

verify-consequences: $(PACKAGES) ## do some 80 edits on a sandbox and compare what the report said with what happened
	@sandbox/debian-packages.sh
	@$(BIN)/python -m tests.consequences

lint: $(PACKAGES) ## check formatting, style, types, shell scripts and YAML
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/basedpyright
	@$(BIN)/shellcheck $(SHELL_FILES)
	@$(BIN)/yamllint --strict $(YAML_FILES)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $$($(BIN)/python -m sandbox.toolchain actionlint)

format: $(PACKAGES) ## format the Python files
	@$(BIN)/ruff format

lock: $(PACKAGES) ## lock the newest versions of all packages, with hashes
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-controllers.in -c requirements.txt -o requirements-controllers.txt
	@$(COMPILE) requirements-dev.in -c requirements.txt -c requirements-controllers.txt -o requirements-dev.txt

schema: $(PACKAGES) ## write the JSON schema of the stack files
	@$(BIN)/python -m components.settings_schema > schema/stack.schema.json

pin: $(PACKAGES) ## ask the image registries for the digest of every pinned tag and write the lock
	@$(BIN)/python -m pins lock

outdated: $(PACKAGES) ## list newer versions of what is pinned, where its publisher can be asked
	@$(BIN)/python -m pins outdated

bench: $(PACKAGES) ## measure the ratios that benchmarks/ describes; AREA=controllers N=10000: the controllers at scale
	@$(BIN)/python -m benchmarks$(if $(AREA),.$(AREA)) $(if $(N),--n $(N))

$(PACKAGES): requirements-dev.txt | $(BIN)/python
	@echo "Installing the Python packages, about a minute the first time …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, '$(PYTHON)' is not: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) can't make virtual environments: on Debian and Ubuntu run 'apt install python3-venv'" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
