#!/usr/bin/env bash
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# The kind program and kindest/node, made of pinned Go modules and Debian's packages. Called by scripts/lab.sh, which has started Docker.
#
#   scripts/lab/kind-node.sh LAB_FOLDER PROGRAMS_CACHE
#
# Everything is cached by version: programs in LAB_FOLDER/programs, the file system in LAB_FOLDER/node.tar, the image in Docker.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
modules=$project/tests/clusters/modules
lab=$1
cache=$2
kubernetes=1.36.3
etcd=3.6.8
coredns=1.14.2 # the tag that kubeadm asks for
pause=3.10.2
image=kindest/node:v$kubernetes
export GOTOOLCHAIN=local GOFLAGS='' CGO_ENABLED=0
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=amd64 ;; esac

programs=$lab/programs
mkdir -p "$programs"

# The folder of a pinned module; its own go.sum pins what it is built of.
module() {
  (cd "$modules/programs" && go mod download -json "$1" | jq -r .Dir)
}

build_programs() {
  local tree
  if [[ ! -x $programs/kubectl ]]; then
    go build -C "$modules/kubernetes" -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes" -o "$programs/" \
      k8s.io/kubernetes/cmd/{kubelet,kubeadm,kube-proxy,kubectl}
  fi
  [[ -x $programs/kind ]] || go build -C "$(module sigs.k8s.io/kind)" -trimpath -ldflags '-s -w' -o "$programs/kind" .
  [[ -x $programs/crictl ]] || go build -C "$(module sigs.k8s.io/cri-tools)" -trimpath -ldflags '-s -w' -o "$programs/crictl" ./cmd/crictl
  if [[ ! -x $programs/ctr ]]; then
    tree=$(module github.com/containerd/containerd/v2)
    go build -C "$tree" -trimpath -tags no_aufs,no_zfs,no_btrfs,no_devmapper \
      -ldflags "-s -w -X github.com/containerd/containerd/v2/version.Version=${tree##*@}" -o "$programs/" \
      ./cmd/containerd ./cmd/containerd-shim-runc-v2 ./cmd/ctr
  fi
  [[ -x $programs/coredns ]] || go build -C "$(module github.com/coredns/coredns)" -trimpath -ldflags '-s -w' -o "$programs/coredns" .
}

# What waits until it is told to end, and takes in what its siblings left behind.
build_pause() {
  [[ ! -x $programs/pause ]] || return 0
  cc -static -Os -s -x c -o "$programs/pause" - <<'C'
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, NULL, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
C
}

# --- the node's file system: Debian, kind's own files, the programs

make_root() {
  local root=$1 files
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,iptables,nftables,ethtool,socat,conntrack,kmod,procps,jq,runc,containernetworking-plugins,ca-certificates,mount,util-linux,hostname,curl,gettext-base,pigz,rsync \
    bookworm "$root" >"$lab/debootstrap.log" 2>&1
}

furnish_root() {
  local root=$1 files name
  files=$(module sigs.k8s.io/kind)/images/base/files
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  install -m 0755 "$files"/usr/local/bin/* "$root/usr/local/bin/"
  install -D -m 0755 -t "$root/kind/bin" "$files"/kind/bin/*
  install -D -m 0644 "$files/etc/crictl.yaml" "$root/etc/crictl.yaml"
  install -D -m 0644 -t "$root/etc/default" "$files"/etc/default/*
  install -D -m 0644 -t "$root/etc/sysctl.d" "$files"/etc/sysctl.d/*
  install -D -m 0644 -t "$root/etc/systemd/system" "$files"/etc/systemd/system/*.{service,slice}
  rm -rf "$root/etc/systemd/system/kubelet.service.d"
  install -D -m 0644 -t "$root/etc/systemd/system/kubelet.service.d" "$files"/etc/systemd/system/kubelet.service.d/*
  # Without the proxy plugin for rootless engines.
  mkdir -p "$root/etc/containerd"
  sed -e '/^\[proxy_plugins/,/^$/d' -e "s#pause:3[.0-9]*#pause:$pause#" -e 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' \
    "$files/etc/containerd/config.toml" >"$root/etc/containerd/config.toml"
  printf '%s\n' '[plugins."io.containerd.grpc.v1.cri".registry]' '  config_path = "/etc/containerd/certs.d"' >>"$root/etc/containerd/config.toml"

  install -m 0755 "$programs"/{kubelet,kubeadm,kubectl} "$root/usr/bin/"
  install -m 0755 "$programs"/{containerd,containerd-shim-runc-v2,ctr,crictl} "$root/usr/local/bin/"
  mkdir -p "$root/opt/cni/bin" "$root/etc/cni/net.d" "$root/etc/kubernetes/manifests" "$root/kind/manifests"
  for name in host-local loopback ptp portmap; do
    cp "$root/usr/lib/cni/$name" "$root/opt/cni/bin/"
  done
  # In the place of kindnet, whose image cannot be had: Pods of one node.
  cat >"$root/etc/cni/net.d/10-lab.conflist" <<'CNI'
{"cniVersion": "0.4.0", "name": "lab", "plugins": [
  {"type": "ptp", "ipMasq": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
CNI
  cat >"$root/kind/manifests/default-storage.yaml" <<'STORAGE'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
STORAGE
  printf 'v%s' "$kubernetes" >"$root/kind/version"
  # As kind's Dockerfile has it.
  find "$root/lib/systemd/system/sysinit.target.wants" -name systemd-tmpfiles-setup.service -delete
  rm -f "$root"/lib/systemd/system/multi-user.target.wants/* "$root"/etc/systemd/system/*.wants/* "$root"/lib/systemd/system/local-fs.target.wants/* \
    "$root"/lib/systemd/system/sockets.target.wants/*udev* "$root"/lib/systemd/system/sockets.target.wants/*initctl* \
    "$root"/lib/systemd/system/basic.target.wants/*
  echo ReadKMsg=no >>"$root/etc/systemd/journald.conf"
  chroot "$root" systemctl enable kubelet.service containerd.service undo-mount-hacks.service
  chroot "$root" systemctl mask systemd-binfmt.service
  chroot "$root" ctr oci spec | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    >"$root/etc/containerd/cri-base.json"
  if [[ -n ${LIMITED_RUNC:-} ]]; then
    mv "$root/usr/sbin/runc" "$root/usr/sbin/runc.real"
    sed 's#/usr/sbin/runc}#/usr/sbin/runc.real}#' "$project/scripts/lab/runc.sh" >"$root/usr/sbin/runc"
    chmod 0755 "$root/usr/sbin/runc"
  fi
}

# --- the images kubeadm wants

# one_program NAME:TAG PROGRAM FILE
one_program() {
  local root
  root=$(mktemp -d "$lab/image.XXXXXX")
  install -D -m 0755 "$3" "$root/usr/local/bin/$2"
  mkdir -p "$root/tmp" "$root/etc"
  ln -s "usr/local/bin/$2" "$root/$2"
  tar -C "$root" -c . | docker import --change "ENTRYPOINT [\"/$2\"]" - "registry.k8s.io/$1" >/dev/null
  rm -rf "$root"
}

make_images() {
  local name
  for name in kube-apiserver kube-controller-manager kube-scheduler; do
    one_program "$name:v$kubernetes" "$name" "$cache/$name/$kubernetes/linux-$machine/$name"
  done
  one_program "etcd:$etcd-0" etcd "$cache/etcd/$etcd/linux-$machine/etcd"
  one_program "coredns/coredns:v$coredns" coredns "$programs/coredns"
  one_program "pause:$pause" pause "$programs/pause"
}

# kube-proxy calls iptables and nft: it is the node's own Debian with the program added.
make_proxy_image() {
  local root=$1
  tar -C "$root" --exclude=./usr/bin/kube* --exclude=./usr/local/bin/c* --exclude=./usr/share/doc --exclude=./usr/share/locale \
    --transform 's#^prog/#./usr/local/bin/#' -c . -C "$lab" --transform 's#^programs/#./usr/local/bin/#' programs/kube-proxy |
    docker import - "registry.k8s.io/kube-proxy:v$kubernetes" >/dev/null
}

make_node_image() {
  local root=$1 node
  tar -C "$root" -c . | docker import --change 'ENV container=docker' - lab-node >/dev/null
  node=$(docker run --detach --privileged --stop-signal SIGRTMIN+3 --entrypoint /usr/local/bin/containerd lab-node)
  sleep 2
  docker images --format '{{.Repository}}:{{.Tag}}' | grep '^registry.k8s.io/' | xargs docker save |
    docker exec --interactive "$node" ctr --namespace k8s.io images import --all-platforms --digests --snapshotter overlayfs -
  docker exec "$node" sh -c 'kill 1' || true
  docker wait "$node" >/dev/null
  docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' "$node" "$image" >/dev/null
  docker rm "$node" >/dev/null
}

build_programs
build_pause
root=${LAB_ROOT:-$lab/node}
[[ -d $root ]] || make_root "$root"
furnish_root "$root"
make_images
make_proxy_image "$root"
make_node_image "$root"
