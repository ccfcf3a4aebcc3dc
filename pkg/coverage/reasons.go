package coverage

// Reason is the stable code of a verdict or finding, as in CrashLoop.
type Reason string

// Severity ranks a reason.
type Severity string

// Severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Reasons: the registry below says what each means and which states allow it.
const (
	Current       Reason = "Current"
	Starting      Reason = "Starting"
	Terminating   Reason = "Terminating"
	UnknownReason Reason = "Unknown"

	OutdatedReason Reason = "Outdated"

	NodeNamePinned     Reason = "NodeNamePinned"
	VirtualNode        Reason = "VirtualNode"
	AffinityInvalid    Reason = "AffinityInvalid"
	SelectorMismatch   Reason = "SelectorMismatch"
	TaintStructural    Reason = "TaintStructural"
	TaintTransient     Reason = "TaintTransient"
	TaintGateDependent Reason = "TaintGateDependent"

	DeletionPending     Reason = "DeletionPending"
	LatentUnrecreatable Reason = "LatentUnrecreatable"

	NamespaceTerminating Reason = "NamespaceTerminating"
	CreateForbiddenPSA   Reason = "CreateForbiddenPSA"
	CreateQuotaScope     Reason = "CreateQuotaScope"
	CreateQuota          Reason = "CreateQuota"
	CreateVAP            Reason = "CreateVAP"
	CreateWebhook        Reason = "CreateWebhook"
	CreateMissingRef     Reason = "CreateMissingRef"
	CreateConflict       Reason = "CreateConflict"
	CreateLimit          Reason = "CreateLimit"
	CreateInvalid        Reason = "CreateInvalid"
	CreateFailed         Reason = "CreateFailed"
	NodeYoung            Reason = "NodeYoung"
	CreateStale          Reason = "CreateStale"

	SchedGated          Reason = "SchedGated"
	SchedNoScheduler    Reason = "SchedNoScheduler"
	SchedAdmissionDrift Reason = "SchedAdmissionDrift"
	SchedNeverFits      Reason = "SchedNeverFits"
	SchedTooManyPods    Reason = "SchedTooManyPods"
	SchedNoVictims      Reason = "SchedNoVictims"
	SchedInsufficient   Reason = "SchedInsufficient"
	SchedHostPort       Reason = "SchedHostPort"
	SchedPodAffinity    Reason = "SchedPodAffinity"
	SchedSpread         Reason = "SchedSpread"
	SchedVolume         Reason = "SchedVolume"
	SchedDRA            Reason = "SchedDRA"
	SchedFeature        Reason = "SchedFeature"
	SchedTaint          Reason = "SchedTaint"
	SchedOther          Reason = "SchedOther"

	NodeLost          Reason = "NodeLost"
	NodeShutdown      Reason = "NodeShutdown"
	Evicted           Reason = "Evicted"
	RejectedByKubelet Reason = "RejectedByKubelet"
	Completed         Reason = "Completed"
	Failed            Reason = "Failed"
	TerminatingStuck  Reason = "TerminatingStuck"
	NodeNotReadyCNI   Reason = "NodeNotReadyCNI"
	NodeNotReady      Reason = "NodeNotReady"
	SandboxFailed     Reason = "SandboxFailed"
	MountFailed       Reason = "MountFailed"
	AttachFailed      Reason = "AttachFailed"
	ArchMismatch      Reason = "ArchMismatch"
	ImagePull         Reason = "ImagePull"
	ConfigError       Reason = "ConfigError"
	CreateError       Reason = "CreateError"
	RunError          Reason = "RunError"
	InitFailing       Reason = "InitFailing"
	CrashLoop         Reason = "CrashLoop"
	ProbeFailing      Reason = "ProbeFailing"
	ReadinessGate     Reason = "ReadinessGate"
	NotAvailableYet   Reason = "NotAvailableYet"

	DSDeleting       Reason = "DSDeleting"
	StatusLag        Reason = "StatusLag"
	SelectorAll      Reason = "SelectorAll"
	NoMatchAnyNode   Reason = "NoMatchAnyNode"
	TaintHidesNodes  Reason = "TaintHidesNodes"
	TolerationEnds   Reason = "TolerationEnds"
	SchedNodeGone    Reason = "SchedNodeGone"
	UnmappedPod      Reason = "UnmappedPod"
	OrphanShadow     Reason = "OrphanShadow"
	Duplicate        Reason = "Duplicate"
	ReadFailed       Reason = "ReadFailed"
	RevisionInferred Reason = "RevisionInferred"
	RolloutHeld      Reason = "RolloutHeld"
	RolloutUnread    Reason = "RolloutUnread"
	RolloutDriven    Reason = "RolloutDriven"
)

// Row is what the registry says about one reason.
type Row struct {
	Reason Reason
	// States that allow it as the first reason; empty for what is only ever a
	// finding on a whole DaemonSet.
	States   []State
	Severity Severity
	// Finding is set where it also, or only, stands among the findings of a
	// DaemonSet.
	Finding bool
	Meaning string // one sentence, as in docs/reasons.md
	Remedy  string // what an operator does, in general
}

// Registry lists every reason once. docs/reasons.md is made from it. Within a
// state the order is the order of precedence: the first that applies is the
// reason, the rest contribute.
func Registry() []Row { return registry }

var registry = []Row{
	{Current, []State{Covered}, Info, false, "An available pod of the current revision runs on the node.", "Nothing to do."},

	{OutdatedReason, []State{Outdated}, Warning, false, "An available pod of another revision runs on the node.",
		"Under RollingUpdate find what holds the places of maxUnavailable; under OnDelete delete the pod, or step through the nodes with the plugin: kubectl ds-rollout."},

	{NodeNamePinned, []State{Excluded}, Info, false, "The template names another node in spec.nodeName.", "Remove nodeName from the template, and use nodeSelector or affinity."},
	{VirtualNode, []State{Excluded, Unready}, Info, false, "The node is virtual (Fargate, virtual kubelet): no DaemonSet pod can run there.", "Keep virtual nodes out by affinity, and do not tolerate all taints; nothing to do where the rules exclude them already."},
	{AffinityInvalid, []State{Excluded}, Error, false, "A term of the required node affinity does not parse, so it matches no node.", "Correct the operator or the values of the term."},
	{SelectorMismatch, []State{Excluded}, Info, false, "The labels of the node do not satisfy nodeSelector or the required node affinity.", "If the node should run it, label the node or correct the selector."},
	{TaintGateDependent, []State{Unknown, Excluded}, Warning, false, "A toleration with operator Lt or Gt decides, and only the server's feature gate TaintTolerationComparisonOperators tells how.", "Find out whether the gate is on; avoid Lt and Gt until it is on everywhere."},
	{TaintStructural, []State{Excluded}, Info, false, "The node has a NoSchedule or NoExecute taint that the template does not tolerate.", "Add a toleration, or accept that the node goes without."},
	{TaintTransient, []State{Excluded}, Warning, false, "Only taints that come and go by themselves keep the pod away: the node is starting, broken or leaving.", "Mend the node; for an agent that must run before the node is ready, tolerate the taint."},

	{DeletionPending, []State{Misplaced}, Warning, false, "A pod runs where the rules no longer allow it to stay: the controller will delete it.", "Nothing to do if intended; else restore the label, or tolerate the NoExecute taint."},
	{LatentUnrecreatable, []State{Misplaced}, Warning, false, "A pod runs on a node where it would not be created again: it stays until something deletes it.", "Tolerate the taint before the node loses the pod; nothing to do if the node is leaving."},

	{NodeLost, []State{Unready}, Error, false, "Nobody reports for the node: its Ready condition is Unknown, and what its pods say is old.", "Recover the node, or delete it if it is gone for good."},
	{NodeShutdown, []State{Unready}, Warning, false, "The kubelet ended the pod because the node shuts down.", "Wait for the node to leave or to come back."},
	{Evicted, []State{Unready}, Error, false, "The kubelet evicted the pod, because the node ran out of a resource or the pod passed its limits.", "Free the resource on the node; give the pod a priority class and ephemeral-storage limits."},
	{RejectedByKubelet, []State{Unready}, Error, false, "The kubelet refused the pod that was bound to its node.", "See the kubelet's reason: usually room that another pod took first, or a rule that changed after binding."},
	{Completed, []State{Unready}, Warning, false, "All containers ended with exit code 0: a DaemonSet's pod is meant to run for ever, and the controller replaces it.", "Make the program stay, or end in a pause container."},
	{Failed, []State{Unready}, Error, false, "The pod failed for good, and the controller will replace it after a backoff.", "See the exit code and the last words of the container."},
	{TerminatingStuck, []State{Unready, Misplaced}, Error, false, "The pod should have ended long ago: its grace is over, and no other pod takes its place before it is gone.", "Mend the node or what holds the finalizer."},
	{Terminating, []State{Unready, Misplaced}, Info, false, "The pod is ending within its grace.", "Wait."},
	{SchedGated, []State{Unready}, Warning, false, "Scheduling gates hold the pod back.", "Find the controller that should remove the gate."},
	{SchedNoScheduler, []State{Unready}, Error, false, "No scheduler has looked at the pod.", "Start the scheduler that spec.schedulerName names, or correct the name."},
	{SchedAdmissionDrift, []State{Unready}, Error, false, "Admission changed the pod, and what it added keeps it off its node.", "Exempt the namespace, or copy the constraint into the template so that the controller knows it."},
	{SchedNeverFits, []State{Unready}, Error, false, "The pod requests more than the node has in all.", "Request less, or keep the DaemonSet off such nodes."},
	{SchedInsufficient, []State{Unready}, Error, false, "Not enough of a resource is free on the node.", "Request less, or move the named pods; a higher priority class helps where it evicts no pods of other DaemonSets, and none that nothing makes again. No autoscaler can help a pinned pod."},
	{SchedTooManyPods, []State{Unready}, Error, false, "The node has as many pods as it may have.", "Move pods away, or raise maxPods of the kubelet; a higher priority class helps where it evicts no pods of other DaemonSets, and none that nothing makes again."},
	{SchedNoVictims, []State{Unready}, Error, false, "Preemption cannot make room: no pod on the node has a lower priority, or the pod must not preempt.", "Request less, or move pods away; a higher priority class helps where it evicts no pods of other DaemonSets, and none that nothing makes again. No autoscaler can help a pinned pod."},
	{SchedHostPort, []State{Unready}, Error, false, "Another pod on the node holds a host port that this one asks.", "Change one of the ports; with maxSurge the old pod of the same DaemonSet holds it."},
	{SchedPodAffinity, []State{Unready}, Error, false, "A rule about other pods (pod affinity or anti-affinity) keeps the pod off its node.", "Drop the constraint: a DaemonSet's pod has only one node to go to."},
	{SchedSpread, []State{Unready}, Error, false, "Topology spread constraints keep the pod off its node.", "Drop the constraint: a DaemonSet's pod has only one node to go to."},
	{SchedVolume, []State{Unready}, Error, false, "A volume cannot be used on the node: its zone, its node or the number of volumes.", "Use volumes of the node itself in a DaemonSet, or make the volume reachable."},
	{SchedDRA, []State{Unready}, Error, false, "A resource claim is missing, or cannot be met on the node.", "See the claim and the driver's ResourceSlices of the node."},
	{SchedFeature, []State{Unready}, Error, false, "The node lacks a feature that the pod requires.", "Upgrade the node, or drop the feature."},
	{SchedTaint, []State{Unready}, Error, false, "The scheduler finds an untolerated taint on the node that the controller's rules tolerate or have not seen yet.", "See the node's taints and the pod's tolerations."},
	{SchedOther, []State{Unready}, Error, false, "The scheduler gives a reason that this version does not know.", "Read the scheduler's message."},
	{NodeNotReadyCNI, []State{Unready}, Error, false, "The node's network is not ready, and this pod needs it.", "Mend the DaemonSet of the network plugin on this node first."},
	{SandboxFailed, []State{Unready}, Error, false, "The pod's sandbox cannot be made: usually the network plugin or the runtime.", "See the event; look at the network plugin and the runtime on the node."},
	{MountFailed, []State{Unready}, Error, false, "A volume cannot be mounted: a ConfigMap, a Secret or a path that is not there.", "Create what the event names, or correct the volume."},
	{AttachFailed, []State{Unready}, Error, false, "A volume cannot be attached to the node.", "See the storage driver on the node and the volume's other uses."},
	{ArchMismatch, []State{Unready}, Error, false, "The image does not run on the node's architecture.", "Publish the image for this architecture, or select the nodes by kubernetes.io/arch."},
	{ImagePull, []State{Unready}, Error, false, "The image cannot be pulled.", "Correct the image name or the pull secret; on one node alone look at the node's way to the registry."},
	{ConfigError, []State{Unready}, Error, false, "The container's configuration cannot be made: usually a key of a ConfigMap or Secret that is missing.", "Create the key that the message names."},
	{CreateError, []State{Unready}, Error, false, "The runtime cannot create the container.", "Read the message: a mount, a device or a runtime class."},
	{RunError, []State{Unready}, Error, false, "The runtime cannot start the container.", "Read the message: usually the command or its permissions."},
	{InitFailing, []State{Unready}, Error, false, "An init container does not finish.", "Read its log: kubectl logs POD -c CONTAINER."},
	{CrashLoop, []State{Unready}, Error, false, "A container ends again and again.", "When OOMKilled raise the memory limit; else read its last log: kubectl logs POD -c CONTAINER --previous."},
	{ProbeFailing, []State{Unready}, Error, false, "The container runs and does not pass its probe.", "See the probe's event and the program's log."},
	{ReadinessGate, []State{Unready}, Warning, false, "The containers are ready, and a readiness gate is not.", "Find the controller that should set the condition."},
	{NotAvailableYet, []State{Unready}, Info, false, "The pod is ready, and minReadySeconds are not over.", "Wait."},
	{NodeNotReady, []State{Unready}, Error, false, "The node is not ready, and its pod is not either.", "Mend the node."},
	{UnknownReason, []State{Unknown, Unready, Missing}, Warning, false, "What would tell could not be read.", "Take a capture again with what the report names; on a cluster, grant the read: kubectl ds-coverage rbac."},
	{Starting, []State{Unready}, Info, false, "The pod is starting, and nothing speaks of a failure.", "Wait; when it takes long look at the pod's events."},

	{NamespaceTerminating, []State{Missing}, Error, false, "The namespace is being deleted: no pod can be created in it.", "Let the deletion finish, and create the namespace again."},
	{CreateForbiddenPSA, []State{Missing}, Error, false, "Pod security admission, or a security context constraint, forbids the pod.", "Allow the privileges that the pod needs in this namespace, or drop them from the template."},
	{CreateQuotaScope, []State{Missing}, Error, false, "No quota covers the pod: its priority class, or a resource that it asks, may be used only where a ResourceQuota allows it.", "Create a ResourceQuota in the namespace that counts the resource, or with a scopeSelector for the priority class."},
	{CreateQuota, []State{Missing}, Error, false, "A quota of the namespace is used up, or cannot be applied to the pod.", "Raise the quota, request less, or set what the quota counts."},
	{CreateVAP, []State{Missing}, Error, false, "An admission policy of the API server (ValidatingAdmissionPolicy, MutatingAdmissionPolicy) denies the pod.", "Change the template or the policy's binding."},
	{CreateWebhook, []State{Missing}, Error, false, "An admission webhook denies the pod or cannot be called.", "Mend the webhook, or exempt the namespace."},
	{CreateMissingRef, []State{Missing}, Error, false, "Something that the template names does not exist: a service account, a priority class, a runtime class.", "Create it, or correct the name."},
	{CreateConflict, []State{Missing}, Error, false, "The template conflicts with what its namespace, its runtime class or its priority class sets.", "Change the one or the other: for a namespace its annotation, else the template."},
	{CreateLimit, []State{Missing}, Error, false, "A LimitRange of the namespace forbids the pod's requests or limits.", "Change the LimitRange or the requests."},
	{CreateInvalid, []State{Missing}, Error, false, "The API server finds the pod invalid.", "Correct the template as the message says."},
	{CreateFailed, []State{Missing}, Error, false, "The API server refuses the pod for a reason that this version does not know.", "Read the event's message."},
	{NodeYoung, []State{Missing}, Info, false, "The node has just joined.", "Wait."},
	{CreateStale, []State{Missing}, Error, false, "The node should run a pod, none is there, and nothing says that creating one failed.", "Look at kube-controller-manager: down, throttled, or without a leader."},

	{DSDeleting, nil, Warning, true, "The DaemonSet is being deleted: its status no longer changes.", "Let the deletion finish, or find the finalizer that holds it."},
	{StatusLag, nil, Warning, true, "The controller has not yet observed the newest generation.", "Wait; after more than a minute look at kube-controller-manager."},
	{SelectorAll, nil, Error, true, "The DaemonSet's selector is empty: the controller refuses to act on it.", "Create the DaemonSet again with a selector."},
	{NoMatchAnyNode, nil, Warning, true, "No node should run the DaemonSet at all.", "See which requirement no node satisfies."},
	{TaintHidesNodes, nil, Warning, true, "One structural taint alone keeps the DaemonSet off more than a tenth of the nodes that it selects.", "Tolerate the taint if those nodes should run it."},
	{TolerationEnds, nil, Warning, true, "A NoExecute taint is tolerated for a time only (tolerationSeconds): the pod is evicted when that is over, and the controller makes it again, without end.", "Drop tolerationSeconds; or the whole toleration, if those nodes should not run it."},
	{RolloutHeld, nil, Warning, true, "A rollout holds the DaemonSet, and nobody drives it: outdated pods stay as they are, while pods that are created anew run the new template.",
		"Go on with the run or end it (resume, abort); roll out what arm holds, or give the strategy back (start, disarm): kubectl ds-rollout."},
	{RolloutUnread, nil, Info, true, "A rollout holds the DaemonSet, and whether somebody drives it could not be read.",
		"Grant get of leases, take the capture with the subcommand snapshot, or see: kubectl ds-rollout."},
	{RolloutDriven, nil, Info, true, "A rollout replaces the pods, some nodes at a time, and its driver is alive.", "Wait, or watch it: kubectl ds-rollout."},
	{SchedNodeGone, nil, Info, true, "A pod is bound or pinned to a node that no longer exists.", "Wait: the controller or the pod garbage collector removes it."},
	{UnmappedPod, nil, Warning, true, "A pod of the DaemonSet has neither a node nor a pin to one: the controller cannot count it, and makes another.", "Find the webhook that rewrote the pod's affinity."},
	{OrphanShadow, nil, Warning, true, "The DaemonSet's selector matches pods of another DaemonSet, or pods that one left behind and that are not adopted.", "Create one of the two DaemonSets again with another selector; what an earlier one left goes by itself, or can be deleted."},
	{Duplicate, nil, Warning, true, "A node has more than one live pod of the DaemonSet without a surge.", "The controller removes the extra one; if it stays, another owner uses the same selector."},
	{ReadFailed, nil, Warning, true, "A read that this DaemonSet's verdicts need failed.", "Take a capture again with what the report names; on a cluster, grant the read: kubectl ds-coverage rbac."},
	{RevisionInferred, nil, Info, true, "No ControllerRevision was read: the labels of the pods, and what status counts, stand for it as far as they tell.", "Add controllerrevisions to the capture, or grant the read."},
}

var rowOf = func() map[Reason]*Row {
	m := make(map[Reason]*Row, len(registry))
	for i := range registry {
		m[registry[i].Reason] = &registry[i]
	}
	return m
}()

// Lookup returns the registry's row of a reason.
func Lookup(r Reason) (Row, bool) {
	if row, ok := rowOf[r]; ok {
		return *row, true
	}
	return Row{}, false
}
