package rollout

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// maxPolicy is far more than a policy over 5,000 named nodes takes.
const maxPolicy = 4 << 20

// stdinPath stands for standard input.
const stdinPath = "-"

// readPolicy reads a policy file, YAML or JSON, strictly.
func readPolicy(path string, stdin io.Reader) (*rollout.Policy, error) {
	data, err := readFile(path, stdin)
	if err != nil {
		return nil, cli.Usagef("--policy %s: %w", path, err)
	}
	doc, err := onlyDocument(data)
	if err != nil {
		return nil, cli.Usagef("--policy %s: %w", path, err)
	}
	body, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return nil, cli.Usagef("--policy %s: %w", path, err)
	}
	p, err := rollout.DecodePolicy(body)
	if err != nil {
		return nil, cli.Usagef("--policy %s: %w", path, oneByOne(err))
	}
	return p, nil
}

func readFile(path string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if path != stdinPath {
		f, err := os.Open(path)
		var at *os.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fs.ErrNotExist // the same words on all systems
		case errors.As(err, &at):
			return nil, at.Err // the path is named already
		case err != nil:
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		from = f
	}
	if from == nil {
		return nil, errors.New("there is no standard input")
	}
	data, err := io.ReadAll(io.LimitReader(from, maxPolicy+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	case len(data) > maxPolicy:
		return nil, fmt.Errorf("it is larger than %d MiB", maxPolicy>>20)
	}
	return data, nil
}

// onlyDocument refuses a second document, which would be dropped in silence.
func onlyDocument(data []byte) ([]byte, error) {
	var only []byte
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if blank(doc) {
			continue
		}
		if only != nil {
			return nil, errors.New("it holds more than one document")
		}
		only = doc
	}
	if only == nil {
		return nil, errors.New("it is empty")
	}
	return only, nil
}

// blank reports whether a document holds comments at most.
func blank(doc []byte) bool {
	for line := range bytes.Lines(doc) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

// oneByOne writes joined errors on one line, parted as a sentence is.
func oneByOne(err error) error {
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		return err
	}
	var out error
	for _, e := range many.Unwrap() {
		if out == nil {
			out = e
			continue
		}
		out = fmt.Errorf("%w; %w", out, e)
	}
	return out
}
