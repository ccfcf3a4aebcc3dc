package snapshot

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// secretName is a name whose value is secret: of a flag, a variable, a
	// header, a query parameter.
	secretName = `[\w.-]*(?:pass|pwd|secret|token|credential|key|auth|bearer|signature|\bsig\b|dsn|connection[-_]?string|cookie)[\w.-]*`
	// word is a shell word, quotes and all.
	word = `(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|\\.|[^\s"'\\])+`
	// jsonValue is a value in JSON, or in JSON that is inside a string.
	jsonValue = `\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"?|[^\s,}\]]+`
)

var (
	// harmlessName are names that say where a secret is, or how one is used.
	harmlessName = regexp.MustCompile(`(?i)(?:file|files|path|dir|directory|name|names|namespace|ref|mode|ttl|timeout|period|interval|seconds|size|enabled|kubeconfig|type)$`)

	// assignment is NAME=value anywhere in a text.
	assignment = regexp.MustCompile(`(?i)(` + secretName + `)(["']?\s*=\s*)(` + word + `)`)
	// member is "NAME": "value", as in JSON.
	member = regexp.MustCompile(`(?i)(` + secretName + `)((?:\\?["'])\s*:\s*)(` + jsonValue + `)`)
	// headerLine is NAME: value up to the end of the line or of the quotes
	// around both. Prose has it too (secret: not found), so that it is looked
	// for in commands only.
	headerLine = regexp.MustCompile(`(?i)(` + secretName + `)(:\s*)([^"'\n]+)`)
	// flagAndWord is --NAME value.
	flagAndWord = regexp.MustCompile(`(?i)(?:^|[\s"'(;])(--?` + secretName + `)(\s+)(` + word + `)`)
	// login is -u user:password.
	login = regexp.MustCompile(`((?:^|\s)(?:-u|--user|--proxy-user)[\s=]+[^\s:]+:)(` + word + `)`)
	// bareFlag is a whole word that is a flag whose value follows.
	bareFlag  = regexp.MustCompile(`(?i)^--?(` + secretName + `)$`)
	loginFlag = regexp.MustCompile(`^(?:-u|--user|--proxy-user)$`)
	// whole is a whole word NAME=value, where all behind the sign is the value.
	wholeAssignment = regexp.MustCompile(`(?is)^(-{0,2}` + secretName + `)=(.+)$`)

	// userinfo of a URL.
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#"'<>]*@`)
	scheme   = regexp.MustCompile(`(?i)\b(bearer|basic|digest|negotiate)(\s+)([\w+/=.~-]{6,})`)
	// shapes are secrets that are known by their looks.
	shapes = regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?|\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w+|\bglpat-[\w-]+|\bxox[abeoprs]-[\w-]+|(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)
)

// MaskText masks what looks like a secret in a message: user and password of
// URLs, tokens, and the values of what is named like a secret.
func MaskText(s string) string { return new(Redactor).mask(s, false) }

// maskWord masks as in a command.
func maskWord(s string) string { return new(Redactor).word(s) }

// mask replaces the secrets of a text. strict masks more, which in prose would
// hide what matters.
func (r *Redactor) mask(s string, strict bool) string {
	if !suspicious(s) {
		return s
	}
	s = shapes.ReplaceAllStringFunc(s, func(m string) string { return r.value("", m) })
	s = userinfo.ReplaceAllString(s, "${1}"+Redacted+"@")
	s = r.replace(scheme, s)
	s = r.replace(assignment, s)
	s = r.replace(member, s)
	if strict {
		s = r.replace(flagAndWord, s)
		s = r.replace(headerLine, s)
		s = login.ReplaceAllString(s, "${1}"+Redacted)
	}
	return s
}

// suspicious is a cheap test that nearly every text fails.
func suspicious(s string) bool {
	return strings.ContainsAny(s, "=:@-_ ") || strings.Contains(s, "AKIA") || strings.Contains(s, "ASIA")
}

// replace masks the third group of each match, where the first is a name.
func (r *Redactor) replace(re *regexp.Regexp, s string) string {
	found := re.FindAllStringSubmatchIndex(s, -1)
	if found == nil {
		return s
	}
	var b strings.Builder
	from := 0
	for _, m := range found {
		name, value := s[m[2]:m[3]], s[m[6]:m[7]]
		if harmlessName.MatchString(name) {
			continue
		}
		b.WriteString(s[from:m[6]])
		b.WriteString(r.quoted(name, value))
		from = m[7]
	}
	b.WriteString(s[from:])
	return b.String()
}

// quoted replaces a value and leaves the quotes around it and the punctuation
// behind it, so that JSON in an argument stays JSON and a script a script.
func (r *Redactor) quoted(name, v string) string {
	bare := strings.TrimRight(v, ";,)}]")
	if bare == "" {
		return v
	}
	tail := v[len(bare):]
	for _, q := range []string{`\"`, `"`, `'`} {
		if in, ok := strings.CutPrefix(bare, q); ok && strings.HasSuffix(in, q) {
			if in = strings.TrimSuffix(in, q); !strings.Contains(in, q[len(q)-1:]) {
				return q + r.value(name, in) + q + tail
			}
		}
	}
	return r.value(name, bare) + tail
}

// words masks the elements of a command in place.
func (r *Redactor) words(list []string) {
	flag, user := "", false
	for i, w := range list {
		switch {
		case flag != "" && !strings.HasPrefix(w, "--"):
			list[i] = r.value(flag, w)
		case user && strings.Contains(w, ":"):
			name, _, _ := strings.Cut(w, ":")
			list[i] = name + ":" + Redacted
		default:
			list[i] = r.word(w)
		}
		flag, user = "", loginFlag.MatchString(w)
		if m := bareFlag.FindStringSubmatch(w); m != nil && !harmlessName.MatchString(m[1]) {
			flag = m[1]
		}
	}
}

// word masks one element of a command.
func (r *Redactor) word(w string) string {
	if m := wholeAssignment.FindStringSubmatch(w); m != nil && !harmlessName.MatchString(m[1]) {
		return m[1] + "=" + r.value(strings.TrimLeft(m[1], "-"), m[2])
	}
	return r.mask(w, true)
}

var redactedValue = regexp.MustCompile(`^` + Redacted + `(?:-\d+)?$`)

func isRedacted(s string) bool { return redactedValue.MatchString(s) }

func numbered(n int) string {
	if n == 1 {
		return Redacted
	}
	return Redacted + "-" + strconv.Itoa(n)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
