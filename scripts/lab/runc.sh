#!/bin/sh
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# runc for machines whose root lacks CAP_SYS_RESOURCE: takes out of what runc is asked for what it cannot give there. That is the capability
# itself ("unable to apply caps"), which privileged containers have, and resource limits ("error setting rlimit"), which Podman sets.
# The specification is DIR/config.json of `runc create --bundle DIR`, and FILE of `runc exec --process FILE`.
set -eu

previous=
for argument; do
  case $previous in
    --bundle | -b) asked=$argument/config.json ;;
    --process | -p) asked=$argument ;;
    *) asked= ;;
  esac
  previous=$argument
  if [ -f "$asked" ]; then
    given=$(jq -c '(.process // .) |= ((.capabilities | objects) |= map_values(. - ["CAP_SYS_RESOURCE"]) | del(.rlimits))' "$asked")
    printf '%s\n' "$given" >"$asked"
  fi
done
exec "${RUNC:-/usr/sbin/runc}" "$@"
