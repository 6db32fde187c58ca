# Everything a fresh machine needs: `make demo` shows the house at work, `make test` proves it.
# Both set up what is missing first; `make setup` does just that. `make help` lists the rest.

# The one list of Debian packages.
DEBIAN := \
	mosquitto mosquitto-clients \
	espeak-ng flite \
	libportaudio2 libopus0 alsa-utils sox \
	iproute2 openssl systemd util-linux \
	chromium

PACKAGES := \
	-e './protocol[fast,silero,microwake,openwake,microvad]' \
	-e './satellites[sound]' \
	-e './hub[engines,espeak,piper,deepspeech,sherpa,console]'
TOOLS := ruff mypy types-PyYAML pytest pytest-asyncio pytest-timeout pytest-xdist hypothesis psutil onnx soundfile httpx schemathesis wyoming

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/set-up
# More processes than two cores: tests with real programs mostly wait. JOBS=0 runs them in one.
JOBS := 3
PYTEST := $(BIN)/pytest -n $(JOBS) --dist worksteal
SAY := @printf '\n== %s\n'

.PHONY: help setup debian demo check test lint types unit all-tests clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    the whole house at work, in this terminal (ARGS="--room kitchen" passes options)'
	@echo 'make test    every check and every test'
	@echo 'make check   format, lint, types, unit tests: the quick part'
	@echo 'make setup   Debian packages and the virtual environment in $(VENV), nothing else'
	@echo 'make clean   remove the virtual environment and all caches'

setup: debian $(STAMP)

demo: setup
	@$(BIN)/antiphon demo $(ARGS)

check: lint types unit

test: lint types all-tests

lint: setup
	$(SAY) 'format and lint'
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(SAY) 'types'
	$(BIN)/mypy

unit: setup
	$(SAY) 'unit and architecture tests'
	$(PYTEST) -m 'not system and not slow' --hypothesis-profile quick $(ARGS)

all-tests: setup
	$(SAY) 'all tests'
	$(PYTEST) $(ARGS)

# Asks dpkg each time: it takes 20 ms, and a stamp would survive the packages.
debian:
	@missing=; wanted='$(DEBIAN)'; \
	$(or $(PYTHON),python3) -c 'import ensurepip' 2>/dev/null || wanted="$${wanted:+$$wanted python3-venv}"; \
	for package in $$wanted; do \
		dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed \
			|| missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if ! command -v apt-get >/dev/null; then \
		echo "make: no apt-get here; install what these Debian packages bring:$$missing" >&2; \
		echo 'make: then go on with: make DEBIAN= setup' >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then as_root=sudo; \
	else \
		echo 'make: some Debian packages are missing, and only root may install them. As root, run' >&2; \
		echo "    apt-get update && apt-get install --no-install-recommends$$missing" >&2; exit 1; \
	fi; \
	printf '\n== Debian packages:%s\n' "$$missing"; \
	$$as_root apt-get update && \
	$$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --no-install-recommends $$missing

# Editable installs, so that the packages need it again only when their dependencies change.
$(STAMP): Makefile constraints.txt protocol/pyproject.toml satellites/pyproject.toml hub/pyproject.toml
	$(SAY) 'virtual environment in $(VENV)'
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		$$python -c 'import ensurepip, venv' 2>/dev/null || { no_venv=$$python; continue; }; \
		$$python -m venv $(VENV) && exit 0; \
	done; \
	if [ -n "$$no_venv" ]; then \
		echo "make: $$no_venv has no ensurepip; as root, run: apt-get install python3-venv" >&2; \
	else \
		echo 'make: no Python 3.11 or later; install one, or name it: make PYTHON=/path/to/python3' >&2; \
	fi; exit 1
	$(SAY) 'Python packages (about 500 MB; minutes on the first run)'
	$(BIN)/python -m pip install --upgrade --constraint constraints.txt pip setuptools
	$(BIN)/python -m pip install --constraint constraints.txt --no-build-isolation $(PACKAGES) $(TOOLS)
	$(BIN)/python -m pip check
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build
	find protocol satellites hub tests -name __pycache__ -prune -exec rm -rf {} +
	rm -rf protocol/*.egg-info satellites/*.egg-info hub/*.egg-info
