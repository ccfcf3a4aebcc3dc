package oracle

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/test/oracle/pairs"
)

// updateVar set to 1 writes the seeds of the corpus anew.
const updateVar = "ORACLE_UPDATE"

const corpus = "testdata/fuzz/FuzzEligibility"

// FuzzEligibility asks kubernetes and us about the pair that the bytes stand
// for. The corpus holds every named case.
func FuzzEligibility(f *testing.F) {
	transient, err := eligibility.NewTransient(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer setGate(t, false)
		p := pairs.Decode(data)
		rules := eligibility.Compile(&p.DaemonSet.Spec.Template.Spec)
		for _, gate := range []bool{false, true} {
			setGate(t, gate)
			_, err := compare(p, rules, gate, transient)
			if err == nil {
				err = unchanged(p, gate, transient)
			}
			if err != nil {
				report(t, p, err)
			}
		}
	})
}

// corpusEntry is the form in which go test keeps an input.
func corpusEntry(data []byte) string {
	return fmt.Sprintf("go test fuzz v1\n[]byte(%s)\n", strconv.Quote(string(data)))
}

// TestCorpusHoldsEveryKnownCase keeps the seeds in step with the cases and
// with the decoder, which is also the test that encoding and decoding agree.
func TestCorpusHoldsEveryKnownCase(t *testing.T) {
	known := map[string]bool{}
	for _, c := range pairs.Cases() {
		name := strings.Map(func(r rune) rune {
			switch r {
			case ' ':
				return '-'
			case ',', ':':
				return -1
			}
			return r
		}, c.Name)
		if known[name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		known[name] = true
		data, err := pairs.Encode(c.Pair())
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if diff := cmp.Diff(c.Pair(), pairs.Decode(data)); diff != "" {
			t.Errorf("%s: encoding and decoding changed it (-case +decoded):\n%s", c.Name, diff)
		}
		path := filepath.Join(corpus, name)
		if os.Getenv(updateVar) == "1" {
			if err := os.MkdirAll(corpus, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(corpusEntry(data)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, []byte(corpusEntry(data))) {
			t.Errorf("the seed of %q is missing or out of date: run with %s=1", c.Name, updateVar)
		}
	}
}

// TestDecodeIsAFunctionOfTheBytes would fail if a map's order or the clock
// took part: a failure that the fuzzer found could then not be repeated.
func TestDecodeIsAFunctionOfTheBytes(t *testing.T) {
	for _, c := range pairs.Cases() {
		data, err := pairs.Encode(c.Pair())
		if err != nil {
			t.Fatal(err)
		}
		for cut := range data {
			if !reflect.DeepEqual(pairs.Decode(data[:cut]), pairs.Decode(data[:cut])) {
				t.Fatalf("the first %d bytes of %q give two different pairs", cut, c.Name)
			}
		}
	}
}
