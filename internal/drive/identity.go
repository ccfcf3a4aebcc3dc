package drive

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Identity names this process in a Lease.
type Identity struct {
	Holder string // who@host_pid_random: people read it
	Host   string // what tells this machine and its processes from others; empty where nothing does
}

// NewIdentity names this process. who is the user that the cluster sees.
func NewIdentity(who, hostname string) Identity {
	return Identity{Holder: fmt.Sprintf("%s@%s_%d_%s", who, hostname, os.Getpid(), strings.ToLower(rand.Text()[:6])), Host: machine()}
}

// machine tells this boot of this machine, and this space of process ids,
// from all others: two containers of one node may share all names. It is empty
// where that is not known for sure: a living driver must not be taken for dead.
func machine() string {
	id := bootID()
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// Driver is who holds a Lease, as people are told.
type Driver struct {
	Who, Host string
	PID       int
}

// DriverOf reads the name of a holder; parts that are not there stay empty.
func DriverOf(holder string) Driver {
	var d Driver
	rest, _, _ := cutLast(holder, "_")
	rest, pid, ok := cutLast(rest, "_")
	if ok {
		d.PID, _ = strconv.Atoi(pid)
	}
	var found bool
	if d.Who, d.Host, found = cutLast(rest, "@"); !found {
		d.Who = rest
	}
	return d
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
