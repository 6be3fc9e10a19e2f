#!/usr/bin/env bash
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# The lab: container engines and images for tests/clusters, also where no image can be pulled. Debian, as root.
#
#   scripts/lab.sh up      Docker and Podman answer, both have registry:3, and Docker has the node of kind and Flux's images.
#                          What is there already is left as it is.
#   scripts/lab.sh parts   only what takes long in that, and no engine: Debian's packages and the programs, built.
#   scripts/lab.sh down    ends the Docker engine that `up` started, and no other.
#
# LAB_IMAGES=official pulls the images. By default they are made of the programs that the role binaries has, and of others that are built here.
# `make lab` calls it with .venv in PATH.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/flux-local
lab=$cache/lab
pidfile=$lab/dockerd.pid
rootless_user=flux-lab
registry_image=docker.io/library/registry:3
began=$SECONDS

say() {
  printf '=== lab: %s (%s s)\n' "$*" "$((SECONDS - began))"
}

refuse() {
  echo "make lab: $*" >&2
  exit 1
}

# The engine that `up` started, if it still runs: a pid may long belong to another program.
own_engine() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--data-root $lab/docker" || return 1
  echo "$pid"
}

# --- packages

install_packages() {
  local lacking=() package program
  # PACKAGE PROGRAM
  while read -r package program; do
    command -v "$program" >/dev/null || lacking+=("$package")
  done <<'PACKAGES'
docker.io dockerd
iptables iptables
jq jq
debootstrap debootstrap
podman podman
netavark /usr/lib/podman/netavark
aardvark-dns /usr/lib/podman/aardvark-dns
slirp4netns slirp4netns
uidmap newuidmap
PACKAGES
  ((${#lacking[@]})) || return 0
  command -v apt-get >/dev/null || refuse "these Debian packages are needed, and there is no apt-get: ${lacking[*]}"
  say "installing ${lacking[*]}"
  apt-get update --quiet=2
  # A package that starts its service would take the place of the lab's own engine.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${lacking[@]}" >"$lab/apt.log" 2>&1 ||
    { tail -20 "$lab/apt.log" >&2; exit 1; }
}

# --- the engine

# Root without CAP_SYS_RESOURCE (bit 24) cannot give it to privileged containers either.
lacks_sys_resource() {
  local capabilities
  capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
  (((16#$capabilities >> 24 & 1) == 0))
}

# scripts/lab/runc.sh takes runc's place then, in a folder that rootless Podman reaches too.
limited_runc=/usr/local/lib/flux-local-lab/runc

put_limited_runc_in_place() {
  local settings=/etc/containers/containers.conf.d/flux-local-lab.conf
  lacks_sys_resource || return 0
  say "containers do without CAP_SYS_RESOURCE, which root lacks here: $limited_runc, $settings"
  install -D -m 0755 "$project/scripts/lab/runc.sh" "$limited_runc"
  mkdir -p "${settings%/*}"
  printf '[engine]\nruntime = "without-resource"\n[engine.runtimes]\nwithout-resource = ["%s"]\n' "$limited_runc" >"$settings"
}

start_engine() {
  local options=()
  if docker version >/dev/null 2>&1; then
    say "Docker $(docker version --format '{{.Server.Version}}') answers"
    return
  fi
  if own_engine >/dev/null; then
    refuse "the lab's own dockerd runs and does not answer; see $lab/dockerd.log, and end it with make lab-down"
  fi
  if lacks_sys_resource; then
    options=(--add-runtime "without-resource=$limited_runc" --default-runtime without-resource)
  fi
  rm -f "$pidfile"
  # 9 is the lock of this run, which would be held as long as the engine runs.
  setsid dockerd --data-root "$lab/docker" --exec-root "$lab/exec" --pidfile "$pidfile" "${options[@]}" \
    </dev/null >"$lab/dockerd.log" 2>&1 9>&- &
  for _ in $(seq 150); do
    if docker version >/dev/null 2>&1; then
      say "Docker $(docker version --format '{{.Server.Version}}') was started"
      return
    fi
    sleep 0.2
  done
  tail -20 "$lab/dockerd.log" >&2
  refuse "dockerd does not answer after 30 s; its log is $lab/dockerd.log"
}

# --- images

version_of() { # version_of PROGRAM: as the role binaries pins it
  sed -n "/^  - name: $1\$/,/^\$/s/^    version: //p" "$project/roles/binaries/vars/main.yml"
}

# The path of a program of the role binaries, which is asked only for what its cache lacks.
program() { # program NAME
  local edition machine path
  edition=$(sed -n "/^  - name: $1\$/,/^\$/{s/^    version: //p; s/^    build: /-/p}" "$project/roles/binaries/vars/main.yml" | tr -d '\n')
  case $(uname -m) in aarch64) machine=arm64 ;; *) machine=amd64 ;; esac
  path=$cache/$1/$edition/linux-$machine/$1
  if [[ ! -x $path ]]; then
    ansible localhost --connection local --module-name ansible.builtin.include_role \
      --args name=gitops.flux_local.binaries --extra-vars "{\"binaries_programs\": [\"$1\"]}" >&2
  fi
  echo "$path"
}

# What docker.io/library/registry:3 is: the program, its configuration, and what its Dockerfile sets (cmd/registry/config-dev.yml, Dockerfile).
make_registry_image() {
  local registry recipe root
  registry=$(program registry)
  recipe=$(sha256sum <"$registry" | recipe_of "$(declare -f make_registry_image)")
  if [[ $(docker image inspect --format '{{index .Config.Labels "lab.recipe"}}' "$registry_image" 2>/dev/null) == "$recipe" ]]; then
    return
  fi
  root=$(mktemp -d "$lab/registry.XXXXXX")
  mkdir -p "$root/bin" "$root/etc/distribution" "$root/tmp" "$root/var/lib/registry"
  cp "$registry" "$root/bin/registry"
  cat >"$root/etc/distribution/config.yml" <<'CONFIG'
version: 0.1
log:
  level: info
storage:
  delete:
    enabled: true
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  debug:
    addr: :5001
CONFIG
  tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["registry"]' --change 'CMD ["serve", "/etc/distribution/config.yml"]' \
    --change 'ENV OTEL_TRACES_EXPORTER=none' --change 'VOLUME /var/lib/registry' --change 'EXPOSE 5000' \
    --change "LABEL lab.recipe=$recipe" - "$registry_image" >/dev/null
  rm -rf "$root"
  say "$registry_image was made"
}

# Folders that the environment names are those of the user who calls this.
podman_of() { # podman_of USER ARGUMENT…
  local user=$1
  shift
  (cd / && exec env -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_RUNTIME_DIR su "$user" -s /bin/sh -c "podman $*")
}

# Root's Podman, and the rootless one of the user below.
give_podman_its_images() {
  local recipe user
  recipe=$(docker image inspect --format '{{index .Config.Labels "lab.recipe"}}' "$registry_image")
  for user in root "$rootless_user"; do
    if [[ $(podman_of "$user" image inspect "$registry_image" 2>/dev/null | jq -r '.[0].Labels["lab.recipe"]') != "$recipe" ]]; then
      docker save "$registry_image" | podman_of "$user" load --quiet >/dev/null
      podman_of "$user" tag localhost/registry:3 "$registry_image" # Docker leaves its default registry out of the names it saves
      say "Podman of $user has $registry_image"
    fi
  done
}

# A user as people are: with subordinate ids, and the network device that rootless Podman opens.
make_rootless_user() {
  id "$rootless_user" >/dev/null 2>&1 || useradd --create-home "$rootless_user"
  chmod 0666 /dev/net/tun
}

# shellcheck source=scripts/lab/images.sh
source "$project/scripts/lab/images.sh"

# kind's own default, which its source names with a digest.
official_node_image() {
  sed -n 's#^const Image = "\(.*\)"#\1#p' "$(module sigs.k8s.io/kind)/pkg/apis/config/defaults/image.go"
}

pull_images() {
  local name version user
  docker pull --quiet "$registry_image"
  docker pull --quiet "$(official_node_image)"
  for name in source-controller kustomize-controller; do
    for version in $(flux_versions "$name"); do
      docker pull --quiet "ghcr.io/fluxcd/$name:v$version"
    done
  done
  for user in root "$rootless_user"; do
    podman_of "$user" pull --quiet "$registry_image"
  done
}

make_all_images() {
  make_registry_image
  give_podman_its_images
  build_programs
  make_images
  make_debian
  make_node_image
}

# --- what is called

prepare() {
  ((EUID == 0)) || refuse "only root can start a container engine here. Run it as root, or on a machine of your own use the engine that it has."
  mkdir -p "$lab"
  exec 9>"$lab/lock"
  flock --nonblock 9 || { say "waiting for another make lab"; flock 9; }
  install_packages
  rm -rf "$lab"/{image,node,debian,registry}.?????? # of a run that was interrupted
  program kind >/dev/null
  program k3d >/dev/null
}

parts() {
  prepare
  if [[ ${LAB_IMAGES:-made} != official ]]; then
    build_programs
    make_debian
  fi
}

up() {
  prepare
  put_limited_runc_in_place
  start_engine
  make_rootless_user
  if [[ ${LAB_IMAGES:-made} == official ]]; then
    pull_images
  else
    make_all_images
  fi
  say "ready: Docker $(docker version --format '{{.Server.Version}}'), $(podman --version)"
}

down() {
  local pid
  if ! pid=$(own_engine); then
    say "no engine of its own runs"
    return
  fi
  kill "$pid"
  for _ in $(seq 300); do
    if [[ ! -d /proc/$pid ]]; then
      say "its Docker engine has ended"
      return
    fi
    sleep 0.2
  done
  refuse "dockerd ($pid) has not ended after 60 s; its log is $lab/dockerd.log"
}

case ${1:-} in
  up | parts | down) "$1" ;;
  *) echo "usage: $0 up|parts|down" >&2; exit 2 ;;
esac
