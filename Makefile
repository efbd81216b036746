# `make demo` and `make test` install everything into .venv when it is missing.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TESTS_READY := .venv/tests-ready
PAGE_READY := .venv/page-ready
DOCS_READY := .venv/docs-ready
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest

.PHONY: help demo test coverage test-all test-long check docs pictures schema network-sizes setup clean

help:
	@echo "make demo   draw digits from a bundled model into out/ (no data set needed)"
	@echo "make test   run the fast tests; INKWASH_DATA=FOLDER adds those that need real MNIST"
	@echo "make coverage   the same with the lines that they miss; a quarter slower"
	@echo "make test-all   run all tests, with the slow ones, the documentation site and the page in a browser (chromium, Node.js, npm)"
	@echo "make test-long  run the stress tests in their long form: fuzzing, damaged files, faults, kill and resume, leaks"
	@echo "make check  lint, format and types"
	@echo "make docs   build the documentation site into build/site"
	@echo "make setup  only make .venv; then: .venv/bin/inkwash --help"
	@echo "make clean  remove .venv and out/"

demo: $(READY)
	@echo "Sampling ten of each digit from the bundled model fast, then a film of the denoising."
	@$(BIN)/inkwash sample --label 0-9 --scale 3 -o out/digits.png
	@$(BIN)/inkwash sample --label 0-9 --sampler dpm++2m:30 --film --columns 5 -o out/film.png
	@echo "Look at out/digits.png (open it) and out/film.png (an animation: open it in a browser)."
	@echo "Next: $(BIN)/inkwash show     $(BIN)/inkwash train digits --minutes 1"

test: $(TESTS_READY)
	$(PYTEST) -n 2 --dist worksteal -m "not slow and not browser"

coverage: $(TESTS_READY)
	$(PYTEST) -n 2 --dist worksteal -m "not slow and not browser" --cov --cov-report=term-missing:skip-covered

test-all: $(PAGE_READY) $(DOCS_READY)
	$(PYTEST) -n 2 --dist worksteal

test-long: $(TESTS_READY)
	$(PYTEST) tests/stress --hypothesis-profile=long --long

check: $(TESTS_READY)
	$(BIN)/pip install -q -c constraints.txt -e ".[dev]"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation site; a warning is an error. Lessons run when they or the package have changed.
docs: $(DOCS_READY)
	$(BIN)/sphinx-build -q -W --keep-going -j auto -d build/docs-doctrees docs build/site
	@echo "The site is in build/site: open build/site/index.html"

# Every picture of the README and the documents, from the bundled models alone.
pictures: $(READY)
	$(BIN)/inkwash sample --label 0-9 -n 60 --scale 2 -o docs/pictures/digits.png
	$(BIN)/inkwash sample --label 0-9 --sampler dpm++2m:30 --film --columns 5 --scale 2 -o docs/pictures/film.webp
	$(BIN)/inkwash sample cfg-cosine --label 7 -n 100 --guidance 2 --sampler dpm++2m:20 -o docs/pictures/sevens.png
	$(BIN)/inkwash sample ddim-300 -n 16 --sampler ddpm -o docs/pictures/ddpm-300.png --scale 2
	$(BIN)/inkwash sample ddim-300 -n 16 --sampler ddim:50 -o docs/pictures/ddim-50.png --scale 2
	$(BIN)/inkwash sample ddim-300 -n 16 --sampler ddim:20 -o docs/pictures/ddim-20.png --scale 2
	$(BIN)/inkwash sample ddim-300 -n 4 --sampler ddim:50 --strip --scale 2 -o docs/pictures/strip.png
	$(BIN)/inkwash show attention-unet -o docs/pictures > /dev/null

# The JSON schema of recipe files, for the completion and checks of editors.
schema: $(READY)
	$(BIN)/python -m inkwash.config.recipe_json_schema > docs/recipe.schema.json

# The sizes of the networks that `inkwash show` lists; a test fails where they are out of date.
network-sizes: $(READY)
	$(BIN)/python tools/network_sizes.py

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv: torch and some small packages, a minute or so."
	@$(PYTHON) -c 'import sys; sys.exit("inkwash needs Python 3.11 or newer: make demo PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/pip || { rm -rf .venv; $(PYTHON) -m venv .venv; }
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(TESTS_READY): $(READY)
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $@

$(PAGE_READY): $(TESTS_READY)
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[page]"
	@touch $@

$(DOCS_READY): $(READY)
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@touch $@

clean:
	rm -rf .venv out build
