#!/bin/sh
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# The life of a loop with the lowest and the newest ansible-core that meta/runtime.yml allows, each in a virtual environment of its own below .build/core.
# With the lowest go the lowest versions that meta/ee-requirements.txt allows, exactly these; with the newest what requirements.in pins. The collections are
# those of the release of the package ansible that belongs to that ansible-core.
# The newest is the one that the Python here can have; PYTHON names another Python.
#
#   scripts/test-core.sh [PYTEST'S OPTIONS]
set -eu

python=$(scripts/check-needs.sh)
allowed=$(sed -n 's/^requires_ansible: *"\(.*\)"$/\1/p' meta/runtime.yml)
lowest=$(echo "$allowed" | sed -n 's/^>=\([0-9.]*\).*/\1/p')
# ansible 11 has ansible-core 2.18, and so on.
lowest_package=$(($(echo "$lowest" | cut -d . -f 2) - 7))

# environment NAME REQUIREMENT…: a virtual environment with these and what runs the tests, and the checkout where Python and Ansible find collections
environment() {
  place=.build/core/$1
  shift
  "$place/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$place"
  "$place/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy only-if-needed \
    --requirement .build/core/pytest.txt "$@"
  site_packages=$("$place/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  mkdir -p "$site_packages/ansible_collections/gitops"
  ln -sfn "$PWD" "$site_packages/ansible_collections/gitops/flux_local"
}

version() {
  "$1/bin/python" -c 'import importlib.metadata; print(importlib.metadata.version("ansible-core"))'
}

tests='tests/core tests/unit/plugins/plugin_utils/test_in_process.py tests/unit/plugins/plugin_utils/test_private_parts.py'

mkdir -p .build/core
grep -E '^(hypothesis|pytest)==' requirements-dev.in >.build/core/pytest.txt
sed 's/>=/==/' meta/ee-requirements.txt >.build/core/lowest.txt
sed '/^ansible/d' requirements.in >.build/core/newest.txt
environment lowest "ansible-core==$lowest" "ansible==$lowest_package.*" --requirement .build/core/lowest.txt
environment newest "ansible-core$allowed" ansible --requirement .build/core/newest.txt
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
