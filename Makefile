# The commands of this project. Each makes .venv and installs what is missing.
PYTHON ?= python3
PORT ?= 8080
GRPC_PORT ?= 8500
REST_PORT ?= 8501
HOST ?= 127.0.0.1

.PHONY: run test check style breeds clean clean-all
.DELETE_ON_ERROR:

# Tests start hundreds of Python processes: what is compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

run: .venv/laptop.installed
	@.venv/bin/dog-breed run --host $(HOST) --port $(PORT) --grpc-port $(GRPC_PORT) --rest-port $(REST_PORT)

# Two processes: many tests wait for a server, a browser or a clock. The order is that of tests/conftest.py.
test: style
	.venv/bin/pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

# All but the tests that need TensorFlow, a model, a browser, nginx or a container engine. These wait more than they
# compute, so there are three processes.
check: style
	.venv/bin/pytest -m "not model" --numprocesses 3 --dist loadgroup --no-loadscope-reorder --hypothesis-profile quick

style: .venv/test.installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# The page's copy of the one table of breeds.
breeds:
	cp model_serving/photos/breeds.json detector_app/page/breeds/breeds.json

# The stamp is written last: an install that was interrupted is taken up again.
.venv/%.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "TensorFlow needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 ...")'
	@echo "Installing into .venv, once (about 2 GB; a few minutes) ..."
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	@touch $@

# The installation, and what was fetched or computed for it; trained versions stay.
clean:
	rm -rf .venv build artifacts detector_app/page/runtime

# Trained versions and downloaded photos, too.
clean-all: clean
	rm -rf models data
