package coverage

import (
	"strings"
	"testing"
)

// The texts are those of the admission plugins of v1.37.2, of OpenShift, and of
// Kyverno and Gatekeeper, which quote others.
func TestClassifyCreate(t *testing.T) {
	const forbidden = `Error creating: pods "agent-x7k2p" is forbidden: `
	for text, want := range map[string]Reason{
		forbidden + `violates PodSecurity "baseline:latest": privileged (container "agent" must not set securityContext.privileged=true)`:                                       CreateForbiddenPSA,
		forbidden + `unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount]`:                          CreateForbiddenPSA,
		forbidden + `unable to validate against any pod security policy: []`:                                                                                                    CreateForbiddenPSA,
		`Error creating: insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]`:                                                                 CreateQuotaScope,
		forbidden + `insufficient quota to consume: requests.nvidia.com/gpu`:                                                                                                    CreateQuotaScope,
		forbidden + `exceeded quota: compute, requested: pods=1, used: pods=5, limited: pods=5`:                                                                                 CreateQuota,
		forbidden + `failed quota: compute: must specify limits.cpu for: agent`:                                                                                                 CreateQuota,
		forbidden + `status unknown for quota: compute, resources: pods`:                                                                                                        CreateQuota,
		forbidden + `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no host paths`:                                                                              CreateVAP,
		forbidden + `ValidatingAdmissionPolicy 'p' denied request: expression 'x' resulted in error: no such key`:                                                               CreateVAP,
		`Error creating: pods "agent-" is forbidden: policy 'labels' with binding 'all' denied request: no params found`:                                                        CreateVAP,
		`Error creating: admission webhook "validate.kyverno.svc-fail" denied the request: nothing but our registry`:                                                            CreateWebhook,
		`Error creating: admission webhook "x" denied the request without explanation`:                                                                                          CreateWebhook,
		`Error creating: Internal error occurred: failed calling webhook "x": failed to call webhook: Post "https://x.svc": context deadline exceeded`:                          CreateWebhook,
		forbidden + `image policy webhook backend denied one or more images: unsigned`:                                                                                          CreateWebhook,
		forbidden + `one or more images rejected by webhook backend`:                                                                                                            CreateWebhook,
		`Error creating: pods "agent-" is forbidden: error looking up service account ops/agent: serviceaccount "agent" not found`:                                              CreateMissingRef,
		`Error creating: pods "agent-" is forbidden: no PriorityClass with name gold was found`:                                                                                 CreateMissingRef,
		`Error creating: pods "agent-" is forbidden: pod rejected: RuntimeClass "kata" not found`:                                                                               CreateMissingRef,
		`Error creating: pods "agent-" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`:                                                CreateConflict,
		`Error creating: pods "agent-" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead`:                                        CreateConflict,
		`Error creating: pods "agent-" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[a] = 1; pod.spec.nodeSelector[a] = 2`:                                       CreateConflict,
		`Error creating: pods "" is forbidden: pod node label selector conflicts with its namespace node label selector`:                                                        CreateConflict,
		`Error creating: pods "agent-x" is forbidden: pod node label selector labels conflict with its namespace whitelist`:                                                     CreateConflict,
		forbidden + `pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist`:                                                CreateConflict,
		forbidden + `pod tolerations (possibly merged with namespace default tolerations) conflict with its cluster whitelist`:                                                  CreateConflict,
		forbidden + `the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed X from the given PriorityClass name`: CreateConflict,
		forbidden + `minimum memory usage per Pod is 64Mi.  No request is specified`:                                                                                            CreateLimit,
		forbidden + `maximum example.com/fpga usage per Container is 1, but limit is 2`:                                                                                         CreateLimit,
		forbidden + `memory max limit to request ratio per Pod is 2, but no limit is specified or limit is 0`:                                                                   CreateLimit,
		`Error creating: Pod "agent-x7k2p" is invalid: spec.containers[0].image: Required value`:                                                                                CreateInvalid,
		`Error creating: etcdserver: request timed out`:                                                                                                                         CreateFailed,
		forbidden + `User "system:serviceaccount:kube-system:daemon-set-controller" cannot create resource "pods"`:                                                              CreateFailed,
		"": CreateFailed,
	} {
		if got := classifyCreate(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Who refuses stands first. What a webhook or a policy writes after that is its
// author's text, and may be the words of any plugin.
func TestWhoRefusesStandsFirst(t *testing.T) {
	const words = `violates PodSecurity "baseline:latest" exceeded quota: q insufficient quota to match these scopes ` +
		`ValidatingAdmissionPolicy 'p' denied request: admission webhook "w" failed calling webhook "v" no PriorityClass with name x ` +
		`pod rejected: RuntimeClass "r" not found conflicts with its namespace node label selector minimum cpu usage per Pod Pod "p" is invalid: no`
	for _, first := range createTexts {
		if got := classifyCreate("Error creating: " + first.text + " " + words); got != first.reason {
			t.Errorf("%q stands first, and the reason is %s, not %s", first.text, got, first.reason)
		}
		// The same text last, after another's.
		for _, other := range createTexts {
			if strings.Contains(other.text, first.text) || strings.Contains(first.text, other.text) {
				continue
			}
			if got := classifyCreate("Error creating: " + other.text + ": " + first.text); got != other.reason {
				t.Errorf("%q stands before %q, and the reason is %s, not %s", other.text, first.text, got, other.reason)
			}
		}
	}
}
