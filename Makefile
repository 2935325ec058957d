# Everything sets itself up: a Python 3.11 or newer with venv, and make, are all that is needed.
# `make test` also wants Node 20 with npm (PostgreSQL 17 and the Supabase CLI come from there).

PYTHON ?= python3
# Read once a run, not once a process: tests are thousands of lines that pytest rewrites.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
# The machine that this is built for has two cores; a third process works while another waits for a silence to be long
# enough. Whoever has nothing left takes from the others' share.
SHARED := -n $(or $(WORKERS),3) --dist worksteal
PYTEST := $(BIN)/pytest -q $(SHARED)
# What Supabase runs comes first; the others run what SQL and servers are part of.
POSTGRES := 17
# The oldest and the newest; what lies between them runs the SQL itself.
OTHER_POSTGRES := 15 18
BETWEEN_POSTGRES := 16
# What packaging can break is found where commands, files, templates and workers are: every command, what is
# installed, and a way of each sort from a row to whom it reaches. The rest breaks as it does in the checkout.
WAYS_OF_THE_WHEEL := init messages_insert notification_kinds notify_sms notify_email http_process webhooks worker_http \
	worker_lifecycle rotation supabase_js supabase_js_messages
OF_THE_WHEEL := tests/integration/cli tests/integration/db tests/integration/test_dev_app.py \
	$(WAYS_OF_THE_WHEEL:%=tests/e2e/test_%.py)

.DEFAULT_GOAL := help
.PHONY: help demo test check suite suite-others suite-wheel chaos chaos-tests storm bench types format clean

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo ## From a row to a phone on this machine; KEEP=1 leaves it running
	@$(BIN)/gtr-jobs dev demo $(if $(KEEP),--keep)

test: check suite suite-others suite-wheel ## Everything, as CI runs it

check: $(VENV)/.test ## Format, lint, types, imports and SQL
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar sql/migrations sql/engine sql/rules sql/worker sql/rpc sql/on sql/ops sql/dev gtr_jobs/dev/templates/app gtr_jobs/dev/bench

suite: $(VENV)/.test tests/node/node_modules/.installed pgbouncer nginx ## The full suite on PostgreSQL 17
	GTR_TEST_POSTGRES=$(POSTGRES) $(PYTEST) tests

suite-others: $(VENV)/.test tests/node/node_modules/.installed postgres-15 ## SQL and what installs and claims by it on 15, 16 and 18
	@set -e; for version in $(OTHER_POSTGRES); do \
		echo "PostgreSQL $$version"; \
		GTR_TEST_POSTGRES=$$version $(PYTEST) tests/sql tests/integration/db tests/integration/engine \
			tests/e2e/test_message_secrets.py; \
	done; \
	for version in $(BETWEEN_POSTGRES); do \
		echo "PostgreSQL $$version"; \
		GTR_TEST_POSTGRES=$$version $(PYTEST) tests/sql; \
	done

suite-wheel: $(VENV)/.test tests/node/node_modules/.installed pgbouncer ## The suite against the built wheel, far from the checkout
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	echo "building the wheel and installing it far from the checkout"; \
	$(BIN)/python -m build --wheel --outdir "$$folder/dist" . >/dev/null; \
	$(PYTHON) -m venv "$$folder/venv"; \
	"$$folder/venv/bin/pip" install -q --disable-pip-version-check "$$(ls "$$folder"/dist/*.whl)[test]"; \
	mkdir "$$folder/empty"; \
	tar -c --exclude node_modules tests pyproject.toml | tar -x -C "$$folder/empty"; \
	ln -s "$(CURDIR)/tests/node/node_modules" "$$folder/empty/tests/node/node_modules"; \
	cd "$$folder/empty"; \
	GTR_TEST_POSTGRES=$(POSTGRES) "$$folder/venv/bin/python" -P -m pytest -q $(SHARED) $(OF_THE_WHEEL)

chaos: $(VENV)/.test tests/node/node_modules/.installed ## Hundreds of faults by chance for 20 minutes; SEED=, FAULTS=, MINUTES=
	@GTR_TEST_POSTGRES=$(POSTGRES) PYTHONPATH=tests $(BIN)/python -m chaos.run \
		$(SEED:%=--seed %) $(FAULTS:%=--faults %) $(MINUTES:%=--minutes %)

chaos-tests: $(VENV)/.test tests/node/node_modules/.installed pgbouncer ## Single faults at a size that the suite has no time for
	GTR_TEST_POSTGRES=$(POSTGRES) $(PYTEST) -m chaos tests/chaos

storm: $(VENV)/.test tests/node/node_modules/.installed ## A provider in trouble for 10 minutes; WEATHER=mixed|down|silent, MINUTES=, RATE=
	@GTR_TEST_POSTGRES=$(POSTGRES) PYTHONPATH=tests $(BIN)/python -m chaos.storm \
		$(WEATHER:%=--weather %) $(MINUTES:%=--minutes %) $(RATE:%=--rate %)

bench: $(VENV)/.test tests/bench/peers/node_modules/.installed nginx redis ## Measure everything beside the peers; takes half an hour
	@for what in "drain --peers tests/bench/peers" latency writes depth memory sms "wire --peers tests/bench/peers" "push --peers tests/bench/peers"; do \
		$(BIN)/gtr-jobs bench $$what --json || exit 1; \
	done

types: $(VENV)/.test tests/node/node_modules/.installed ## Write docs/reference/database.types.ts anew
	GTR_TEST_POSTGRES=$(POSTGRES) PYTHONPATH=tests $(BIN)/python -m support.rpc_types

format: $(VENV)/.test ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what these commands made
	rm -rf $(VENV) tests/node/node_modules tests/bench/peers/node_modules

.PHONY: pgbouncer
pgbouncer:
	@PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null || { \
		echo "installing PgBouncer from Debian"; \
		apt-get update -qq && apt-get install -y -qq pgbouncer >/dev/null; \
		service pgbouncer stop >/dev/null 2>&1 || true; \
	}

.PHONY: nginx
nginx:
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || { \
		echo "installing nginx from Debian"; \
		apt-get update -qq && apt-get install -y -qq nginx-light >/dev/null; \
		service nginx stop >/dev/null 2>&1 || true; \
	}

.PHONY: redis
redis:
	@command -v redis-server >/dev/null || { \
		echo "installing Redis from Debian"; \
		apt-get update -qq && apt-get install -y -qq redis-server >/dev/null; \
		service redis-server stop >/dev/null 2>&1 || true; \
	}

.PHONY: postgres-15
postgres-15:
	@ls /usr/lib/postgresql/15/bin/initdb >/dev/null 2>&1 || { \
		echo "installing PostgreSQL 15 from Debian"; \
		apt-get update -qq && apt-get install -y -qq postgresql-15 >/dev/null; \
	}

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11: say make PYTHON=python3.12, or the name of yours" >&2; exit 78; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv: install it (Debian: apt install python3-venv)" >&2; exit 78; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing (once)"
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "installing (once)"
	@$(BIN)/pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@

# npm ci starts from nothing, so that what is installed is what the lock file says.
tests/node/node_modules/.installed: tests/node/package.json tests/node/package-lock.json
	cd tests/node && npm ci --silent --no-audit --no-fund
	@touch $@

tests/bench/peers/node_modules/.installed: tests/bench/peers/package.json tests/bench/peers/package-lock.json
	cd tests/bench/peers && npm ci --silent --no-audit --no-fund
	@touch $@
