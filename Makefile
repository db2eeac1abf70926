# Two commands: make reproduce and make test. Each makes .venv when it is missing or out of date.
PYTHON  ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell command -v $(name))))
PRESET  ?= book
CHAPTER ?=
TORCH_INDEX ?=
PORT    ?= 8000
TESTS   ?=
STRICT  ?=
JOBS    ?=
TAG     ?=
BIN     := .venv/bin
PY      := PYTHONSAFEPATH= $(BIN)/python
TOOLS   := $(PY) book/_tools
CHOSEN   = --preset $(PRESET) $(if $(CHAPTER),--chapter $(CHAPTER))

.PHONY: help setup reproduce check benchmark portability test test-all test-book book pdf release serve notebooks lint clean
.DEFAULT_GOAL := help

help:  ## this list
	@echo "make reproduce [PRESET=smoke|book|paper] [CHAPTER=few_spike] [JOBS=1] [STRICT=1] [TORCH_INDEX=https://download.pytorch.org/whl/cpu]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' Makefile

setup:  ## make or renew .venv (every other target does this first)
	@test -n "$(PYTHON)" || { echo "No Python was found. Install Python 3.11 or newer (Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) book/_tools/make_venv.py $(if $(filter command environment,$(origin PYTHON)),--this-python) $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX))

reproduce: setup  ## run the chapters that are out of date, then build the book (STRICT=1: fail if a verdict got worse)
	@$(TOOLS) reproduce $(CHOSEN) $(if $(JOBS),--jobs $(JOBS)) $(if $(filter-out 0,$(STRICT)),--strict)

check: setup  ## say which chapters are out of date, and why
	@$(TOOLS) check $(CHOSEN)

benchmark: setup  ## measure all times anew: the chapter on speed, alone
	@$(TOOLS) run --preset $(PRESET) --chapter speed --anew

portability: setup  ## run chapters with other threads and with the plainest arithmetic, and compare all claims
	@$(TOOLS) portability $(CHOSEN)

test: setup  ## run the quick tests, two at a time (TESTS=path: only these, slow ones included)
	@$(if $(TESTS),$(PY) -m pytest $(TESTS),$(PY) -m pytest -n 2 --dist loadfile -m "not slow and not book")

test-all: setup  ## run all tests but those of a built book
	@$(PY) -m pytest -n 2 --dist loadfile -m "not book"

test-book: setup  ## test the book of preset smoke that 'make reproduce PRESET=smoke' has built
	@SNNCORE_SITE=required $(PY) -m pytest -n 3 --dist worksteal -m book  # pages wait more than they compute

book: setup  ## build the book from the runs that there are (also while 'make reproduce' runs)
	@$(TOOLS) build --preset $(PRESET)

pdf: setup  ## print the book into one PDF: book/_build/book.pdf (needs Chromium)
	@$(TOOLS) pdf --preset $(PRESET)

release: setup  ## wheel, HTML and PDF of this version, with checksums, in dist (TAG=1: tag the commit, too)
	@$(TOOLS) release --preset $(PRESET) $(if $(filter-out 0,$(TAG)),--tag)

serve: setup  ## show the built book at http://127.0.0.1:8000
	@$(TOOLS) serve --port $(PORT)

notebooks: setup  ## write the chapters as .ipynb beside their sources and open Jupyter
	@$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py
	@$(BIN)/jupyter lab notebooks

lint: setup  ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:  ## remove the built book and this machine's runs (not .venv, downloads, recorded results, or answers about folders of images)
	@[ ! -d data/results/live ] || find data/results/live -mindepth 1 -maxdepth 1 ! -name folder -exec rm -rf {} +
	rm -rf book/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
