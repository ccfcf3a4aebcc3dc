package rollout

// Code is the stable reason of a wait, a pause or a stop.
type Code string

// Reasons to wait.
const (
	WaitObserved    Code = "ControllerBehind"   // the controller has not seen the newest generation
	WaitRevision    Code = "RevisionMissing"    // the current revision is not there yet
	WaitRead        Code = "ReadFailed"         // a read that a decision needs failed
	WaitTerminating Code = "OldPodTerminating"  // the old pod has not ended
	WaitNewPod      Code = "NewPodMissing"      // the controller has not made the new pod
	WaitAvailable   Code = "NewPodNotAvailable" //
	WaitSoak        Code = "Soak"               // available, not for long enough
	WaitGate        Code = "Gate"               // a gate runs, holds, or is asked again
	WaitJobs        Code = "Jobs"               // pods that must not be disturbed run on the node
	WaitDrain       Code = "Drain"              // pods leave the node
	WaitCeiling     Code = "CeilingTaken"       // all places are taken
	WaitZone        Code = "ZoneTaken"          // one zone at a time, and a node of another is not done
	WaitNode        Code = "NodeNotReady"       // a node of the wave is not Ready
	WaitPending     Code = "NodePending"        // a node of the wave is between pods, without us
	WaitHeld        Code = "NodeHeldByOtherRun" // a node is cordoned by another run
	WaitWindow      Code = "WindowClosed"       //
	WaitLanding     Code = "Landing"            // nodes in flight finish before the run rests
	WaitChange      Code = "ChangeMissing"      // the process that brings the template is gone
	WaitLeft        Code = "NodesNotReachable"  // only nodes are left that cannot be acted on
	WaitStep        Code = "NextStep"           // nothing holds it up: what comes next is up to the driver
	WaitDriver      Code = "DriverSilent"       // nobody hears of the driver: only for who looks on
)

// Reasons to pause: asked for.
const (
	PauseAsked    Code = "Asked"
	PauseLeft     Code = "Interrupted" // the driver was interrupted
	PauseApproval Code = "ApprovalAsked"
	PauseUntil    Code = "UntilReached"
	PauseTimeout  Code = "TimedOut"
	PauseTemplate Code = "TemplateChanged" // somebody brought another template
	PauseFlip     Code = "StrategyFlipped" // somebody took the strategy back; it was armed again
	PauseUncordon Code = "UncordonedByOther"
)

// Reasons to stop: a failure.
const (
	StopFailed       Code = "NodeFailed"
	StopGate         Code = "GateBlocked"
	StopCeiling      Code = "CeilingFull"
	StopZone         Code = "ZoneUnfinished" // one zone at a time, and a node of another is down or has failed
	StopFlip         Code = "StrategyFlippedAgain"
	StopGone         Code = "DaemonSetDeleted"
	StopRecreated    Code = "DaemonSetRecreated"
	StopCluster      Code = "OtherCluster"
	StopLockLost     Code = "LockLost"
	StopLeaseGone    Code = "LeaseDeleted" // with the run in it, by hand or by another driver that ended it
	StopUndo         Code = "CannotUndo"
	StopChange       Code = "ChangeNotApplied" // the process that brings the template is gone
	StopStale        Code = "PlanStale"        // the template is not that which the plan was made from
	StopMisfit       Code = "TemplateMisfit"   // the new template would cost pods at once
	StopHeld         Code = "TemplateHeld"     // hold: the old template is back
	StopRevisionGone Code = "RevisionGone"
)
