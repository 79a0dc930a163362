# Every target makes the environment it needs, in .venv, from nothing but Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs lessons

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/progress.installed ## train a network on handwritten digits and write a page that steps through its backprop
	$(BIN)/chainrule demo

test: .venv/test.installed ## run the whole test suite
	$(BIN)/pytest

lint: .venv/dev.installed ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@# Type checkers don't follow an editable install, so the package is checked as a user installs it.
	$(PYTHON) -m venv --clear .venv/typecheck
	.venv/typecheck/bin/pip install --quiet .
	$(BIN)/mypy --python-executable .venv/typecheck/bin/python -p chainrule

bench: .venv/bench.installed ## measure accuracy and speed, side by side with other libraries
	$(BIN)/python -P benchmarks/digits.py
	$(BIN)/python -P benchmarks/eager.py --json benchmarks/results/eager.json
	OMP_NUM_THREADS=1 $(BIN)/python -P benchmarks/kernels.py --json benchmarks/results/kernels.json
	OMP_NUM_THREADS=2 $(BIN)/python -P benchmarks/kernels.py --json benchmarks/results/kernels.json
	$(BIN)/python -P benchmarks/eager_report.py
	$(BIN)/python -P benchmarks/report.py
	$(BIN)/python -P benchmarks/training.py --json benchmarks/results/training.json
	$(BIN)/python -P benchmarks/stepper.py

docs: .venv/test.installed ## make the README's picture and the editors' stubs anew
	$(BIN)/python -P tools/make_pictures.py
	$(BIN)/python -P tools/make_stubs.py

lessons: .venv/dev.installed ## run every notebook from top to bottom, and write its outputs back
	$(BIN)/python -P tools/run_lessons.py

# `make .venv/EXTRA.installed` adds an extra of pyproject.toml to the environment.
.venv/%.installed: pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chainrule needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
