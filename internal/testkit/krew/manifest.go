// Package krew holds what Krew demands of a manifest and of the archives that
// it names. Krew's own validator does not install from the module proxy.
package krew

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Manifest is a plugin as an index offers it.
type Manifest struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec Spec `json:"spec"`
}

// Spec says what a plugin is and where it is found.
type Spec struct {
	Version          string     `json:"version"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description,omitempty"`
	Caveats          string     `json:"caveats,omitempty"`
	Homepage         string     `json:"homepage,omitempty"`
	Platforms        []Platform `json:"platforms"`
}

// Platform is one archive, and the machines it is for.
type Platform struct {
	URI      string                `json:"uri"`
	Sha256   string                `json:"sha256"`
	Selector *metav1.LabelSelector `json:"selector"`
	Files    *[]File               `json:"files,omitempty"`
	Bin      string                `json:"bin"`
}

// File is what Krew takes out of an archive where not all of it is wanted.
type File struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Parse reads a manifest, and refuses fields that Krew does not know.
func Parse(data []byte) (Manifest, error) {
	var m Manifest
	if err := yaml.UnmarshalStrict(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("read a Krew manifest: %w", err)
	}
	return m, nil
}
