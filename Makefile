# Two commands: make reproduce and make test. Each makes .venv when it is missing or out of date.
PYTHON  ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell command -v $(name))))
PRESET  ?= book
CHAPTER ?=
TORCH_INDEX ?=
PORT    ?= 8000
TESTS   ?=
BIN     := .venv/bin
TOOLS   := $(BIN)/python book/_tools

.PHONY: help setup reproduce check test book serve notebooks lint clean
.DEFAULT_GOAL := help

help:  ## this list
	@echo "make reproduce [PRESET=smoke|book|paper] [CHAPTER=few_spike] [TORCH_INDEX=https://download.pytorch.org/whl/cpu]"
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile

setup:  ## make or renew .venv (every other target does this first)
	@test -n "$(PYTHON)" || { echo "No Python was found. Install Python 3.11 or newer (Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) book/_tools/make_venv.py $(if $(filter command environment,$(origin PYTHON)),--this-python) $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX))

reproduce: setup  ## run the chapters that are out of date, then build the book
	@$(TOOLS)/chapters.py run --preset $(PRESET) $(if $(CHAPTER),--chapter $(CHAPTER))
	@$(TOOLS)/build.py --preset $(PRESET)

check: setup  ## say which chapters are out of date, and why
	@$(TOOLS)/chapters.py check --preset $(PRESET) $(if $(CHAPTER),--chapter $(CHAPTER))

test: setup  ## run the tests
	@$(BIN)/python -m pytest $(TESTS)

book: setup  ## build the book from the runs that there are
	@$(TOOLS)/build.py --preset $(PRESET)

serve: setup  ## show the built book in a browser
	@$(TOOLS)/serve.py --port $(PORT)

notebooks: setup  ## write the chapters as .ipynb beside their sources and open Jupyter
	@$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py
	@$(BIN)/jupyter lab notebooks

lint: setup  ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:  ## remove the built book and this machine's runs (not .venv, downloads, recorded results, or answers about folders of images)
	@[ ! -d data/results/live ] || find data/results/live -mindepth 1 -maxdepth 1 ! -name folder -exec rm -rf {} +
	rm -rf book/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis
