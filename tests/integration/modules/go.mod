// Manifests that nobody here wrote, which the tests have Flux apply. Only downloaded, and verified by go.sum; nothing is built of them.
module gitops.flux-local.invalid/tests/manifests

go 1.26

require (
	github.com/prometheus-operator/prometheus-operator v0.85.0
	github.com/stefanprodan/podinfo v1.8.1-0.20250910200901-e86405a8674e
)
