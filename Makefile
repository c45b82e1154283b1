# run, test, lint, bench, soak: nothing else. Each sets up what it needs.
.PHONY: run test lint bench soak
.DEFAULT_GOAL := run
# Without bytecode on the disk each process compiles all it imports: a second, hundreds of times in the tests and in `bench`.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile

run: .venv/running
	@exec $(BIN)/gateway serve --config config.example.toml

# Five parts side by side, as many tests wait for processes to die and come back. What ran behind is shown at the end.
FAILOVER := tests/faults/test_failover.py
SCREENS := tests/cli tests/console tests/search
test:
	@$(MAKE) --no-print-directory -j2 .venv/servers .venv/client/installed
	@$(MAKE) --no-print-directory lint >.venv/lint.txt 2>&1 & style=$$!; \
	{ $(BIN)/pytest $(FAILOVER); moved=$$?; $(BIN)/pytest $(SCREENS); exit $$((moved | $$?)); } >.venv/screens.txt 2>&1 & screens=$$!; \
	$(BIN)/pytest tests/faults --ignore $(FAILOVER) >.venv/faults.txt 2>&1 & faults=$$!; \
	$(BIN)/pytest tests/http >.venv/http.txt 2>&1 & http=$$!; \
	$(BIN)/pytest --ignore tests/faults --ignore tests/http $(SCREENS:%=--ignore %); others=$$?; \
	wait $$http; calls=$$?; wait $$faults; hurt=$$?; wait $$screens; seen=$$?; wait $$style; plain=$$?; \
	cat .venv/lint.txt .venv/http.txt .venv/faults.txt .venv/screens.txt; exit $$((others | calls | hurt | seen | plain))

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --warnings
	$(BIN)/lint-imports

bench: .venv/installed .venv/servers
	$(BIN)/gateway bench

soak: .venv/installed .venv/servers .venv/builders .venv/client/installed
	$(BIN)/pytest -m soak --timeout 14400

# What the gateway runs with; `make run` needs no more. Each file that pip fetches is compared with the hashes of the lock file.
.venv/running: pyproject.toml requirements/runtime.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "The gateway needs Python 3.11 or newer (found: $(PYTHON))."; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv && $(PYTHON) -m venv --clear .venv; \
	  else echo "Python's venv module is missing. Install it first: sudo apt-get install python3-venv"; exit 1; fi; }
	$(PIP) --require-hashes --requirement requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# And the tools.
.venv/installed: .venv/running requirements/development.txt
	$(PIP) --require-hashes --requirement requirements/development.txt
	@touch $@

# A generator of clients, with which the tests read the OpenAPI document; apart, as it needs an older typer than the gateway.
.venv/client/installed: .venv/installed requirements/client.txt
	@$(BIN)/python -m venv .venv/client
	.venv/client/bin/pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements/client.txt
	@touch $@

# What tests and measurements run against: Debian's servers, a browser and a second shell, each with a program that shows whether it is there.
.venv/servers: .venv/installed requirements/patroni.txt
	@missing=; \
	set -- /usr/lib/postgresql/1[5-9]/bin/initdb /usr/lib/postgresql/[2-9][0-9]/bin/initdb; \
	[ -x "$$1" ] || [ -x "$$2" ] || [ $$# -gt 2 ] || command -v initdb >/dev/null || missing="$$missing postgresql"; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v zsh >/dev/null || missing="$$missing zsh"; \
	command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	PATH="$$PATH:/usr/sbin" command -v haproxy >/dev/null || missing="$$missing haproxy"; \
	PATH="$$PATH:/usr/sbin" command -v logrotate >/dev/null || missing="$$missing logrotate"; \
	command -v promtool >/dev/null || missing="$$missing prometheus"; \
	PATH="$$PATH:/usr/sbin:/sbin" command -v ip >/dev/null || missing="$$missing iproute2"; \
	command -v etcd >/dev/null || missing="$$missing etcd-server"; \
	command -v patroni >/dev/null || missing="$$missing patroni"; \
	PATH="$$PATH:/usr/sbin" command -v iptables >/dev/null || missing="$$missing iptables"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing; \
	else echo "The tests need$$missing (PostgreSQL 15 or newer). Install first: sudo apt-get install$$missing"; exit 1; fi
	$(PIP) --require-hashes --no-deps --upgrade --target .venv/patroni --requirement requirements/patroni.txt
	@touch $@

# What the long tests build an image with.
.venv/builders: .venv/installed
	@missing=; \
	PATH="$$PATH:/usr/sbin" command -v debootstrap >/dev/null || missing="$$missing debootstrap"; \
	command -v buildah >/dev/null || missing="$$missing buildah"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing; \
	else echo "The long tests need$$missing. Install first: sudo apt-get install$$missing"; exit 1; fi
	@touch $@
