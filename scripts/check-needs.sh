#!/bin/sh
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# Says what this machine lacks before anything is installed or built, all together, each with what to do about it; then exits 1.
# Otherwise prints the path of the Python to use. PYTHON names a certain one; XDG_CACHE_HOME is respected as the role binaries does.
#
# MIRROR names what has the images of all programs (the role's option binaries_mirror).
#
#   scripts/check-needs.sh [--folder FOLDER]     FOLDER has programs already (the role's option binaries_folder)
set -eu

programs_table=$(dirname "$0")/../roles/binaries/vars/main.yml
cache=${XDG_CACHE_HOME:-$HOME/.cache}/flux-local
folder=
mirror=${MIRROR:-}
lacking=

while [ $# -gt 0 ]; do
  case $1 in
    --folder) folder=${2:?--folder needs the path of a folder}; shift 2 ;;
    *) echo "usage: $0 [--folder FOLDER]" >&2; exit 2 ;;
  esac
done

# lacks WHAT DEBIAN FEDORA MACOS
lacks() {
  lacking="$lacking
- $1
    Debian, Ubuntu: $2
    Fedora: $3
    macOS: $4"
}

has() {
  command -v "$1" >/dev/null 2>&1
}

is_new_enough() {
  has "$1" && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

makes_environments() {
  "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# Sets python. The newest that the pinned Ansible is tested with comes before later ones, and those before the system's own.
choose_python() {
  python=
  too_bare=
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.15 python3.14 python3 python}; do
    if is_new_enough "$candidate"; then
      if makes_environments "$candidate"; then
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        return
      fi
      too_bare=${too_bare:-$candidate}
    fi
  done
  if [ -n "$too_bare" ]; then
    lacks "Python's modules venv and ensurepip are needed, and $too_bare lacks them." \
      "sudo apt install $(basename "$too_bare")-venv" 'sudo dnf install python3' 'brew install python@3.13'
  else
    lacks "Python 3.11 or later is needed${PYTHON:+, and PYTHON=$PYTHON is none}." \
      'sudo apt install python3 python3-venv (Debian 12 or later, Ubuntu 24.04 or later)' 'sudo dnf install python3.13' 'brew install python@3.13'
  fi
}

# Sets platform to what Go calls this one.
name_platform() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=amd64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) system=unsupported ;;
  esac
  case $system in
    Linux) platform=linux-$machine ;;
    Darwin) platform=darwin-$machine ;;
    *)
      platform=
      lacking="$lacking
- Linux (x86-64, arm64) or macOS is needed; this is $(uname -s) on $(uname -m)."
      ;;
  esac
}

# "name version", or "name version-build" where the table counts builds, of each program of the role, one a line
programs() {
  sed -n '
    /^__binaries_manifests:/q
    s/^  - name: *//p
    /^    version:/{
      N
      s/\n    build: */-/
      s/\n.*//
      s/^    version: *//p
    }' "$programs_table" | paste -d ' ' - -
}

# The names of the programs that would have to be built
to_build() {
  programs | while read -r name version; do
    for place in "$cache/$name/$version/$platform" ${folder:+"$folder" "$folder/$name/$version/$platform"}; do
      if [ -f "$place/$name" ] && [ -x "$place/$name" ]; then
        continue 2
      fi
    done
    echo "$name"
  done
}

go_is_new_enough() {
  has go || return 1
  # go1.26.8, go1.27rc1
  go_version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
  minor=$(echo "$go_version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge 26 ]
}

has git || lacks 'git is needed.' 'sudo apt install git' 'sudo dnf install git' 'xcode-select --install'
has make || lacks 'make is needed.' 'sudo apt install make' 'sudo dnf install make' 'xcode-select --install'
choose_python
name_platform
unbuilt=$(to_build | paste -s -d ' ' -)
case $platform in
  linux-*) ;;
  *) mirror= ;; # images have programs for Linux
esac
if [ -n "$unbuilt" ] && [ -z "$mirror" ] && ! go_is_new_enough; then
  lacks "Go 1.26 or later is needed to build $unbuilt (or a folder that has them: the role's option binaries_folder; or a mirror of their images: binaries_mirror)." \
    'https://go.dev/dl/ (unpack it, and put its bin folder into PATH)' \
    'sudo dnf install golang (when "dnf info golang" says 1.26 or later; else https://go.dev/dl/)' 'brew install go'
fi

if [ -n "$lacking" ]; then
  printf 'This machine lacks what is needed. Nothing has been changed.%s\n' "$lacking" >&2
  exit 1
fi
echo "$python"
