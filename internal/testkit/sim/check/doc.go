// Package check judges a rollout by the writes that a server saw, in order. It
// knows nothing of how decisions are made, and shares no code with what makes
// them; its input is plain, so that the journal of a simulation and the audit
// log of a kube-apiserver can both be turned into it.
//
// A violation names its rule. Ten hold for every run, whatever fails meanwhile:
//
//   - G1, ceiling: a delete never makes more nodes go without than the policy
//     allows; a node that was down already may be acted on.
//   - G2, victim: each delete and eviction names the UID of the pod that was
//     seen; a pod of the DaemonSet is of an old revision, on a node in flight.
//   - G3, cordon: the mark comes and goes in the write that cordons and
//     uncordons, and only a node that the run itself cordoned is uncordoned.
//   - G4, residue: at the end no mark and no copy of an annotation is left, and
//     each node is as schedulable as it was, unless the report names it.
//   - G5, one driver: nobody takes a Lease whose holder is alive, none acts that
//     has lost it, and the epochs on a node never go back.
//   - G6, strategy: it is given back as it was, and while old pods are left only
//     where that was accepted; nothing is deleted while it is another.
//   - G7, proof: a node is done after its soak and its gates, and no wave begins
//     before the one before it is proven, or before the first has shown the target
//     at all.
//   - G8, resume: whatever request a driver dies after, the next one brings the
//     run to the same end, with no more disruptive writes.
//   - G9, liveness: once faults stop, a run ends, or rests and says why.
//   - G10, quiet: a run that is paused, stopped or aborting disrupts nothing.
//
// G8 and G9 take more than one history: the simulation judges them itself. The
// other rules have words: eligibility (a deleted pod would come back),
// notReady, jobs and drain (what a node must be before it is acted on), drift,
// plan and fit (no template but the planned one, and none that costs pods),
// named (the end names every node that goes without), state (the stored run
// can be read).
package check
