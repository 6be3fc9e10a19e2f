# shellcheck shell=bash
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# The images of kind's node, of Kubernetes and of Flux, made of pinned Go modules and Debian's packages. A part of scripts/lab.sh.
#
# Each step has a recipe, which is a digest of all that goes into it: what was made by the same one is there already.

# shellcheck disable=SC2154 # scripts/lab.sh says what project and lab are
modules=$project/tests/clusters/modules
# shellcheck disable=SC2154 # as above
programs=$lab/programs
kubernetes=$(version_of kube-apiserver)
# What Flux is upgraded from and to.
flux_versions() { # flux_versions CONTROLLER: the older one, which the lab alone has, then the one that the role binaries has
  sed -n "s#^\tgithub.com/fluxcd/$1 v\([0-9.]*\).*#\1#p" "$modules/$1/go.mod"
  version_of "$1"
}

node_image=kindest/node:v$kubernetes
debian_packages=systemd,systemd-sysv,dbus,iproute2,iptables,nftables,ethtool,socat,conntrack,kmod,procps,jq,runc,containernetworking-plugins,ca-certificates,mount,util-linux,hostname,curl,gettext-base,pigz,rsync

recipe_of() { # recipe_of TEXT…: also of what standard input has
  { printf '%s\n' "$@"; cat; } | sha256sum | cut -c 1-16
}

# --- programs

# Flags as the role binaries has them: what both are built of is compiled once.
build() { # build NAME FOLDER PACKAGE [FLAG…]
  local name=$1 folder=$2 package=$3
  shift 3
  GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' GOWORK=off CGO_ENABLED=0 \
    go build -C "$folder" -trimpath "$@" -o "$programs/.$name" "$package" || refuse "$name could not be built"
  mv "$programs/.$name" "$programs/$name"
}

# The folder of a module that tests/clusters/modules/programs pins.
module() {
  (cd "$modules/programs" && GOTOOLCHAIN=local GOFLAGS='' go mod download -json "$1" | jq -r .Dir)
}

programs_recipe() {
  find "$modules" -type f -print0 | sort -z | xargs -0 cat | recipe_of "$(declare -f build build_programs)" "$kubernetes"
}

build_programs() {
  local recipe name tree
  recipe=$(programs_recipe)
  [[ $(cat "$programs/recipe" 2>/dev/null) != "$recipe" ]] || return 0
  mkdir -p "$programs"
  say "building what a node is made of; Go's cache makes it short when it was built before"
  for name in kubelet kubeadm kubectl kube-proxy; do
    build "$name" "$modules/kubernetes" "k8s.io/kubernetes/cmd/$name" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes"
  done
  say "kubelet, kubeadm, kubectl and kube-proxy are built"
  tree=$(module github.com/containerd/containerd/v2)
  for name in containerd containerd-shim-runc-v2 ctr; do
    build "$name" "$tree" "./cmd/$name" -tags no_aufs,no_zfs,no_btrfs,no_devmapper \
      -ldflags "-s -w -X github.com/containerd/containerd/v2/version.Version=${tree##*@}"
  done
  build crictl "$(module sigs.k8s.io/cri-tools)" ./cmd/crictl -ldflags '-s -w'
  build coredns "$(module github.com/coredns/coredns)" . -ldflags '-s -w'
  build pause "$modules/pause" . -ldflags '-s -w'
  for name in source-controller kustomize-controller; do
    build "older-$name" "$modules/$name" "github.com/fluxcd/$name" -ldflags '-s -w'
  done
  echo "$recipe" >"$programs/recipe"
  say "all of them are built"
}

# --- images of one program

label_of() { # label_of IMAGE: the recipe that it was made by
  docker image inspect --format '{{index .Config.Labels "lab.recipe"}}' "$1" 2>/dev/null
}

# A program alone in a file system, in PATH, with the certificates of public authorities; as root, or as the user whom Flux's images name.
one_program() { # one_program IMAGE PROGRAM FILE [USER]
  local root recipe
  recipe=$(recipe_of "$(declare -f one_program)" "$@" <"$3")
  [[ $(label_of "$1") != "$recipe" ]] || return 0
  root=$(mktemp -d "$lab/image.XXXXXX")
  mkdir -p "$root/etc/ssl/certs"
  install -d -m 1777 "$root/tmp"
  install -D -m 0755 "$3" "$root/usr/local/bin/$2"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  chmod 0755 "$root"
  tar -C "$root" -c . | docker import --change "ENTRYPOINT [\"/usr/local/bin/$2\"]" --change "USER ${4:-0:0}" \
    --change 'ENV PATH=/usr/local/bin' --change "LABEL lab.recipe=$recipe" - "$1" >/dev/null
  rm -rf "$root"
}

# Names and tags are those that kubeadm asks for.
kubernetes_images() {
  "$programs/kubeadm" config images list --kubernetes-version "v$kubernetes"
}

make_images() {
  local image name older current
  for image in $(kubernetes_images); do
    name=${image##*/}
    name=${name%%:*}
    case $name in
      kube-proxy) ;; # needs Debian's iptables: below
      coredns | pause) one_program "$image" "$name" "$programs/$name" ;;
      *) one_program "$image" "$name" "$(program "$name")" ;;
    esac
  done
  for name in source-controller kustomize-controller; do
    read -r -d '' older current <<<"$(flux_versions "$name")" || true
    one_program "ghcr.io/fluxcd/$name:v$older" "$name" "$programs/older-$name" 65534:65534
    one_program "ghcr.io/fluxcd/$name:v$current" "$name" "$(program "$name")" 65534:65534
  done
}

images_in_node() {
  local name version
  kubernetes_images
  for name in source-controller kustomize-controller; do
    for version in $(flux_versions "$name"); do
      echo "ghcr.io/fluxcd/$name:v$version"
    done
  done
}

# --- the node

# Debian, from where this machine has its packages.
make_debian() {
  local suite site made
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  debian=$lab/debian-$(recipe_of "$suite" "$debian_packages" </dev/null)
  [[ ! -d $debian ]] || return 0
  # shellcheck disable=SC2016 # these are apt's own placeholders
  site=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | sed -n "s#^$suite main ##p" | head -1)
  made=$(mktemp -d "$lab/debian.XXXXXX")
  chmod 0755 "$made"
  debootstrap --variant=minbase --include="$debian_packages" "$suite" "$made" ${site:+"$site"} >"$lab/debootstrap.log" 2>&1 ||
    { tail -20 "$lab/debootstrap.log" >&2; refuse "debootstrap failed; its log is $lab/debootstrap.log"; }
  rm -rf "$made"/var/cache/apt/archives/*.deb "$made"/var/lib/apt/lists/*
  mv "$made" "$debian"
  say "the node's Debian is there"
}

# kind's own files and the programs, laid over Debian as kind's Dockerfile does it (images/base).
furnish() { # furnish ROOT
  local root=$1 files name
  files=$(module sigs.k8s.io/kind)/images/base/files
  install -m 0755 "$files"/usr/local/bin/* "$root/usr/local/bin/"
  install -D -m 0755 -t "$root/kind/bin" "$files"/kind/bin/*
  install -D -m 0644 "$files/etc/crictl.yaml" "$root/etc/crictl.yaml"
  install -D -m 0644 -t "$root/etc/default" "$files"/etc/default/*
  install -D -m 0644 -t "$root/etc/sysctl.d" "$files"/etc/sysctl.d/*
  install -D -m 0644 -t "$root/etc/systemd/system" "$files"/etc/systemd/system/*.{service,slice}
  install -D -m 0644 -t "$root/etc/systemd/system/kubelet.service.d" "$files"/etc/systemd/system/kubelet.service.d/*
  # Without the proxy plugin for rootless engines.
  mkdir -p "$root/etc/containerd"
  sed -e '/^\[proxy_plugins/,/^$/d' -e "s#pause:3[.0-9]*#$(kubernetes_images | sed -n 's#.*/\(pause:.*\)#\1#p')#" \
    -e 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' \
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
  find "$root/lib/systemd/system/sysinit.target.wants" -name systemd-tmpfiles-setup.service -delete
  rm -f "$root"/lib/systemd/system/multi-user.target.wants/* "$root"/etc/systemd/system/*.wants/* "$root"/lib/systemd/system/local-fs.target.wants/* \
    "$root"/lib/systemd/system/sockets.target.wants/*udev* "$root"/lib/systemd/system/sockets.target.wants/*initctl* \
    "$root"/lib/systemd/system/basic.target.wants/*
  echo ReadKMsg=no >>"$root/etc/systemd/journald.conf"
  chroot "$root" systemctl enable --quiet kubelet.service containerd.service undo-mount-hacks.service
  chroot "$root" systemctl mask --quiet systemd-binfmt.service
  chroot "$root" ctr oci spec | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
    >"$root/etc/containerd/cri-base.json"
  if lacks_sys_resource; then
    mv "$root/usr/sbin/runc" "$root/usr/sbin/runc.real"
    sed 's#/usr/sbin/runc}#/usr/sbin/runc.real}#' "$project/scripts/lab/runc.sh" >"$root/usr/sbin/runc"
    chmod 0755 "$root/usr/sbin/runc"
  fi
}

node_recipe() {
  local image
  for image in $(images_in_node); do
    label_of "$image" || true # kube-proxy's is made with the node's
  done | recipe_of "$debian" "$(programs_recipe)" "$(declare -f furnish make_proxy_image make_node_image)" "$(lacks_sys_resource && cat "$project/scripts/lab/runc.sh")"
}

# kube-proxy calls iptables and nft: it is the node's own Debian with the program added.
make_proxy_image() { # make_proxy_image ROOT IMAGE
  tar -C "$1" --exclude='./usr/bin/kube*' --exclude='./usr/local/bin/c*' --exclude=./usr/share/doc --exclude=./usr/share/locale \
    --transform 's#^kube-proxy#./usr/local/bin/kube-proxy#' -c . -C "$programs" kube-proxy | docker import - "$2" >/dev/null
}

make_node_image() {
  local recipe root node proxy
  recipe=$(node_recipe)
  [[ $(label_of "$node_image") != "$recipe" ]] || return 0
  proxy=$(kubernetes_images | grep /kube-proxy:)
  root=$(mktemp -d "$lab/node.XXXXXX")
  cp -a "$debian/." "$root"
  furnish "$root"
  make_proxy_image "$root" "$proxy"
  tar -C "$root" -c . | docker import --change 'ENV container=docker' - lab-node >/dev/null
  rm -rf "$root"
  # Its own containerd takes the images in; what is committed then has them.
  node=$(docker run --detach --privileged --stop-signal SIGRTMIN+3 --entrypoint /usr/local/bin/containerd lab-node)
  for _ in $(seq 100); do
    docker exec "$node" ctr version >/dev/null 2>&1 && break
    sleep 0.2
  done
  images_in_node | xargs docker save |
    docker exec --interactive "$node" ctr --namespace k8s.io images import --all-platforms --digests --snapshotter overlayfs - >"$lab/node-images.log" 2>&1 ||
    { tail -5 "$lab/node-images.log" >&2; docker rm --force "$node" >/dev/null; refuse "the node's containerd did not take its images in"; }
  docker kill --signal TERM "$node" >/dev/null
  docker wait "$node" >/dev/null
  docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' --change "LABEL lab.recipe=$recipe" "$node" "$node_image" >/dev/null
  docker rm "$node" >/dev/null
  docker image rm --no-prune lab-node "$proxy" >/dev/null
  say "$node_image was made"
}
