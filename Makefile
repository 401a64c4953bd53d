# make demo and make test are the only set-up anybody needs; they find or make their own environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# The playground needs a third of what the tests need.
DEMO := $(VENV)/.demo

# One more than there are processors: a test that waits for a process or a page leaves its turn to another.
WORKERS = $$($(BIN)/python -c 'import os; print((os.cpu_count() or 1) + 1)')

.PHONY: mutants setup demo test check explore train understand-report simulate test-litellm test-oidc docs pictures sbom audit lock

setup: $(STAMP)

# uv when it is there, else venv and pip; what is missing is said in one line: $(call install,LOCK)
define install
command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: apt install python3 python3-venv" >&2; exit 1; }
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V)" >&2; exit 1; }
command -v uv >/dev/null || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: apt install python3-venv (or install uv)" >&2; exit 1; }
[ -f $(DEMO) ] || echo "installing into $(VENV): about half a minute" >&2
if command -v uv >/dev/null; then \
  { [ -x $(BIN)/python ] || uv venv -q --python $(PYTHON) $(VENV); } && \
  uv pip install -q --python $(BIN)/python --require-hashes -r $(1) && \
  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
else \
  { [ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV); } && \
  $(BIN)/pip install -q --disable-pip-version-check --no-compile --require-hashes -r $(1) && \
  $(BIN)/pip install -q --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e . ; \
fi
endef

$(DEMO): requirements-run.lock pyproject.toml
	@$(call install,requirements-run.lock)
	@touch $@

$(STAMP): requirements.lock pyproject.toml
	@$(call install,requirements.lock)
	@touch $(DEMO) $@

demo: $(DEMO)
	@$(BIN)/quotabot demo

# what fails in the crowd is run once more alone: a starved machine is no bug, a broken promise fails twice
test: setup
	@PYTEST_XDIST_AUTO_NUM_WORKERS=$(WORKERS) $(BIN)/python -m pytest -n auto --dist worksteal || $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -n auto --dist worksteal

# Tools of a dependency group, in an environment of their own: $(call tools,docs)
define tools
[ -x $(VENV)-$(1)/bin/python ] || $(PYTHON) -m venv $(VENV)-$(1)
$(VENV)-$(1)/bin/pip install -q --disable-pip-version-check --upgrade "pip>=25.1"
$(VENV)-$(1)/bin/pip install -q --disable-pip-version-check --group $(1)
endef

# The pages of docs/ as a site in dist/site; a broken link fails
docs:
	@$(call tools,docs)
	@NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build -q
	@echo dist/site/index.html

# The pictures of the READMEs, still and moving: the story, played in a real browser
pictures: setup
	@$(call tools,pictures)
	@QUOTABOT_PICTURES=docs $(BIN)/python -m pytest -q -m browser tests/sandbox/playground -k played_by_clicks
	@$(VENV)-pictures/bin/python docs/film.py
	@$(BIN)/python -m docs.stills

# Both locks anew, after a change of pyproject.toml: what runs, and what is tested with it. Needs uv
lock:
	@uv pip compile -q pyproject.toml --universal --generate-hashes --no-header --all-extras -o requirements.lock
	@uv pip compile -q pyproject.toml --universal --generate-hashes --no-header --extra editable --constraint requirements.lock -o requirements-run.lock

# What is in an installation, by the lock: CycloneDX 1.6
sbom:
	@$(call tools,supply)
	@mkdir -p dist
	@$(VENV)-supply/bin/cyclonedx-py requirements requirements-run.lock --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.json
	@echo dist/sbom.json

# Known vulnerabilities of the lock, by the PyPI advisory database; .github/workflows/audit.yaml runs it every night
audit:
	@$(call tools,supply)
	@$(VENV)-supply/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

# Do the tests of the paths of money notice changes? mutmut on a copy of the last commit, for an hour or two; WHICH="models.ledger.*" for a part.
# mypy refuses most; tests judge the rest. Survivors and the score of each file are printed
mutants: setup
	@$(call tools,mutants)
	@$(BIN)/python -c 'import sys; print(*(one for one in sys.path if "site-packages" in one), sep="\n")' \
	  > $$(echo $(VENV)-mutants/lib/python3*/site-packages)/quotabot.pth
	@rm -rf dist/mutants && mkdir -p dist/mutants && git archive HEAD | tar -x -C dist/mutants
	@cd dist/mutants && nice -n 10 $(CURDIR)/$(VENV)-mutants/bin/mutmut run --max-children 2 $(WHICH)
	@cd dist/mutants && $(CURDIR)/$(VENV)-mutants/bin/mutmut results | grep -v -e "type check" -e "not checked" || true
	@$(BIN)/python -m benchmarks.mutants dist/mutants/mutants

# Property tests with new examples, many times as many as in `make test`: QUOTABOT_EXAMPLES=50 make explore
explore: setup
	@QUOTABOT_EXAMPLES=$${QUOTABOT_EXAMPLES:-10} $(BIN)/python -m pytest -n auto --dist worksteal -m hypothesis --hypothesis-profile=explore

# Fit the classifier of sentences to the corpus in tests/handlers/language. Needs scikit-learn, which nothing else does
train: setup
	@$(BIN)/python -c 'import sklearn' 2>/dev/null || { echo "scikit-learn is missing: $(BIN)/pip install scikit-learn" >&2; exit 1; }
	@$(BIN)/python -m tests.handlers.language.train

# How much of what people write is read right: the table of docs/language.md
understand-report: setup
	@$(BIN)/python -m tests.handlers.language.measure --held-out

# 200 years of a company of 300, and 500 lives of a small one whose processes die all the time
simulate: setup
	@$(BIN)/python -m tests.simulation --shape year --jobs $$(nproc)
	@$(BIN)/python -m tests.simulation --shape crash --jobs $$(nproc)

# Against a real LiteLLM proxy: the one that GATEWAY_URL and GATEWAY_KEY name, else the one that the script LITELLM_SCRIPT
# starts with `up` and ends with `down`
# Sign-in through a real OpenID provider (npm: oidc-provider) in a real browser
test-oidc: setup
	@command -v npm >/dev/null || { echo "npm is missing: apt install npm" >&2; exit 1; }
	@npm ci --prefix tests/oidc/provider --no-audit --no-fund --silent
	@$(BIN)/python -m pytest -m oidc tests/oidc

test-litellm: setup
	@if [ -z "$$GATEWAY_URL" ] && [ -n "$$LITELLM_SCRIPT" ]; then \
	  trap '"$$LITELLM_SCRIPT" down' EXIT; STORE_MODEL_IN_DB=True "$$LITELLM_SCRIPT" up || exit 1; \
	  export GATEWAY_URL=http://127.0.0.1:4802 GATEWAY_KEY=sk-master-0123456789; \
	fi; \
	$(BIN)/python -m pytest -s -m litellm tests/litellm
