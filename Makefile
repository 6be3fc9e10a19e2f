# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# MIRROR names what has the programs' images (docs/air-gap.md); scripts/check-needs.sh reads it, too.
# `make` alone lists the targets. ARGS goes to the program a target runs: make up ARGS='-e flux_local_name=shop', make unit ARGS='-k packing'.

.POSIX:
.SILENT:

VENV = .venv
COLLECTION = .build/types/ansible_collections/gitops/flux_local

# What a recipe starts with: the virtual environment's programs come first. (POSIX make cannot export PATH.)
WITH_VENV = PATH="$$PWD/$(VENV)/bin:$$PATH"; export PATH; set -e;

# What only computes leaves the processor to what waits for something, as soon as that goes on.
NICE = nice -n 5

.PHONY: help up programs push dev status rollback prune stop destroy test lint sanity unit integration molecule build clean check-needs lab lab-parts lab-down test-clusters test-core test-deep pins

help:
	printf '%s\n' \
	  'make up           everything up: programs, registry, cluster, Flux, and the workloads reconciled' \
	  'make programs     only the programs, in the cache' \
	  'make push         push what changed, and reconcile it' \
	  'make dev          push, reconcile and prove after each save, until Ctrl-C' \
	  'make status       what runs, at which revision, and why not' \
	  'make rollback     take a workload back (ARGS="-e workload=NAME") to the version that was healthy last' \
	  'make prune        remove versions that nobody needs, and win back their space (ARGS="--check": say which)' \
	  'make stop         stop the loop; make up brings it back' \
	  'make destroy      remove the loop (ARGS="-e flux_local_purge=true": with the data of its registry)' \
	  '' \
	  'make test         all of the following, which prove the project' \
	  'make lint         ruff, mypy, yamllint, ansible-lint, antsibull-docs, antsibull-changelog' \
	  'make sanity       ansible-test sanity on the built collection' \
	  'make unit         tests of the pure parts' \
	  'make molecule     converge, idempotence, verify, destroy' \
	  'make integration  tests on the real registry, API server and Flux' \
	  'make test-deep    tests of the pure parts, with many more random examples (not part of make test)' \
	  '' \
	  'make lab          container engines and images for the next one, made here if need be (Debian, as root)' \
	  'make lab-parts    what takes long in that: packages, programs; no engine is started' \
	  'make test-clusters  tests on container engines and the clusters in them' \
	  'make lab-down     end the engine that make lab started' \
	  'make test-core    the life of a loop with the lowest and the newest ansible-core that are allowed' \
	  '' \
	  'make pins         pin every package anew, from requirements.in and requirements-dev.in (ARGS="--upgrade": the newest that they allow)' \
  'make build        the collection as a tarball, in .build' \
	  'make clean        remove what the gates and tests left (the virtual environment stays)' \
	  '' \
	  'MIRROR=folder-or-registry has the programs of make up: docs/air-gap.md' \
	  'ARGS="..." is handed on, such as: make up ARGS="-e flux_local_name=shop", make unit ARGS="-k packing"'

# --- the loop

up: check-needs $(VENV)/runtime
	$(WITH_VENV) ansible-playbook playbooks/site.yml $(MIRROR:%=-e binaries_mirror=%) $(ARGS)

push dev status rollback prune stop destroy: $(VENV)/runtime
	$(WITH_VENV) ansible-playbook playbooks/$@.yml $(ARGS)

programs: check-needs $(VENV)/runtime
	$(WITH_VENV) ansible localhost --module-name ansible.builtin.include_role --args name=gitops.flux_local.binaries \
	  $(MIRROR:%=-e binaries_mirror=%) $(ARGS)

check-needs:
	scripts/check-needs.sh >/dev/null

# --- the virtual environment: made once, brought up to date when the pins change

$(VENV)/runtime: requirements.txt
	scripts/venv.sh requirements.txt
	touch $@

$(VENV)/development: $(VENV)/runtime requirements-dev.txt
	scripts/venv.sh requirements-dev.txt
	touch $@

# Every package with every version and hash, from what requirements.in and requirements-dev.in ask for; the same file on each system and Python.
PIN = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make pins'

pins: $(VENV)/development
	$(WITH_VENV) $(PIN) requirements.in --output-file requirements.txt $(ARGS); \
	$(PIN) requirements-dev.in --output-file requirements-dev.txt $(ARGS)

# mypy takes no sources from site-packages, where the other link is.
$(COLLECTION):
	mkdir -p $(@D)
	ln -sfn "$$PWD" $@

# --- the gates

# The first three compute, the other two wait for something most of the time: they run beside each other.
test: $(VENV)/development $(COLLECTION)
	$(WITH_VENV) python scripts/at_once.py \
	  'lint=$(NICE) $(MAKE) --no-print-directory lint' \
	  'sanity<lint=$(NICE) $(MAKE) --no-print-directory sanity ARGS=' \
	  'unit<sanity=$(NICE) $(MAKE) --no-print-directory unit ARGS=' \
	  'molecule=$(MAKE) --no-print-directory molecule ARGS=' \
	  'integration=$(MAKE) --no-print-directory integration ARGS='

# antsibull-docs copies what Git knows of a collection: of one in .venv, nothing, unless Git looks no further up than .venv.
# (References to other collections than our dependencies are not checked: kubernetes.core's own fragment has some.)
lint: $(VENV)/development $(COLLECTION)
	$(WITH_VENV) \
	GIT_CEILING_DIRECTORIES="$$PWD/$(VENV)"; export GIT_CEILING_DIRECTORIES; \
	python scripts/at_once.py \
	  'ruff check=ruff check --quiet .' \
	  'ruff format=ruff format --check --quiet .' \
	  'yamllint=yamllint .' \
	  'antsibull-changelog=antsibull-changelog lint' \
	  'mypy=mypy' \
	  'antsibull-docs=antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs --validate-collection-refs dependent .' \
	  'ansible-lint=ansible-lint'

sanity: $(VENV)/development
	$(WITH_VENV) scripts/sanity.sh $(ARGS)

unit: $(VENV)/development
	$(WITH_VENV) pytest tests/unit --numprocesses 2 $(ARGS)

# The properties of the pure parts, each tried as often as there is time for.
test-deep: $(VENV)/development
	$(WITH_VENV) pytest tests/unit --numprocesses 2 --hypothesis-profile deep $(ARGS)

integration: $(VENV)/development
	$(WITH_VENV) pytest tests/integration --numprocesses 2 --dist loadfile --durations 40 $(ARGS)

molecule: $(VENV)/development
	$(WITH_VENV) MOLECULE_COMMAND_BORDERS=false molecule test $(ARGS)

# --- the lab: container engines, and what runs on them (docs/clusters.md)

lab: $(VENV)/runtime
	$(WITH_VENV) scripts/lab.sh up

lab-parts: $(VENV)/runtime
	$(WITH_VENV) scripts/lab.sh parts

lab-down:
	scripts/lab.sh down

# Two processes: the tests of the loop on kind are in one of them. Without tests, as by some ARGS, pytest's status is 5.
test-clusters: $(VENV)/development
	$(WITH_VENV) status=0; \
	pytest tests/clusters -m 'not alone' --numprocesses 2 --dist loadgroup --durations 40 $(ARGS) || { code=$$?; test $$code = 5 || status=$$code; }; \
	pytest tests/clusters -m alone $(ARGS) || { code=$$?; test $$code = 5 || status=$$code; }; \
	exit $$status

# --- the versions of Ansible that meta/runtime.yml allows

test-core:
	scripts/test-core.sh $(ARGS)

# --- the rest

build: $(VENV)/runtime
	$(WITH_VENV) ansible-galaxy collection build --force --output-path .build .

clean:
	rm -rf .ansible .build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find plugins tests benchmarks scripts -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
