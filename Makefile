# Two commands for a newcomer: `make demo` and `make test`. Each makes the environment it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help demo test test-slow test-interrupts test-lowest site docs-figures synthesis-table random-words foreign-bugs own-edits exhaustion golden peers lint check format clean

help:
	@echo "make demo       check the square-18 hardware against its golden and float models, with pictures"
	@echo "make test       linter, type checker and the fast tests"
	@echo "make test-slow  all others: long ones, and further cases of what a fast one tests (hours)"
	@echo "make test-interrupts  every command interrupted at random moments (ten minutes)"
	@echo "make test-lowest  the fast tests with the lowest versions that pyproject.toml allows"
	@echo "make site       the documentation as a site, build/site/index.html: tutorials, pages, reference, gallery"
	@echo "make docs-figures  run the tutorials and the commands beside the figures, and compare (half an hour)"
	@echo "make synthesis-table  docs/synthesis: every core synthesised, placed and routed (half an hour)"
	@echo "make random-words  stochastic rounding's random words against an ideal source (minutes; with dieharder, hours)"
	@echo "make foreign-bugs  75 bugs planted in the example cores, and which net finds each (a quarter of an hour)"
	@echo "make own-edits  120 one-bit edits of our own Verilog, each refuted or proved equal (minutes)"
	@echo "make exhaustion every potential with every current through the gates, text and mapped netlists (half an hour)"
	@echo "make golden     the golden model in C on 10^8 updates of each preset, its testbenches in Verilator (an hour)"
	@echo "make peers      the same neuron in Brian2, NEST and SynapticFlow: the same spikes (installs them, with torch)"
	@echo "make format     format with ruff"
	@echo "make clean      remove the environment and everything that was built"

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/qlif cosim --preset square-18 --neurons 64 --steps 2000 --input ou --seed 1 \
		--max-lag-steps 2 --max-rmse 0.15 --out build/demo

# The type checker runs beside the tests.
test: $(READY) lint
	@$(BIN)/mypy & types=$$!; $(BIN)/python -m pytest -n 2 --dist worksteal; tested=$$?; wait $$types && exit $$tested

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

test-interrupts: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[synth]'
	$(BIN)/python -m pytest -m "slow or not slow" tests/cosim/test_interrupts.py

# An old library on a newer one raises many deprecation warnings, which aren't ours.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(CURDIR)/.venv-lowest .venv-lowest/bin/uv pip install --quiet --resolution lowest-direct \
		--editable '.[dev]'
	.venv-lowest/bin/python -m pytest -n 2 --dist worksteal -W ignore::DeprecationWarning

# Sphinx reads the pages where they are; a warning, of a dead link for example, fails it.
site: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/sphinx-build -q -E -W --keep-going -c docs/site -d build/site-doctrees . build/site
	@echo "build/site/index.html is written"

docs-figures: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[synth]'
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow or not slow" tests/test_docs_figures.py \
		tests/test_docs_tutorials.py

synthesis-table: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[synth]'
	$(BIN)/python -m qlif.cosim.synthesis_table docs/synthesis --work build/synthesis-table

random-words: $(READY)
	$(BIN)/python tests/model/random_words_statistics.py

golden: $(READY)
	@for tool in gcc clang iverilog ghdl; do command -v $$tool > /dev/null || \
		{ echo "make golden needs $$tool, which isn't installed"; exit 1; }; done
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow or not slow" tests/model/golden/test_c_source.py tests/cosim/golden \
		tests/cosim/proof/test_golden_function.py --deselect tests/cosim/golden/test_speed.py
	$(BIN)/python -m pytest -n 0 -s -m slow tests/cosim/golden/test_speed.py

foreign-bugs: $(READY)
	$(BIN)/python tests/cosim/mapping/foreign_bugs.py docs/your-own-cores-bugs.md --work build/foreign-bugs --jobs 2

own-edits: $(READY)
	$(BIN)/python tests/cosim/proof/own_edits.py --page docs/proof.md --jobs 2

exhaustion: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[synth]'
	@for preset in tiny-8 stochastic-12 square-16 factored-16 square-18; do \
		for gates in text ecp5 up5k; do \
			out=build/exhaustion/$$preset-$$gates; \
			if [ $$gates = text ]; then mapped=; else mapped="--gates $$gates"; fi; \
			echo "$$preset, $$gates"; $(BIN)/qlif exhaust --preset $$preset $$mapped --out $$out || exit 1; \
		done; \
	done

# In an environment of its own, since Brian2 needs an older numpy. SynapticFlow names a torch of 2022, which recent
# Pythons have no build of, and runs with a new one as well.
peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --editable . \
		'numpy<2.3' 'brian2>=2.9' 'nest-simulator>=3.10' 'torch>=2.13'
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'synapticflow==0.0.7'
	for each in examples/peers/*.py; do .venv-peers/bin/python $$each || exit 1; done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check: lint
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .venv-lowest .venv-peers build qlif.egg-info .pytest_cache .mypy_cache .ruff_cache
