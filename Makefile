# The two commands of this project: `make run` and `make test`. Each makes .venv and installs what is missing.
PYTHON ?= python3
PORT ?= 8080
GRPC_PORT ?= 8500
REST_PORT ?= 8501
HOST ?= 127.0.0.1

.PHONY: run test clean
.DELETE_ON_ERROR:

run: .venv/laptop.installed
	@.venv/bin/dog-breed run --host $(HOST) --port $(PORT) --grpc-port $(GRPC_PORT) --rest-port $(REST_PORT)

test: .venv/test.installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pytest

# The stamp is written last: an install that was interrupted is taken up again.
.venv/%.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "TensorFlow needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 ...")'
	@echo "Installing into .venv, once (about 2 GB; a few minutes) ..."
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	@touch $@

clean:
	rm -rf .venv models build
