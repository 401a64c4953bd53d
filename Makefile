# make demo and make test are the only set-up anybody needs; they find or make their own environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test check train simulate test-litellm

setup: $(STAMP)

# uv when it is there, else venv and pip; what is missing is said in one line
$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: apt install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V)" >&2; exit 1; }
	@command -v uv >/dev/null || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: apt install python3-venv (or install uv)" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
	  { [ -x $(BIN)/python ] || uv venv -q --python $(PYTHON) $(VENV); } && \
	  uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  { [ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV); } && \
	  $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

demo: setup
	@$(BIN)/quotabot demo

# what fails in the crowd is run once more alone: a starved machine is no bug, a broken promise fails twice
test: setup
	@$(BIN)/python -m pytest -n auto --dist worksteal || $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n auto --dist worksteal

# Fit the classifier of sentences to the corpus in tests/handlers/language. Needs scikit-learn: the extra `train`
train: setup
	@$(BIN)/python -c 'import sklearn' 2>/dev/null || { echo "scikit-learn is missing: $(BIN)/pip install scikit-learn" >&2; exit 1; }
	@$(BIN)/python -m tests.handlers.language.train

# Against a real LiteLLM proxy: the one that GATEWAY_URL and GATEWAY_KEY name, else the one that the script LITELLM_SCRIPT
# starts with `up` and ends with `down`
simulate: setup
	@$(BIN)/python -m tests.simulation

test-litellm: setup
	@if [ -z "$$GATEWAY_URL" ] && [ -n "$$LITELLM_SCRIPT" ]; then \
	  trap '"$$LITELLM_SCRIPT" down' EXIT; "$$LITELLM_SCRIPT" up || exit 1; \
	  export GATEWAY_URL=http://127.0.0.1:4802 GATEWAY_KEY=sk-master-0123456789; \
	fi; \
	$(BIN)/python -m pytest -s -m litellm tests/litellm
