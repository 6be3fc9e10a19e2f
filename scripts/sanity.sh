#!/usr/bin/env bash
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs `ansible-test sanity` on the collection as users get it: built and unpacked, without containers.
# Arguments go to ansible-test, such as `--test validate-modules`. Called by `make sanity`, which puts .venv in PATH.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/.build/sanity
collections=$work/ansible_collections
collection=$collections/gitops/flux_local
installed=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections

rm -rf "$collections" "$work/dist"
mkdir -p "$collection"
ansible-galaxy collection build "$root" --output-path "$work/dist" >/dev/null
tar -xzf "$work"/dist/gitops-flux_local-*.tar.gz -C "$collection"
# The collections ours depends on have to lie beside it: ansible-test does not look into site-packages.
ln -s "$installed/community" "$installed/kubernetes" "$collections/"

# ansible-test keeps its virtual environments below $HOME, passes no PIP_* variable on, and fetches pip from a host of its own.
# A home of its own gives it pip's settings of the caller and, in place of that download, the pip that comes with Python.
home=$work/home
mkdir -p "$home/.ansible/test/cache" "$home/.pip"
pip config list | sed -n "s/^[^=]*\.\([^=.]*\)='\(.*\)'$/\1 = \2/p" | sort -u | { echo '[global]'; cat; } >"$home/.pip/pip.conf"
# The name is the version ansible-core 2.19 asks for.
printf 'import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n' >"$home/.ansible/test/cache/get_pip_24_2.py"

cd "$collection"
git init --quiet # or ansible-test asks the checkout around it, which ignores .build
HOME=$home exec ansible-test sanity --local --color no \
  --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" "$@"
