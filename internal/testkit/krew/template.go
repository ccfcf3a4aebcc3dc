package krew

import (
	"fmt"
	"strings"
	"text/template"
)

// Render fills in a template as krew-release-bot does, with the sha256 of each
// address from sum instead of from a download.
func Render(text, tag string, sum func(uri string) (string, error)) (string, error) {
	funcs := template.FuncMap{"addURIAndSha": func(uri, tag string) (string, error) {
		address, err := fill(uri, nil, tag)
		if err != nil {
			return "", err
		}
		s, err := sum(address)
		if err != nil {
			return "", err
		}
		// The bot fits entries of a list that stand 4 columns in.
		return fmt.Sprintf("uri: %s\n    sha256: %s", address, s), nil
	}}
	return fill(text, funcs, tag)
}

func fill(text string, funcs template.FuncMap, tag string) (string, error) {
	t, err := template.New("krew").Option("missingkey=error").Funcs(funcs).Parse(text)
	if err != nil {
		return "", fmt.Errorf("read the template: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, struct{ TagName string }{tag}); err != nil {
		return "", fmt.Errorf("fill in the template: %w", err)
	}
	return b.String(), nil
}
