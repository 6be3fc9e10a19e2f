#!/bin/sh
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# Brings .venv to the pins of the requirements file named, and links the checkout to where Python and Ansible find collections.
# Called by `make`, in the root of the checkout.
set -eu

requirements=$1
# A virtual environment whose Python was upgraded or removed does not start any more.
if ! .venv/bin/python -c '' 2>/dev/null; then
  python=$(scripts/check-needs.sh)
  echo "Making the virtual environment .venv with $python"
  "$python" -m venv --clear .venv
fi

echo "Installing the pinned packages of $requirements (the first time takes about a minute)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"

site_packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site_packages/ansible_collections/gitops"
ln -sfn "$PWD" "$site_packages/ansible_collections/gitops/flux_local"
