module gitops.flux-local/pause

go 1.26
