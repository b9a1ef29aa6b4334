# make run and make test do all the set-up; `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
PROFILE ?= mini
# The tested versions.  `make run CONSTRAINTS=` takes the newest in range;
# constraints-colab.txt has what Colab ships, constraints-lowest.txt the lowest.
CONSTRAINTS ?= constraints-ci.txt
# What `make test` runs.
TESTS ?= tests
NOTEBOOKS ?= $(if $(EVIDENCE),notebooks,lessons)
# e.g. make run NOTEBOOK=05 or make run NOTEBOOK="01 E1"
NOTEBOOK ?=
# make run EVIDENCE=1, make test EVIDENCE=1: not the lessons alone, evidence/
# and more/ as well
EVIDENCE ?=

BIN = $(VENV)/bin
# Of 18,000 modules four thousand are imported, and compiled then; to compile
# all of them would be half a minute of the installation.  What was compiled
# has to be kept, which some images forbid: else each start of a kernel
# compiles torch and transformers again, for five seconds.
export PYTHONDONTWRITEBYTECODE =
PIP = $(BIN)/python -m pip install --disable-pip-version-check --no-compile \
	$(addprefix -c ,$(CONSTRAINTS))
GPU := $(shell nvidia-smi -L 2>/dev/null | grep GPU)
# Another file of versions means installing again.
STAMP = $(VENV)/.installed-$(or $(notdir $(CONSTRAINTS)),newest)

# On Linux, PyPI's torch brings gigabytes of CUDA.  Without a GPU the CPU
# build is taken instead; one retry and no dependencies from that index, so
# that an index out of reach costs seconds.
ifeq ($(shell uname -s)-$(GPU),Linux-)
TORCH = --extra-index-url https://download.pytorch.org/whl/cpu \
	--retries 1 --timeout 20
endif

# EvalPlus, which the tests give our samples to.  It declares 18 packages, most
# of them to ask models (800 MB); its evaluation imports these beside ours.
# nbgrader, which grades our export: what it declares would bring widgets, and
# with them other progress bars into the notebooks; grading needs these.
PEERS = evalplus appdirs tempdir tree-sitter tree-sitter-python wget \
	nbgrader alembic mako rapidfuzz sqlalchemy

.PHONY: help run test notebooks lab reset site slides clean

help:
	@echo "make run        install, then run the lessons; EVIDENCE=1: all"
	@echo "make test       install, then run ruff, the tests and the lessons;"
	@echo "                EVIDENCE=1: all of both, as CI does"
	@echo "make lab        install, then open copies of them in JupyterLab"
	@echo "make reset      NOTEBOOK=05: a fresh copy; yours is kept"
	@echo "make site       the collection as static pages, in build/site/html"
	@echo "make slides     ten slides a lesson, in build/slides"
	@echo "make notebooks  run afresh and write the outputs into notebooks/"
	@echo "make clean      remove .venv* and caches; RESULTS=1: runs/, too"

run: $(STAMP)
	@$(BIN)/python -m helpers run --profile $(PROFILE) \
		$(if $(EVIDENCE),--all) $(NOTEBOOK)

test: $(STAMP)-peers
	$(BIN)/ruff check --no-cache helpers tests notebooks conftest.py
	@$(BIN)/python tests/support/in_parts.py $(TESTS) -- $(NOTEBOOKS)

notebooks: $(STAMP)
	@$(BIN)/python -m helpers run --profile mini --fresh --save --all
	@$(BIN)/python -m helpers course

lab: $(STAMP)
	@$(BIN)/python -m helpers workbooks
	$(BIN)/python -m jupyterlab --ServerApp.preferred_dir=work

reset: $(STAMP)
	@$(BIN)/python -m helpers workbooks --reset $(NOTEBOOK)

site: $(STAMP)-site
	@$(BIN)/python -m helpers site

slides: $(STAMP)-site
	@$(BIN)/python -m helpers slides

$(STAMP): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	"Python 3.11 or newer is needed and this is " + sys.version.split()[0] \
	+ "; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps $(TORCH) torch
	$(PIP) -e ".[notebooks,test]"
	@rm -f $(VENV)/.installed*
	@touch $@

$(STAMP)-peers: $(STAMP)
	$(PIP) --no-deps $(PEERS)
	@touch $@

$(STAMP)-site: $(STAMP)
	$(PIP) -e ".[site]"
	@touch $@

clean:
	rm -rf .venv .venv-colab $(VENV) build *.egg-info .pytest_cache \
		.ruff_cache $(if $(RESULTS),runs)
	find . -name __pycache__ -prune -exec rm -rf {} +
