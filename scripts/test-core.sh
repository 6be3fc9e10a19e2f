#!/bin/sh
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# The life of a loop with the lowest and the newest ansible-core that meta/runtime.yml allows, each in a virtual environment of its own below .build/core.
# Everything else is as requirements.txt pins it, but for the collections: the release of the package ansible that belongs to that ansible-core has them.
# The newest is the one that the Python here can have; PYTHON names another Python.
#
#   scripts/test-core.sh [PYTEST'S OPTIONS]
set -eu

python=$(scripts/check-needs.sh)
allowed=$(sed -n 's/^requires_ansible: *"\(.*\)"$/\1/p' meta/runtime.yml)
lowest=$(echo "$allowed" | sed -n 's/^>=\([0-9.]*\).*/\1/p')
# ansible 11 has ansible-core 2.18, and so on.
lowest_package=$(($(echo "$lowest" | cut -d . -f 2) - 7))

# environment NAME REQUIREMENT…: a virtual environment with these in place of the pinned Ansible, and the checkout where Python and Ansible find collections
environment() {
  place=.build/core/$1
  shift
  "$place/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$place"
  { sed '/^ansible/d' requirements.txt; grep -E '^(hypothesis|pytest)==' requirements-dev.txt; } >.build/core/pins.txt
  "$place/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy only-if-needed \
    --requirement .build/core/pins.txt "$@"
  site_packages=$("$place/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  mkdir -p "$site_packages/ansible_collections/gitops"
  ln -sfn "$PWD" "$site_packages/ansible_collections/gitops/flux_local"
}

version() {
  "$1/bin/python" -c 'import importlib.metadata; print(importlib.metadata.version("ansible-core"))'
}

tests='tests/core tests/unit/plugins/plugin_utils/test_in_process.py tests/unit/plugins/plugin_utils/test_private_parts.py'

mkdir -p .build/core
environment lowest "ansible-core==$lowest" "ansible==$lowest_package.*"
environment newest "ansible-core$allowed" ansible
failed=
for name in lowest newest; do
  began=$(date +%s)
  core=$(version ".build/core/$name")
  printf '\n-- ansible-core %s, the %s that %s allows with %s\n' "$core" "$name" "$allowed" "$("$python" --version)"
  # shellcheck disable=SC2086 # several words
  PATH="$PWD/.build/core/$name/bin:$PATH" python -m pytest $tests "$@" || failed="$failed $core"
  printf -- '-- ansible-core %s: %s s\n' "$core" "$(($(date +%s) - began))"
done
test -z "$failed" || { echo "Not everything works with ansible-core$failed"; exit 1; }
