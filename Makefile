# `make run` and `make test` set up what they need. `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
LOG := build/setup.log
JOBS ?= 2
ARGS ?=
SECONDS ?= 60

CORE_SOURCES := $(wildcard firmware/lib/ecg_core/src/*.[ch] firmware/lib/ecg_core/include/ecg_core/*.h \
    firmware/lib/ecg_rhythm/src/*.[ch] firmware/lib/ecg_rhythm/include/ecg_rhythm/*.h) \
    $(wildcard firmware/binding/trace.[ch] firmware/binding/build_*.py) setup.py
C_SOURCES := $(shell find firmware/lib firmware/src firmware/binding quantize training tests -name '*.[ch]' \
    -not -path '*/build/*' -not -name '_ecg_*.c' 2>/dev/null)

.PHONY: help setup system run demo test lint format docs fuzz clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: system $(VENV)/.packages $(VENV)/.core $(VENV)/.platformio ## system packages, virtual environment, PlatformIO

run: setup ## the main job: from the records to a verified device (ARGS="--records 100,213")
	@$(BIN)/ecg-edge run $(ARGS)

demo: setup ## the shipped model on the emulated board, in under two minutes
	@$(BIN)/ecg-edge demo $(ARGS)

test: SETUP_FOR := tests
test: lint ## lint and all tests (ARGS="-k name")
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(ARGS)

lint: setup ## ruff, mypy, clang-format, cppcheck
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/clang-format --dry-run -Werror $(C_SOURCES)
	@if command -v cppcheck >/dev/null; then cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c99 \
	    --enable=warning,portability,performance -I firmware/lib/ecg_core/include $(filter firmware/%.c quantize/%.c tests/%.c,$(C_SOURCES)); \
	    else echo "lint: cppcheck is not installed, left out"; fi

format: setup ## format Python and C
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/clang-format -i $(C_SOURCES)

docs: setup ## the documentation site, in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

fuzz: $(VENV)/.packages ## coverage-guided fuzzing of the device's C (SECONDS=600)
	@$(BIN)/python tests/firmware/fuzz.py $(SECONDS)

clean: ## delete what was built (not .venv, runs/ and sessions/)
	@rm -rf build dist firmware/.pio firmware/binding/_ecg_*.c firmware/binding/_ecg_*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -f $(VENV)/.core $(VENV)/.platformio

system:
	@PYTHON="$(PYTHON)" ./setup.sh $(SETUP_FOR)

$(VENV)/.packages: pyproject.toml | system
	@echo "setup: Python packages (the first time: about 2 GB, some minutes)"
	@{ $(BIN)/python -m pip install --upgrade pip 'setuptools>=77' \
	    && $(BIN)/python -m pip install -e '.[train,dev,docs]'; } >>$(LOG) 2>&1 \
	    || { tail -n 20 $(LOG); echo "setup: failed; all of it: $(LOG)"; exit 1; }
	@touch $@ $(VENV)/.core

# The editable install has built it; built once more when the device's C changes, which that does not notice.
$(VENV)/.core: $(CORE_SOURCES) $(VENV)/.packages
	@echo "setup: C extensions of the signal path and the rhythm rules"
	@$(BIN)/python setup.py --quiet build_ext --inplace --force
	@touch $@

$(VENV)/.platformio: host/devices/platformio.py $(VENV)/.packages
	@echo "setup: PlatformIO"
	@$(BIN)/python -m ecg_edge.host.devices.platformio
	@touch $@
