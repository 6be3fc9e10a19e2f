// What a kind node is made of. Each is built in its own module, whose go.sum pins the rest.
module gitops.flux-local.invalid/tests/programs

go 1.26

require (
	github.com/containerd/containerd/v2 v2.3.1
	github.com/coredns/coredns v1.13.1
	sigs.k8s.io/cri-tools v1.36.0
	sigs.k8s.io/kind v0.33.0
)
