package krew

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Entry is one file of an archive.
type Entry struct {
	Name     string
	Mode     fs.FileMode
	Modified time.Time
	UID, GID int // 0 in a .zip, which holds none
	Content  []byte
}

// Sum returns the sha256 of a file as a manifest names it.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Read returns the files of an archive in their order.
func Read(path string) ([]Entry, error) {
	if strings.HasSuffix(path, ".zip") {
		return readZip(path)
	}
	return readTar(path)
}

func readTar(path string) (entries []Entry, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{h.Name, h.FileInfo().Mode(), h.ModTime, h.Uid, h.Gid, content})
	}
}

func readZip(path string) (entries []Entry, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Name: f.Name, Mode: f.Mode(), Modified: f.Modified, Content: content})
	}
	return entries, nil
}

var license = regexp.MustCompile(`(?i)^(license|copying)(\.(txt|md))?$`)

// CheckArchive returns what Krew or krew-index would refuse in an archive of a
// platform: it takes out all files where the manifest names none.
func CheckArchive(p Platform, path string) ([]string, error) {
	var c complaints
	sum, err := Sum(path)
	if err != nil {
		return nil, err
	}
	c.want(sum == p.Sha256, "sha256 of %s is %s, not %s", path, sum, p.Sha256)
	entries, err := Read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	licensed, bin := false, false
	for _, e := range entries {
		c.want(filepath.IsLocal(filepath.FromSlash(e.Name)), "%s: %q leads out of the archive", path, e.Name)
		licensed = licensed || license.MatchString(e.Name) && len(e.Content) > 0
		if e.Name == p.Bin {
			bin = true
			c.want(e.Mode&0o111 != 0, "%s: %s cannot be executed, its mode is %s", path, e.Name, e.Mode)
		}
	}
	c.want(licensed, "%s has no LICENSE at its top", path)
	c.want(bin, "%s has no %s", path, p.Bin)
	return c, nil
}
