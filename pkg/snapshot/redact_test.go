package snapshot

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

func TestMaskText(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"prose stays":                   {`MountVolume.SetUp failed for volume "tls" : secret "tls" not found`, `MountVolume.SetUp failed for volume "tls" : secret "tls" not found`},
		"a colon in prose stays":        {"token: permission denied", "token: permission denied"},
		"a resource list stays":         {"0/5 nodes are available: 3 Insufficient cpu. preemption: 0/5", "0/5 nodes are available: 3 Insufficient cpu. preemption: 0/5"},
		"a taint stays":                 {"1 node(s) had untolerated taint {dedicated: gpu}", "1 node(s) had untolerated taint {dedicated: gpu}"},
		"an image stays":                {`Back-off pulling image "reg.io/a/b:v1@sha256:abcdef"`, `Back-off pulling image "reg.io/a/b:v1@sha256:abcdef"`},
		"user and password of a URL":    {"Get https://bob:hunter2@reg.io/v2/: EOF", "Get https://redacted@reg.io/redacted: EOF"},
		"a password with an at sign":    {"https://bob:hun@ter2@reg.io/", "https://redacted@reg.io/"},
		"a password with a slash":       {"https://bob:hun/ter2@reg.io/", "https://redacted/redacted"},
		"a host and its port":           {`Get "http://10.0.0.1:8080/hunter2": EOF`, `Get "http://10.0.0.1:8080/redacted": EOF`},
		"a host of IPv6":                {`Get "http://[fd00::1]:8080/hunter2"`, `Get "http://[fd00::1]:8080/redacted"`},
		"a query":                       {"https://reg.io/token?account=bob&token=hunter2 failed", "https://reg.io/redacted failed"},
		"a query without a path":        {"https://reg.io?hunter2, failed", "https://reg.io/redacted, failed"},
		"a query of a database":         {"postgres://h/db?sslmode=on&password=hunter2", "postgres://h/db?sslmode=on&password=redacted"},
		"a path of a socket stays":      {"dial unix:///run/csi.sock: no such file", "dial unix:///run/csi.sock: no such file"},
		"a URL without a path stays":    {"Get https://reg.io/: EOF", "Get https://reg.io/: EOF"},
		"a webhook":                     {`Post "https://hooks.slack.com/services/T1/B2/hunter2": EOF`, `Post "https://redacted": EOF`},
		"a webhook without a scheme":    {"POST hooks.slack.com/services/T1/B2/hunter2 failed", "POST redacted failed"},
		"an assignment":                 {"exec failed: DB_PASSWORD=hunter2 not accepted", "exec failed: DB_PASSWORD=redacted not accepted"},
		"a quoted assignment":           {`password="hunter 2" was wrong`, `password="redacted" was wrong`},
		"JSON":                          {`body {"access_token": "hunter2"}`, `body {"access_token": "redacted"}`},
		"escaped JSON":                  {`body "{\"token\":\"hunter2\"}"`, `body "{\"token\":\"redacted\"}"`},
		"bearer":                        {"401 for Bearer hunter22", "401 for Bearer redacted"},
		"a JWT":                         {"bad eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig here", "bad redacted here"},
		"an AWS key":                    {"key AKIAIOSFODNN7EXAMPLE is unknown", "key redacted is unknown"},
		"a private key":                 {"x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y", "x redacted y"},
		"a private key without its end": {"-----BEGIN PRIVATE KEY-----\nabc", "redacted"},
		"a file that holds a secret":    {"open /var/run/token: no such file or directory", "open /var/run/token: no such file or directory"},
		"a variable of a file":          {"TOKEN_FILE=/var/run/token missing", "TOKEN_FILE=/var/run/token missing"},
		"any flag":                      {`exec: "run --a=hunter2 -v"`, `exec: "run --a=redacted -v"`},
		"an unknown flag stays":         {"unknown flag: --colour, and -logtostderr", "unknown flag: --colour, and -logtostderr"},
		"a flag and a word":             {"run --token hunter2 --level info", "run --token redacted --level info"},
		"a short flag":                  {"mysql -phunter2 -u root", "mysql -p=redacted -u root"},
		"a short flag in a list":        {"[sh -c mysql -phunter22]", "[sh -c mysql -p=redacted"},
		"a login":                       {"curl -u bob:hunter2 x", "curl -u bob:redacted x"},
		"a password and a colon":        {"wrong password: hunter2 with, comma\nnext", "wrong password: redacted\nnext"},
		"a quoted password":             {`wrong password: "hunter 2", try again`, `wrong password: "redacted", try again`},
		"a header of a key":             {"X-Api-Key: hunter2", "X-Api-Key: redacted"},
		"a secret and a colon":          {"rejected token: hunter2, expired", "rejected token: redacted, expired"},
		"a key of a Secret stays":       {"references non-existent secret key: app1.yaml", "references non-existent secret key: app1.yaml"},
		"a file of a password stays":    {"open /etc/db/password: no such file or directory", "open /etc/db/password: no such file or directory"},
		"a user and a password":         {"user/password: bob/hunter2", "user/password: redacted"},
		"a word as a password":          {"password: correct", "password: redacted"},
		"a key of a taint stays":        {"had untolerated taint {example.com/gpu-key: a100xx}", "had untolerated taint {example.com/gpu-key: a100xx}"},
		"an authority stays":            {"x509: certificate signed by unknown authority", "x509: certificate signed by unknown authority"},
		"a pull that is refused stays":  {"failed to fetch oauth token: unexpected status: 401 Unauthorized", "failed to fetch oauth token: unexpected status: 401 Unauthorized"},
		"empty":                         {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := MaskText(c.in)
			if got != c.want {
				t.Errorf("MaskText(%q)\n got %q\nwant %q", c.in, got, c.want)
			}
			if again := MaskText(got); again != got {
				t.Errorf("masking again gives %q", again)
			}
		})
	}
}

// FuzzMaskText: what is masked stays as it is, since a capture may be read and
// saved again.
func FuzzMaskText(f *testing.F) {
	f.Add(`Post "https://bob:hun/ter2@reg.io/a?b#c": exec: "run --a=b -pxyz12 -u a:b", token: "abc123", password: x, {"key":"v"}`)
	f.Add("-----BEGIN PRIVATE KEY-----\nabc Authorization: Bearer abcdefg LICENSE='a b' taint {key: abc123}")
	f.Fuzz(func(t *testing.T, in string) {
		once := MaskText(in)
		if again := MaskText(once); again != once {
			t.Errorf("%q is masked to\n%q, and that to\n%q", in, once, again)
		}
	})
}

func TestCommandsAreRedacted(t *testing.T) {
	for name, c := range map[string]struct{ in, want []string }{
		"an executable":             {[]string{"run"}, []string{"run"}},
		"an executable of the root": {[]string{"/run"}, []string{"/run"}},
		"a path":                    {[]string{"/opt/hunter2/run"}, []string{"redacted/run"}},
		"a path of Windows":         {[]string{`C:\hunter2\run.exe`}, []string{"redacted/run.exe"}},
		"a shell line by mistake":   {[]string{"run --x /hunter2"}, []string{"redacted"}},
		"a flag by mistake":         {[]string{"--x=a/hunter2"}, []string{"--x=redacted"}},
		"a variable by mistake":     {[]string{"X=a/hunter2"}, []string{"redacted"}},
		"a URL by mistake":          {[]string{"https://h/hunter2"}, []string{"redacted"}},
		"a random executable":       {[]string{"0123456789abcdef0123456789abcdef"}, []string{"redacted"}},
		"flags":                     {[]string{"run", "--web.listen-address=:9100", "-v", "2"}, []string{"run", "--web.listen-address=redacted", "-v", "redacted"}},
		"odd letters":               {[]string{"run", "--a=a b\"c'd&e=f"}, []string{"run", "--a=redacted"}},
		"an empty value":            {[]string{"run", "--a=", "", "-b="}, []string{"run", "--a=", "", "-b="}},
		"no flags":                  {[]string{"run", "-", "--", "-1", "---x", "--hunter 2=a", "--1"}, []string{"run", "-", "--", "redacted", "redacted", "redacted", "redacted"}},
		"a short flag":              {[]string{"run", "-phunter2", "-p=hunter2", "-p=hunter3"}, []string{"run", "-p=redacted", "-p=redacted", "-p=redacted-2"}},
		"a flag that looks short":   {[]string{"run", "-config=hunter2", "-debug"}, []string{"run", "-c=redacted", "-d=redacted"}},
		"a token like a flag":       {[]string{"run", "--AbCdEfGh12345678", "--ghp_0123456789abcdef"}, []string{"run", "redacted", "redacted"}},
		"a variable":                {[]string{"env", "A=hunter2"}, []string{"env", "redacted"}},
		"a script":                  {[]string{"sh", "-c", "run hunter2"}, []string{"sh", "-c", "redacted"}},
		"two values of one flag":    {[]string{"run", "--token=a1", "--token=b2", "--token=a1"}, []string{"run", "--token=redacted", "--token=redacted-2", "--token=redacted"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := RedactPod(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Command: c.in}}}})
			got := p.Spec.Containers[0].Command
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := RedactPod(p); !reflect.DeepEqual(p, again) {
				t.Errorf("redacting again gives %v", again.Spec.Containers[0].Command)
			}
		})
	}
	// Arguments have no executable.
	p := RedactPod(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Args: []string{"hunter2", "--x"}}}}})
	if diff := cmp.Diff([]string{"redacted", "--x"}, p.Spec.Containers[0].Args); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// secretTemplate has a value in each place of a template that may hold one.
func secretTemplate(secret string) corev1.PodTemplateSpec {
	probe := func() *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			Exec: &corev1.ExecAction{Command: []string{"check", "--token=" + secret}},
			HTTPGet: &corev1.HTTPGetAction{Path: "/h?token=" + secret, Port: intstr.FromInt32(80),
				HTTPHeaders: []corev1.HTTPHeader{{Name: "X-Any", Value: secret}}},
		}}
	}
	c := corev1.Container{
		Name: "c", Command: []string{"run", "--password", secret}, Args: []string{"--api-key=" + secret, "https://u:" + secret + "@h/"},
		Env:           []corev1.EnvVar{{Name: "HARMLESS", Value: secret}, {Name: "REF", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}}},
		LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe(),
		Lifecycle: &corev1.Lifecycle{
			PostStart: &corev1.LifecycleHandler{Exec: probe().Exec}, PreStop: &corev1.LifecycleHandler{HTTPGet: probe().HTTPGet},
		},
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "d"}, Annotations: map[string]string{
			"example.com/config": secret, "kubectl.kubernetes.io/restartedAt": "2026-01-01", "kubernetes.io/change-cause": "set env TOKEN=" + secret,
		}},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{c}, Containers: []corev1.Container{c},
			EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)}},
			ImagePullSecrets:    []corev1.LocalObjectReference{{Name: "pull"}},
			Volumes: []corev1.Volume{
				{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{VolumeAttributes: map[string]string{"a": secret}}}},
				{Name: "flex", VolumeSource: corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{Options: map[string]string{"o": secret}}}},
				{Name: "claim", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
					ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"x": secret}}}}}},
				{Name: "git", VolumeSource: corev1.VolumeSource{GitRepo: &corev1.GitRepoVolumeSource{Repository: "https://u:" + secret + "@h/"}}},
				{Name: "cert", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
					{PodCertificate: &corev1.PodCertificateProjection{UserAnnotations: map[string]string{"a": secret}}}}}}},
			},
		},
	}
}

// patchOf is the data of a revision, as getPatch of
// pkg/controller/daemon/update.go (v1.37.2) makes it.
func patchOf(t *testing.T, template corev1.PodTemplateSpec) []byte {
	t.Helper()
	b, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	m["$patch"] = "replace"
	out, err := json.Marshal(map[string]any{"spec": map[string]any{"template": m}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whether a revision is that of a template is decided by comparing the two, so
// that both must come out the same.
func TestTemplateAndRevisionAreRedactedAlike(t *testing.T) {
	template := secretTemplate("hunter22")
	d := &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: template}}
	rev := &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: patchOf(t, template)}}
	want := patchOf(t, RedactDaemonSet(d).Spec.Template)
	got := RedactRevision(rev).Data.Raw
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("template (-) and revision (+) differ:\n%s", diff)
	}
	for _, b := range [][]byte{want, got} {
		if strings.Contains(string(b), "hunter") {
			t.Errorf("the secret is still there: %s", b)
		}
		for _, kept := range []string{"HARMLESS", `"restartedAt`, "X-Any", `"pull"`, "secretKeyRef"} {
			if !strings.Contains(string(b), strings.Trim(kept, `"`)) {
				t.Errorf("%s is gone from %s", kept, b)
			}
		}
	}
	if !strings.Contains(string(rev.Data.Raw), "hunter22") || d.Spec.Template.Spec.Containers[0].Env[0].Value != "hunter22" {
		t.Error("the original was changed")
	}
}

func TestTemplatesThatDifferInAValueStayDifferent(t *testing.T) {
	var r Redactor
	a := r.Revision(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: patchOf(t, secretTemplate("hunter1"))}})
	b := r.Revision(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: patchOf(t, secretTemplate("hunter2"))}})
	d := r.DaemonSet(&appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: secretTemplate("hunter2")}})
	if string(a.Data.Raw) == string(b.Data.Raw) {
		t.Error("two revisions have become one")
	}
	if string(patchOf(t, d.Spec.Template)) != string(b.Data.Raw) {
		t.Error("the template is no longer that of its revision")
	}
	if strings.Contains(string(a.Data.Raw)+string(b.Data.Raw), "hunter") {
		t.Error("the secret is still there")
	}
}

func TestWhatIsRedactedStaysAsItIs(t *testing.T) {
	c := corev1.Container{Env: []corev1.EnvVar{{Name: "A", Value: "redacted-2"}, {Name: "A", Value: "redacted"}, {Name: "B"}}}
	got := RedactPod(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{c}}}).Spec.Containers[0]
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRevisionDataThatIsNoTemplate(t *testing.T) {
	for _, raw := range []string{"", "null", `"hunter2"`, `{"hunter2"`, `{"spec":"hunter2"}`, `{"spec":{"template":["hunter2"]}}`, `{"spec":{"template":{"spec":{"containers":{"a":"x"},"volumes":[1]},"metadata":{"annotations":["hunter2"]}}}}`,
		`{"spec":{"template":{"spec":{"containers":[{"env":[{"name":5,"value":["hunter2"]}],"args":[["hunter2"]],"command":"x"},7]}}}}`} {
		got := RedactRevision(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: []byte(raw)}}).Data.Raw
		if strings.Contains(string(got), "hunter") {
			t.Errorf("%s gives %s", raw, got)
		}
		if len(got) > 0 && !json.Valid(got) {
			t.Errorf("%s gives %s, which is not JSON", raw, got)
		}
	}
}

func TestAnnotations(t *testing.T) {
	in := map[string]string{
		"deprecated.daemonset.template.generation": "3", "kubernetes.io/config.mirror": "abc", "meta.helm.sh/release-name": "r",
		"argocd.argoproj.io/tracking-id": "t", "scheduler.alpha.kubernetes.io/node-selector": "a=b", APIGroup + "/run": "1",
		"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "example.com/x": "hunter2", "kubernetes.io.evil.com/x": "hunter2", "plain": "hunter2",
		"kubernetes.io/change-cause": "kubectl set env ds/a TOKEN=hunter2",
	}
	want := map[string]string{
		"deprecated.daemonset.template.generation": "3", "kubernetes.io/config.mirror": "abc", "meta.helm.sh/release-name": "r",
		"argocd.argoproj.io/tracking-id": "t", "scheduler.alpha.kubernetes.io/node-selector": "a=b", APIGroup + "/run": "1",
	}
	meta := metav1.ObjectMeta{Annotations: in, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "hunter2"}}}
	for name, got := range map[string]metav1.ObjectMeta{
		"pod":       RedactPod(&corev1.Pod{ObjectMeta: meta}).ObjectMeta,
		"daemonset": RedactDaemonSet(&appsv1.DaemonSet{ObjectMeta: meta}).ObjectMeta,
		"revision":  RedactRevision(&appsv1.ControllerRevision{ObjectMeta: meta}).ObjectMeta,
		"node":      RedactNode(&corev1.Node{ObjectMeta: meta}).ObjectMeta,
	} {
		if diff := cmp.Diff(want, got.Annotations); diff != "" || got.ManagedFields != nil {
			t.Errorf("%s: managed fields %v, annotations (-want +got):\n%s", name, got.ManagedFields, diff)
		}
	}
}

// TestWhatSurvives puts a word into every string of an object, one at a time,
// and lists the fields where it is still there afterwards. Such a field must
// be one that holds no secret: whoever adds to the list has thought about it.
// A new release of the API with new fields fails here first.
func TestWhatSurvives(t *testing.T) {
	const marker = "hunter2"
	var got []string
	for _, c := range []struct {
		name   string
		fresh  func() runtime.Object
		redact func(runtime.Object) runtime.Object
	}{
		{"Pod", func() runtime.Object { return &corev1.Pod{} }, func(o runtime.Object) runtime.Object { return RedactPod(o.(*corev1.Pod)) }},
		{"DaemonSet", func() runtime.Object { return &appsv1.DaemonSet{} }, func(o runtime.Object) runtime.Object { return RedactDaemonSet(o.(*appsv1.DaemonSet)) }},
		{"Node", func() runtime.Object { return &corev1.Node{} }, func(o runtime.Object) runtime.Object { return RedactNode(o.(*corev1.Node)) }},
		{"ControllerRevision", func() runtime.Object { return &appsv1.ControllerRevision{} }, func(o runtime.Object) runtime.Object {
			return RedactRevision(o.(*appsv1.ControllerRevision))
		}},
	} {
		for _, leaf := range leaves(reflect.TypeOf(c.fresh()).Elem(), nil) {
			o := c.fresh()
			leaf.plant(reflect.ValueOf(o).Elem(), marker)
			b, err := json.Marshal(c.redact(o))
			if err != nil {
				t.Fatalf("%s %s: %v", c.name, leaf, err)
			}
			if strings.Contains(string(b), marker) {
				got = append(got, leaf.String())
			}
			if !freeText(leaf) {
				continue
			}
			o = c.fresh()
			leaf.plant(reflect.ValueOf(o).Elem(), "see https://u:"+marker+"@h/?token="+marker)
			if b, err = json.Marshal(c.redact(o)); err != nil || strings.Contains(string(b), marker) {
				t.Errorf("%s %s is text that is not masked: %s %v", c.name, leaf, b, err)
			}
		}
	}
	slices.Sort(got)
	got = slices.Compact(got)
	const file = "testdata/redact-survives.txt"
	text := strings.Join(got, "\n") + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("other fields survive than %s has; if none of them can hold a secret, run with UPDATE=1 (-file +now):\n%s", file, diff)
	}
}

// freeText reports whether anything may stand in the field, by its name.
func freeText(l leaf) bool {
	switch name := l.String(); name[strings.LastIndexByte(name, '.')+1:] {
	case "message", "error", "args", "command", "repository":
		return true
	default:
		return name == "HTTPGetAction.path"
	}
}

// leaf is the way to a string inside a type.
type leaf []reflect.StructField

// String names the field by the type that declares it: where that is used
// does not matter, since a field that is redacted in one place and not in
// another is found all the same.
func (l leaf) String() string {
	i := len(l) - 1
	for i > 0 && l[i].Tag.Get("json") == "" {
		i--
	}
	parent := "object"
	if i > 0 {
		pt := l[i-1].Type
		for pt.Kind() == reflect.Pointer || pt.Kind() == reflect.Slice {
			pt = pt.Elem()
		}
		parent = pt.Name()
	}
	name, _, _ := strings.Cut(l[i].Tag.Get("json"), ",")
	if l[i].Type.Kind() == reflect.Map {
		name += " (values)"
	}
	return parent + "." + name
}

// leaves lists the strings below t. What has its own JSON form (times,
// quantities, raw data) is left out; maps count where their values are
// strings.
func leaves(t reflect.Type, way leaf) []leaf {
	var out []leaf
	for i := range t.NumField() {
		f := t.Field(i)
		ft := f.Type
		for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
			ft = ft.Elem()
		}
		w := append(slices.Clone(way), f)
		switch {
		case len(w) > 14 || !f.IsExported():
		case ft.Kind() == reflect.String, ft.Kind() == reflect.Map && ft.Elem().Kind() == reflect.String:
			out = append(out, w)
		case ft.Kind() == reflect.Struct && !reflect.PointerTo(ft).Implements(reflect.TypeFor[json.Marshaler]()):
			out = append(out, leaves(ft, w)...)
		}
	}
	return out
}

func (l leaf) plant(v reflect.Value, marker string) {
	for _, f := range l {
		v = v.FieldByIndex(f.Index)
		for {
			if v.Kind() == reflect.Pointer {
				v.Set(reflect.New(v.Type().Elem()))
				v = v.Elem()
			} else if v.Kind() == reflect.Slice {
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
				v = v.Index(0)
			} else {
				break
			}
		}
	}
	if v.Kind() == reflect.Map {
		m := reflect.MakeMap(v.Type())
		m.SetMapIndex(reflect.ValueOf("name").Convert(v.Type().Key()), reflect.ValueOf(marker).Convert(v.Type().Elem()))
		v.Set(m)
		return
	}
	v.SetString(marker)
}

// What is asked first is cheap, and says no of nothing that the expressions find.
func TestTheCheapTestsMissNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, look := range tokenLooks {
			text := rapid.StringMatching(strings.TrimPrefix(look, `\b`)).Draw(t, "token")
			if !tokens.MatchString(text) || !mayHoldToken("x "+text) {
				t.Fatalf("%q, which %s describes", text, look)
			}
		}
		name := rapid.StringMatching(`(?i)`+strings.ReplaceAll(secretName, `\b`, "")).Draw(t, "name")
		if !mayNameSecret(name) {
			t.Fatalf("%q is the name of a secret", name)
		}
		word := rapid.StringMatching(`(?i)[\w.-]*(?:password|passwd|passphrase|pass|pwd|pw|api[-_ ]?key|(?:secret|access|private|licen[cs]e)[-_ ]key|authorization|cookie)\w*`).Draw(t, "password")
		if !mayNameSecret(word) {
			t.Fatalf("%q is the name of a password", word)
		}
	})
}

// A capture asks about each label of each pod: of ordinary ones no expression is
// asked, and of the others one time each.
func TestOrdinaryTextsAskNoExpression(t *testing.T) {
	for _, v := range ordinaryLabels {
		if mayHoldToken(v) {
			t.Errorf("label %q may hold a token", v)
		}
	}
	for _, s := range ordinaryTexts {
		if mayHoldToken(s) || mayNameSecret(s) {
			t.Errorf("%q may hold a token or name a secret", s)
		}
	}
	r := new(Redactor)
	pod := map[string]string{"app": "xoxb-1", "tier": "AKIAnone", "zone": "eu-1a"}
	first, second := r.Labels(pod), r.Labels(pod)
	if len(r.labelled) != 2 || first["app"] != Redacted || second["app"] != Redacted || first["tier"] != "AKIAnone" || pod["app"] != "xoxb-1" {
		t.Errorf("%v, then %v, and kept are %v", first, second, r.labelled)
	}
}
