# `make demo` and `make test` work on a fresh machine with Python 3.11+, make and a network.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo paper test check bench faults interruptions fuzz mutate docs interop clean screen

demo: $(VENV)/installed
	$(BIN)/clusterbeam demo

# The paper from an empty directory: table, figures and a page that compares, in paper/.
paper: $(VENV)/installed-analyst
	$(BIN)/clusterbeam reproduce paper

test: $(VENV)/installed-test check
	$(BIN)/python -P -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-test
	$(BIN)/python benchmarks/digitizer.py
	$(BIN)/python -P benchmarks/polling.py
	$(BIN)/python -P benchmarks/engine.py
	$(BIN)/python -P benchmarks/sharing.py
	$(BIN)/python -P benchmarks/reduction.py
	$(BIN)/python -P benchmarks/window.py
	$(BIN)/python -P benchmarks/recording.py speed engine memory replay sustained 60 kills 500 power 1000

# 10,000 random faults on the wires of every instrument.
faults: $(VENV)/installed-test
	$(BIN)/python -P benchmarks/faults.py

# 100 random interruptions of runs, each resumed.
interruptions: $(VENV)/installed-test
	$(BIN)/python -P benchmarks/interruptions.py 100

# A million messages to a service, most of them damaged.
fuzz: $(VENV)/installed-test
	$(BIN)/python -P benchmarks/fuzz.py

# One change at a time: every command of a simulator, every terminator and scale factor of a driver; a test must fail.
mutate: $(VENV)/installed-test
	$(BIN)/python -P tests/mutate.py

docs: $(VENV)/installed-test
	$(BIN)/python -P -m drivers.catalogue > docs/instruments.md

# Other people's clients talk to the simulators; in an environment of its own, since they pin old libraries.
interop: $(VENV)-interop/installed
	$(VENV)-interop/bin/python -P -m pytest tests/interop

# The window on an X server (Xvfb), with the keyboard and the focus of a real one.
screen: $(VENV)/installed-test
	QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 2560x1440x24" $(BIN)/python -P -m pytest tests/gui

$(VENV)-interop/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-interop
	$(VENV)-interop/bin/pip install --quiet --disable-pip-version-check -e '.[interop]'
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-interop build *.egg-info

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/installed-analyst: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[analyst]'
	touch $@ $(VENV)/installed

$(VENV)/installed-test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@ $(VENV)/installed $(VENV)/installed-analyst
