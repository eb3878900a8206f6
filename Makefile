# Each target sets up what it needs, and no more. `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
LOG := build/setup.log
JOBS ?= 2
ARGS ?=
SECONDS ?= 60
FAST := not slow and not device and not tensorflow

CORE_SOURCES := $(wildcard firmware/lib/ecg_base/src/*.c firmware/lib/ecg_base/include/ecg_base/*.h \
    firmware/lib/ecg_core/src/*.[ch] firmware/lib/ecg_core/include/ecg_core/*.h \
    firmware/lib/ecg_rhythm/src/*.[ch] firmware/lib/ecg_rhythm/include/ecg_rhythm/*.h) \
    $(wildcard firmware/binding/trace.[ch] firmware/binding/build_*.py) setup.py
C_SOURCES := $(shell find firmware/lib firmware/src firmware/binding quantize training tests -name '*.[ch]' \
    -not -path '*/build/*' -not -name '_ecg_*.c' 2>/dev/null)

# Hundreds of processes import the same modules, TensorFlow for one: each would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: results help setup system run demo check test lint format docs fuzz clean venv
.DEFAULT_GOAL := help
# The marks in .venv are written by more than one rule.
.NOTPARALLEL:

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: system $(VENV)/.base $(VENV)/.core $(VENV)/.platformio ## the shipped model on the emulated board: no training, no TensorFlow
	@$(BIN)/ecg-edge demo $(ARGS)

run: system $(VENV)/.train $(VENV)/.core $(VENV)/.platformio ## the whole pipeline: from the records to a verified device (ARGS="100 213")
	@$(BIN)/ecg-edge run $(ARGS)

setup: system $(VENV)/.all $(VENV)/.core $(VENV)/.platformio ## everything that the other targets need

check: lint $(VENV)/.core ## lint and the fast tests, in two minutes, without TensorFlow
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder -m '$(FAST)' $(ARGS)

test: SETUP_FOR := tests
test: system $(VENV)/.all lint $(VENV)/.core $(VENV)/.platformio $(VENV)/.rp2040js ## lint and all tests (ARGS="-k name")
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder --require-tools $(ARGS)

lint: $(VENV)/.dev ## ruff, import directions, mypy, codespell, clang-format, cppcheck
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/codespell
	@$(BIN)/clang-format --dry-run -Werror $(C_SOURCES)
	@if command -v cppcheck >/dev/null; then cppcheck --quiet -j $(JOBS) --error-exitcode=1 --inline-suppr --std=c99 \
	    --enable=warning,portability,performance -I firmware/lib/ecg_base/include -I firmware/lib/ecg_core/include \
	    -I firmware/lib/ecg_link/include -I firmware/lib/ecg_store/include $(filter firmware/%.c quantize/%.c tests/%.c,$(C_SOURCES)); \
	    else echo "lint: cppcheck is not installed, left out"; fi

format: $(VENV)/.dev ## format Python and C
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/clang-format -i $(C_SOURCES)

docs: $(VENV)/.docs $(VENV)/.core ## the documentation site, in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

results: setup ## measure every figure of docs/results and write its pages (some minutes)
	@nice $(BIN)/python -m ecg_edge.host.pipeline.results

fuzz: SETUP_FOR := tests
fuzz: system $(VENV)/.dev ## coverage-guided fuzzing of the device's C (SECONDS=600)
	@$(BIN)/python tests/firmware/fuzz.py $(SECONDS)

clean: ## delete what was built (not .venv, runs/ and sessions/)
	@rm -rf build dist firmware/.pio firmware/binding/_ecg_*.c firmware/binding/_ecg_*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@rm -f $(VENV)/.core $(VENV)/.platformio $(VENV)/.rp2040js

# Compilers and the emulator, then the virtual environment. `lint` and `check` install no system packages.
system:
	@PYTHON="$(PYTHON)" ./setup.sh $(SETUP_FOR)

venv:
	@PYTHON="$(PYTHON)" ./setup.sh venv

# Sets of packages: of the command line, and with those of the checks, the training, the pages, or all of them.
EXTRAS_base :=
EXTRAS_dev := [dev]
EXTRAS_train := [train]
EXTRAS_docs := [docs]
EXTRAS_all := [train,dev,docs,browser]
SIZE_train := , the first time about 2 GB and some minutes
SIZE_all := $(SIZE_train)

# Packages are compiled when they are first imported: all of TensorFlow beforehand takes a minute.
$(VENV)/.base $(VENV)/.dev $(VENV)/.train $(VENV)/.docs $(VENV)/.all: $(VENV)/.%: pyproject.toml | venv
	@echo "setup: Python packages ($*$(SIZE_$*))"
	@$(BIN)/python -m pip install --no-compile 'setuptools>=77' -e '.$(EXTRAS_$*)' >>$(LOG) 2>&1 \
	    || { tail -n 20 $(LOG); echo "setup: failed; all of it: $(LOG)"; exit 1; }
	@touch $@ $(VENV)/.base $(VENV)/.core $(if $(filter all,$*),$(VENV)/.dev $(VENV)/.train $(VENV)/.docs)

# The editable install has built it; built once more when the device's C changes, which that does not notice.
$(VENV)/.core: $(CORE_SOURCES) | $(VENV)/.base
	@echo "setup: C extensions of the signal path and the rhythm rules"
	@$(BIN)/python setup.py --quiet build_ext --inplace --force
	@touch $@

$(VENV)/.platformio: host/devices/platformio.py | $(VENV)/.base
	@echo "setup: PlatformIO"
	@$(BIN)/python -m ecg_edge.host.devices.platformio
	@touch $@

$(VENV)/.rp2040js: host/devices/rp2040js/package-lock.json | $(VENV)/.base
	@echo "setup: rp2040js"
	@$(BIN)/python -m ecg_edge.host.devices.pico >>$(LOG) 2>&1 && touch $@ \
	    || echo "setup: rp2040js could not be installed; the tests of the Pico will say why"
