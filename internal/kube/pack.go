package kube

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// maxRun is what a stored run may unfold to: far above a scope of 100,000
// nodes, far below what a bomb of 128 KiB unfolds to.
const maxRun = 16 << 20

// packers are kept: one takes most of a megabyte, and a run is stored whenever
// a node lands.
var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestCompression) // the level is one
	return z
}}

// PackRun makes the value of an annotation of a run: gzip in base64, since
// 5,000 names with what they have in common shrink to a tenth.
func PackRun(run []byte) (string, error) {
	var b bytes.Buffer
	z, _ := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&b)
	if _, err := z.Write(run); err != nil {
		return "", fmt.Errorf("pack the run: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("pack the run: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// UnpackRun is the inverse of PackRun.
func UnpackRun(packed string) ([]byte, error) {
	if packed == "" {
		return nil, errors.New("it holds no run")
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("its run cannot be unpacked: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxRun+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its run cannot be unpacked: %w", err)
	case len(out) > maxRun:
		return nil, errors.New("its run unfolds to more than any run needs")
	}
	return out, nil
}
