#!/usr/bin/env bash
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
#
# A loop on kind as the documentation of kind and of Flux has people make it, in one script: the peer of site.yml in benchmarks/clusters.py.
# https://kind.sigs.k8s.io/docs/user/local-registry/ and https://fluxcd.io/flux/cheatsheets/oci-artifacts/
#
#   benchmarks/kind_by_hand.sh NAME PORT FOLDER EXAMPLES
#
# docker, kind, kubectl and flux are in PATH. FOLDER has kind.yaml (kind's configuration), flux.json (Flux's manifests), and workloads.json
# (the sources and Kustomizations of the folders in EXAMPLES).
set -euo pipefail

name=$1
port=$2
folder=$3
examples=$4
registry=$name-registry

docker run --detach --restart always --publish "127.0.0.1:$port:5000" --network bridge --name "$registry" registry:3
kind create cluster --name "$name" --config "$folder/kind.yaml"

there=/etc/containerd/certs.d/localhost:$port
for node in $(kind get nodes --name "$name"); do
  docker exec "$node" mkdir -p "$there"
  docker exec --interactive "$node" cp /dev/stdin "$there/hosts.toml" <<<"[host.\"http://$registry:5000\"]"
done
docker network connect kind "$registry"
kubectl apply -f - <<CONFIGMAP
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-registry-hosting
  namespace: kube-public
data:
  localRegistryHosting.v1: |
    host: "localhost:$port"
    help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
CONFIGMAP

kubectl apply --server-side -f "$folder/flux.json"
kubectl --namespace flux-system rollout status deployment --timeout 3m

for workload in base backend frontend; do
  flux push artifact "oci://localhost:$port/$workload:latest" --path "$examples/$workload" --source local --revision by-hand
done
kubectl apply -f "$folder/workloads.json"
for workload in base backend frontend; do
  flux reconcile kustomization "$workload" --with-source --timeout 3m
done
