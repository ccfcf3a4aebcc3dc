package snapshot

// APIGroup is the API group of everything this project writes, and the domain
// of its annotations.
const APIGroup = "kubectl-ds.github.io"

// APIVersion is the version in which reports and captures are written.
const APIVersion = APIGroup + "/v1alpha1"
