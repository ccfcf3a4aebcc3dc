package archive

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// captureKind is the kind of the header that Write puts first.
const captureKind = "Capture"

// header says what a capture cannot say by its objects: where and when it was
// taken, what was read, and what could not be. All fields are optional, so
// that a capture may be written by hand.
type header struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        headerMeta    `json:"metadata"`
	Source          headerSource  `json:"source"`
	Read            []string      `json:"read,omitempty"`
	Incomplete      []readFailure `json:"incomplete,omitempty"`
	FullNodes       []string      `json:"fullNodes,omitempty"`
	// NoLease are the Leases of rollouts that were asked for and not there.
	NoLease []leaseName `json:"noLease,omitempty"`
	AllPods *bool       `json:"allPods,omitempty"`
}

type leaseName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type headerMeta struct {
	Name string `json:"name"`
}

type headerSource struct {
	Context         string     `json:"context,omitempty"`
	Server          string     `json:"server,omitempty"`
	ServerVersion   string     `json:"serverVersion,omitempty"`
	ClusterUID      types.UID  `json:"clusterUID,omitempty"`
	TakenAt         *time.Time `json:"takenAt,omitempty"`
	TakenAtInferred bool       `json:"takenAtInferred,omitempty"`
}

type readFailure struct {
	Verb      string `json:"verb,omitempty"`
	Group     string `json:"group,omitempty"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	Error     string `json:"error,omitempty"`
	Forbidden bool   `json:"forbidden,omitempty"`
	Absent    bool   `json:"absent,omitempty"`
}

func (h *header) apply(s *snapshot.Snapshot) {
	s.Source.Context = h.Source.Context
	s.Source.Server = h.Source.Server
	s.Source.ServerVersion = h.Source.ServerVersion
	if h.Source.ClusterUID != "" {
		s.Source.ClusterUID = h.Source.ClusterUID
	}
	if h.Source.TakenAt != nil {
		s.Source.TakenAt = h.Source.TakenAt.UTC()
		s.Source.TakenAtInferred = h.Source.TakenAtInferred
	}
	for _, f := range h.Incomplete {
		s.Incomplete = append(s.Incomplete, snapshot.ReadFailure(f))
	}
	for _, l := range h.NoLease {
		s.Leases = append(s.Leases, snapshot.Lease{Namespace: l.Namespace, Name: l.Name, Gone: true})
	}
	for _, n := range h.FullNodes {
		if s.FullNodes == nil {
			s.FullNodes = map[string]bool{}
		}
		s.FullNodes[n] = true
	}
}
