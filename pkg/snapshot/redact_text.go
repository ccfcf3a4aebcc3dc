package snapshot

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// secretName is a name whose value is secret: of a variable, a header, a
	// query parameter, a member of JSON.
	secretName = `[\w.-]*(?:pass|pwd|secret|token|credential|key|auth|bearer|signature|\bsig\b|dsn|connection[-_]?string|cookie|licen[cs]e|session|webhook|private|salt)[\w.-]*`
	// word is a shell word, quotes and all.
	word = `(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|\\.|[^\s"'\\])+`
	// jsonValue is a value in JSON, or in JSON that is inside a string.
	jsonValue = `\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"?|[^\s,}\]]+`
	// before is what stands before a flag in a text.
	before = `(?:^|[\s"'(\[;,])`
)

var (
	// harmlessName are names that say where a secret is, or how one is used.
	harmlessName = regexp.MustCompile(`(?i)(?:file|files|path|dir|directory|name|names|namespace|ref|mode|ttl|timeout|period|interval|seconds|size|enabled|kubeconfig|type)$`)

	// assignment is NAME=value anywhere in a text.
	assignment = regexp.MustCompile(`(?i)(` + secretName + `)(["']?\s*=\s*)(` + word + `)`)
	// member is "NAME": "value", as in JSON.
	member = regexp.MustCompile(`(?i)(` + secretName + `)((?:\\?["'])\s*:\s*)(` + jsonValue + `)`)
	// passwordLine is a name that nothing but a secret follows, up to the end
	// of the line or of its quotes.
	passwordLine = regexp.MustCompile(`(?i)([\w.-]*(?:password|passwd|passphrase|\bpass|\bpwd|\bpw|api[-_ ]?key|(?:secret|access|private|licen[cs]e)[-_ ]key|authorization|cookie)\w*)(\s*:\s+)("[^"\n]*"?|'[^'\n]*'?|[^\s"'][^\n]*)`)
	// line is NAME: value, which prose has, too (secret: not found).
	line = regexp.MustCompile(`(?i)(` + secretName + `)(\s*:\s+)("[^"\s]*"?|'[^'\s]*'?|[^"'\s,;)}\]]+)`)
	// toldKey stands before a key that a kubelet or a scheduler names: of a
	// Secret, of a taint.
	toldKey = regexp.MustCompile(`(?:non-existent (?:(?:secret|config) )?|taint \{[\w./-]*)$`)
	// longFlag is --NAME=value of any name.
	longFlag = regexp.MustCompile(before + `(--[A-Za-z][\w.-]*)(=)(` + word + `)`)
	// flagAndWord is --NAME value of a name that tells.
	flagAndWord = regexp.MustCompile(`(?i)` + before + `(--?` + secretName + `)(\s+)(` + word + `)`)
	// shortFlag is -p and its value in one word.
	shortFlag = regexp.MustCompile(`(` + before + `-[A-Za-z])=?([^\s"'=-][^\s"']{4,})`)
	// login is -u user:password.
	login = regexp.MustCompile(`((?:^|\s)(?:-u|--user|--proxy-user)[\s=]+[^\s:]+:)(` + word + `)`)

	// userinfo of a URL.
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#"'<>]*@`)
	// webPath is what follows the host of a URL. A webhook has its secret there.
	webPath = regexp.MustCompile(`(?i)((?:https?|wss?)://)([^\s/?#"'<>\\]+)([/?#][^\s"'<>\\]*)`)
	scheme  = regexp.MustCompile(`(?i)\b(bearer|basic|digest|negotiate)(\s+)([\w+/=.~-]{6,})`)
	pem     = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)`)
)

// tokenLooks are secrets that are known by their looks. Each begins with letters
// that tell it from most texts: see mayHoldToken.
var tokenLooks = []string{
	`\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?`,        // JWT
	`\bAKIA[0-9A-Z]{12,}`, `\bASIA[0-9A-Z]{12,}`, // AWS
	`ghp_\w{16,}`, `gho_\w{16,}`, `ghu_\w{16,}`, `ghs_\w{16,}`, `ghr_\w{16,}`, `github_pat_\w+`,
	`\bgl[a-z]{2,5}-[\w-]{20,}`, // GitLab
	`\bxox[abeoprs]-[\w-]+`, `\bxapp-\d-[\w-]+`, `hooks\.slack\.com/[\w/-]+`,
	`discord(?:app)?\.com/api/webhooks/[\w/-]+`,
	`rk_(?:live|test)_\w+`, `sk_(?:live|test)_\w+`, `whsec_\w+`, // Stripe
	`\bAIza[\w-]{30,}`, `\bya29\.[\w-]+`, `\bGOCSPX-[\w-]+`, // Google
	`npm_\w{30,}`, `dckr_[a-z]{3}_[\w-]+`, `\bpypi-AgE\w+`,
	`\bhvs\.[\w-]{16,}`, `\bhvb\.[\w-]{16,}`, `\bhvr\.[\w-]{16,}`, // Vault
	`glsa_\w{16,}`, `glc_\w{16,}`, // Grafana
	`\bdt0[a-z]\d\d\.[\w.]{16,}`,                // Dynatrace
	`\bNRAK-\w+`, `\bNRAA-\w+`, `\bNRII-[\w-]+`, // New Relic
	`dop_v1_\w+`, `\bdapi[0-9a-f]{32}`, `\bATATT3\w+`, `shp(?:at|ca|pa|ss)_\w+`,
	`\bSG\.[\w-]{16,}\.[\w-]+`, `\bsk-(?:ant|proj)-[\w-]{16,}`, `\bsk-[A-Za-z0-9]{32,}`,
	`\bAGE-SECRET-KEY-1\w+`,
}

var tokens = regexp.MustCompile(strings.Join(tokenLooks, "|"))

// tokenMarks are the letters that tokens begin with, by the first of them.
var tokenMarks = func() (out [256][]string) {
	for _, look := range tokenLooks {
		mark := strings.TrimPrefix(look, `\b`)
		if i := strings.IndexAny(mark, `\[({.?*+|`); i >= 0 {
			mark = mark[:i]
		}
		out[mark[0]] = append(out[mark[0]], mark)
	}
	return out
}()

// mayHoldToken is false of most texts at a fraction of what tokens costs.
func mayHoldToken(s string) bool {
	for i := range len(s) {
		for _, mark := range tokenMarks[s[i]] {
			if strings.HasPrefix(s[i:], mark) {
				return true
			}
		}
	}
	return false
}

// secretMarks are what each name of secretName and of passwordLine has in it, by
// the first letter of either case.
var secretMarks = func() (out [256][]string) {
	for _, mark := range []string{
		"pass", "pw", "secret", "token", "credential", "key", "auth", "bearer", "sig", "dsn", "connection",
		"cookie", "licen", "session", "webhook", "private", "salt",
	} {
		out[mark[0]] = append(out[mark[0]], mark)
		out[mark[0]-'a'+'A'] = append(out[mark[0]-'a'+'A'], mark)
	}
	return out
}()

// mayNameSecret is the same for names of secrets. An expression without regard
// to case also takes the long s and the sign of Kelvin.
func mayNameSecret(s string) bool {
	for i := range len(s) {
		for _, mark := range secretMarks[s[i]] {
			if end := i + len(mark); end <= len(s) && strings.EqualFold(s[i:end], mark) {
				return true
			}
		}
	}
	return strings.ContainsAny(s, "\u017f\u212a")
}

func holdsToken(s string) bool { return mayHoldToken(s) && tokens.MatchString(s) }

// MaskText masks what looks like a secret in a message: private keys, tokens
// of well-known looks, user, password and path of URLs, values of flags, and
// the values of what is named like a secret.
func MaskText(s string) string { return new(Redactor).mask(s) }

func (r *Redactor) mask(s string) string {
	if !suspicious(s) {
		return s
	}
	// Each is asked only where the letters are that all of its matches have.
	has := func(letters string) bool { return strings.Contains(s, letters) }
	if has("-----BEGIN ") {
		s = pem.ReplaceAllLiteralString(s, Redacted)
	}
	s = r.token(s)
	if has("://") {
		s = userinfo.ReplaceAllString(s, "${1}"+Redacted+"@")
		s = webPath.ReplaceAllStringFunc(s, maskPath)
	}
	s = r.replace(scheme, s, nil)
	if has("--") && has("=") {
		s = r.replace(longFlag, s, nil)
	}
	if has("=") && mayNameSecret(s) {
		s = r.replace(assignment, s, harmless)
	}
	if has(":") && mayNameSecret(s) {
		s = r.replace(member, s, harmless)
	}
	if has("-") {
		s = r.maskFlags(s)
	}
	if !has(":") || !mayNameSecret(s) {
		return s
	}
	s = r.replace(passwordLine, s, func(before, name, value string) bool {
		// open /etc/password: no such file or directory
		return prose(before, name, value) && (toldKey.MatchString(before) || strings.HasSuffix(before, "/"))
	})
	return r.replace(line, s, prose)
}

// maskFlags masks what stands behind a flag, in a text that has a dash.
func (r *Redactor) maskFlags(s string) string {
	if mayNameSecret(s) {
		s = r.replace(flagAndWord, s, harmless)
	}
	if strings.Contains(s, "-u") { // --user, --proxy-user
		s = login.ReplaceAllString(s, "${1}"+Redacted)
	}
	return shortFlag.ReplaceAllStringFunc(s, maskShort)
}

// suspicious is a cheap test that most texts of healthy nodes and pods fail.
func suspicious(s string) bool {
	return strings.ContainsAny(s, "=:@-_.0123456789") || strings.Contains(s, "AKIA") || strings.Contains(s, "ASIA") || strings.Contains(s, "AIza")
}

// token masks secrets of well-known looks.
func (r *Redactor) token(s string) string {
	if !mayHoldToken(s) {
		return s
	}
	return tokens.ReplaceAllStringFunc(s, func(m string) string { return r.value("", m) })
}

// maskPath leaves scheme and host of a URL, and punctuation behind it.
func maskPath(url string) string {
	m := webPath.FindStringSubmatch(url)
	host, path := m[2], strings.TrimRight(m[3], ":,.;)]}")
	if path == "" || path == "/" {
		return url
	}
	// A password with a slash looks like a host with an odd port.
	if _, port, ok := strings.Cut(host, ":"); ok && host[0] != '[' && strings.Trim(port, "0123456789") != "" {
		host = Redacted
	}
	return m[1] + host + "/" + Redacted + m[3][len(path):]
}

// maskShort leaves -logtostderr, which is one flag of many letters.
func maskShort(flag string) string {
	m := shortFlag.FindStringSubmatch(flag)
	if strings.Trim(m[2], "abcdefghijklmnopqrstuvwxyz._-,)];:") == "" {
		return flag
	}
	return m[1] + "=" + Redacted
}

// harmless reports whether a name is not of a secret.
func harmless(_, name, _ string) bool { return harmlessName.MatchString(name) }

// prose reports whether a name and a colon are part of a sentence: what
// follows is a common word, or a path.
func prose(before, name, value string) bool {
	value = strings.Trim(value, `"'`)
	return harmlessName.MatchString(name) || toldKey.MatchString(before) || strings.HasPrefix(value, "/") ||
		len(value) < 6 || !strings.ContainsAny(value, "0123456789") || !strings.ContainsFunc(value, unicode.IsLetter)
}

// replace masks the third group of each match, where the first is a name,
// unless keep says otherwise.
func (r *Redactor) replace(re *regexp.Regexp, s string, keep func(before, name, value string) bool) string {
	found := re.FindAllStringSubmatchIndex(s, -1)
	if found == nil {
		return s
	}
	var b strings.Builder
	from := 0
	for _, m := range found {
		name, value := s[m[2]:m[3]], s[m[6]:m[7]]
		if keep != nil && keep(s[:m[2]], name, value) {
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

// words redacts the elements of a command in place, of its executable first if
// there is one: what stays is that one's name, the names of long flags, the
// letters of short ones, and how many words there are.
func (r *Redactor) words(list []string, executable bool) {
	for i, w := range list {
		if i == 0 && executable {
			list[i] = r.executable(w)
		} else {
			list[i] = r.word(i, w)
		}
	}
}

var (
	// file is a path and nothing else: no shell line, and no flag.
	file = regexp.MustCompile(`^(?:[A-Za-z]:)?(?:[\w.+][\w.+-]*)?(?:[/\\][\w.+-]+)*$`)
	// plainName is a name of a flag or a file.
	plainName = regexp.MustCompile(`^[A-Za-z][\w.+-]{0,63}$`)
	// random is more like a secret than like a name.
	random = regexp.MustCompile(`^(?:[0-9a-f]{24,}|.*[A-Z].*\d.*|.*\d.*[A-Z].*)$`)
)

func isName(s string) bool {
	return plainName.MatchString(s) && (len(s) < 16 || !random.MatchString(s)) && !holdsToken(s)
}

// executable leaves the name of a file out of its path.
func (r *Redactor) executable(w string) string {
	i := strings.LastIndexAny(w, `/\`) + 1
	switch {
	case !file.MatchString(w) || !isName(w[i:]):
		return r.word(0, w)
	case i < 2:
		return w
	}
	return r.value("0", w[:i-1]) + "/" + w[i:]
}

// word redacts the i-th element of a command. A word that does not begin with
// a dash is a value, whatever is before it.
func (r *Redactor) word(i int, w string) string {
	flag, value, assigned := strings.Cut(w, "=")
	long, isLong := strings.CutPrefix(flag, "--")
	switch {
	case w == "-" || w == "--":
		return w
	case isLong && isName(long):
	case len(flag) > 1 && flag[0] == '-' && isLetter(flag[1]):
		if len(flag) > 2 { // -pVALUE, which a flag of many letters looks like
			flag, value, assigned = w[:2], w[2:], true
		}
	default:
		return r.value(strconv.Itoa(i), w)
	}
	if !assigned {
		return flag
	}
	return flag + "=" + r.value(flag, value)
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// path redacts that of a probe.
func (r *Redactor) path(p string) string {
	if p == "" || p == "/" {
		return p
	}
	return "/" + r.value("path", strings.TrimPrefix(p, "/"))
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
