# Every target sets up what it needs; a fresh clone needs Python 3.11, make and apt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Trainer and server are two programs, and are tested in processes of their own.
SERVER_TESTS := tests/server tests/browser tests/server_js tests/people tests/deploy

# Instead of the options in pyproject.toml, which leave these folders out.
PLUG_OPTIONS := -o addopts='--strict-markers --import-mode=importlib'
PLUG := $(VENV)/.ready-plug
# RLlib wants one Gymnasium and no other, so it has an environment apart: the oldest Gymnasium that this runs on.
RLLIB := .venv-rllib

.PHONY: setup teach demo lesson-gif circus test test-long test-packages test-plug test-slow quick check format bench docs site site-open

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/system_packages.sh
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	bash scripts/system_packages.sh
	touch $@

teach: setup
	$(BIN)/python scripts/first_lesson.py

demo: setup
	$(BIN)/python scripts/demo.py

lesson-gif: setup test-packages
	$(BIN)/python -m scripts.lesson_gif

circus: setup
	$(BIN)/python -m benchmarks.circus

test: setup test-packages check
	$(BIN)/python -m pytest -n 2 --dist worksteal $(SERVER_TESTS:%=--ignore=%)
	$(BIN)/python -m pytest -n 2 --dist worksteal $(SERVER_TESTS)

# Whole trainings that are killed, resumed, or taught by clicks: too long for every day.
test-long: setup test-packages
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'long and not slow' $(SERVER_TESTS:%=--ignore=%)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'long and not slow' $(SERVER_TESTS)

test-packages:
	bash scripts/system_packages.sh test

# Other people's libraries, which nothing of ours needs; torch in its build for processors alone, where there is one.
test-plug: $(PLUG) $(RLLIB)/.ready
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PLUG_OPTIONS) -m 'not slow' tests/plug
	$(RLLIB)/bin/python -m pytest $(PLUG_OPTIONS) -W default tests/plug_rllib
	$(RLLIB)/bin/python -m pytest $(PLUG_OPTIONS) -W default tests/ray_cluster
	$(RLLIB)/bin/python -m pytest -n 2 --dist worksteal tests/envs tests/rollouts

$(PLUG): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sb3,torchrl]' sb3-contrib==2.9.2
	touch $@

$(RLLIB)/.ready: pyproject.toml
	test -x $(RLLIB)/bin/python || $(PYTHON) -m venv $(RLLIB)
	$(RLLIB)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(RLLIB)/bin/python -m pip install --quiet --disable-pip-version-check \
		'ray[rllib]==2.60.0' gymnasium==1.2.2 -e '.[games]' pytest pytest-xdist hypothesis beartype
	touch $@

test-slow: setup $(PLUG)
	bash scripts/system_packages.sh test slow
	$(BIN)/python -m pytest -m slow $(SERVER_TESTS:%=--ignore=%)
	$(BIN)/python -m pytest -m 'slow or postgres' $(SERVER_TESTS)
	$(BIN)/python -m pytest $(PLUG_OPTIONS) -m slow tests/plug

quick: setup
	$(BIN)/python -m pytest -n 2 tests/core tests/agents tests/rewards tests/preferences tests/teachers tests/structure

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python -m benchmarks.throughput

docs: setup
	$(BIN)/python -m rl_teacher.envs.data_sheets > docs/envs.md
	$(BIN)/python -m scripts.config_page > docs/config.md
	$(BIN)/python -m scripts.python_page > docs/python.md
	$(BIN)/python -m benchmarks.readme_figures

# Made anew each time: a page that did not change would not be warned about again.
site: setup
	rm -rf build/site
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d build/site/.doctrees docs build/site
	@echo 'The site is build/site/index.html, to be opened without a server (make site-open).'

site-open: site
	$(BIN)/python -m webbrowser -t 'file://$(CURDIR)/build/site/index.html'
