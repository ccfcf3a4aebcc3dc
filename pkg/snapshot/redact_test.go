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
)

func TestMaskText(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"prose stays":                   {`MountVolume.SetUp failed for volume "tls" : secret "tls" not found`, `MountVolume.SetUp failed for volume "tls" : secret "tls" not found`},
		"a colon in prose stays":        {"token: permission denied", "token: permission denied"},
		"a resource list stays":         {"0/5 nodes are available: 3 Insufficient cpu. preemption: 0/5", "0/5 nodes are available: 3 Insufficient cpu. preemption: 0/5"},
		"a taint stays":                 {"1 node(s) had untolerated taint {dedicated: gpu}", "1 node(s) had untolerated taint {dedicated: gpu}"},
		"an image stays":                {`Back-off pulling image "reg.io/a/b:v1@sha256:abcdef"`, `Back-off pulling image "reg.io/a/b:v1@sha256:abcdef"`},
		"user and password of a URL":    {"Get https://bob:hunter2@reg.io/v2/: EOF", "Get https://redacted@reg.io/v2/: EOF"},
		"a password with an at sign":    {"https://bob:hun@ter2@reg.io/", "https://redacted@reg.io/"},
		"an address in a path stays":    {"https://reg.io/a@sha256:ab", "https://reg.io/a@sha256:ab"},
		"a query":                       {"https://reg.io/token?account=bob&token=hunter2 failed", "https://reg.io/token?account=bob&token=redacted failed"},
		"a signed URL":                  {"https://s3/x?X-Amz-Signature=hunter2", "https://s3/x?X-Amz-Signature=redacted"},
		"a SAS":                         {"https://blob/x?sv=1&sig=hunter2", "https://blob/x?sv=1&sig=redacted"},
		"an assignment":                 {"exec failed: DB_PASSWORD=hunter2 not accepted", "exec failed: DB_PASSWORD=redacted not accepted"},
		"a quoted assignment":           {`password="hunter 2" was wrong`, `password="redacted" was wrong`},
		"JSON":                          {`body {"access_token": "hunter2"}`, `body {"access_token": "redacted"}`},
		"escaped JSON":                  {`body "{\"token\":\"hunter2\"}"`, `body "{\"token\":\"redacted\"}"`},
		"bearer":                        {"401 for Bearer hunter22", "401 for Bearer redacted"},
		"a JWT":                         {"bad eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig here", "bad redacted here"},
		"an AWS key":                    {"key AKIAIOSFODNN7EXAMPLE is unknown", "key redacted is unknown"},
		"a private key":                 {"x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y", "x redacted y"},
		"a private key without its end": {"-----BEGIN PRIVATE KEY-----\nabc", "redacted"},
		"a file that holds a secret":    {"--token-file=/var/run/token missing", "--token-file=/var/run/token missing"},
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

func TestCommandsAreMasked(t *testing.T) {
	for name, c := range map[string]struct{ in, want []string }{
		"nothing secret":          {[]string{"/bin/exporter", "--web.listen-address=:9100", "-v", "2"}, []string{"/bin/exporter", "--web.listen-address=:9100", "-v", "2"}},
		"a flag":                  {[]string{"--api-token=hunter2"}, []string{"--api-token=redacted"}},
		"a flag with odd letters": {[]string{"--password=a b\"c'd&e"}, []string{"--password=redacted"}},
		"a flag and its value":    {[]string{"--password", "-hunter2", "--x"}, []string{"--password", "redacted", "--x"}},
		"a flag without a value":  {[]string{"--password", "--x"}, []string{"--password", "--x"}},
		"one dash":                {[]string{"-secret", "hunter2"}, []string{"-secret", "redacted"}},
		"a key":                   {[]string{"--license-key=hunter2"}, []string{"--license-key=redacted"}},
		"the file of a key":       {[]string{"--tls-private-key-file=/x", "--token-file", "/x"}, []string{"--tls-private-key-file=/x", "--token-file", "/x"}},
		"a variable":              {[]string{"env", "DB_PASSWORD=hunter2"}, []string{"env", "DB_PASSWORD=redacted"}},
		"a script":                {[]string{"sh", "-c", "export PGPASSWORD='hunter 2'; run --token hunter3 --level=info"}, []string{"sh", "-c", "export PGPASSWORD='redacted'; run --token redacted --level=info"}},
		"a header in a script":    {[]string{"sh", "-c", `curl -H "X-Api-Key: hunter2" http://x/`}, []string{"sh", "-c", `curl -H "X-Api-Key: redacted" http://x/`}},
		"authorization":           {[]string{"sh", "-c", `curl -H 'Authorization: Bearer hunter22'`}, []string{"sh", "-c", `curl -H 'Authorization: redacted'`}},
		"a login in a script":     {[]string{"sh", "-c", "curl -u bob:hunter2 http://x/"}, []string{"sh", "-c", "curl -u bob:redacted http://x/"}},
		"a login":                 {[]string{"curl", "-u", "bob:hunter2", "http://x/"}, []string{"curl", "-u", "bob:redacted", "http://x/"}},
		"a URL":                   {[]string{"--remote=https://bob:hunter2@x/"}, []string{"--remote=https://redacted@x/"}},
		"two values of one flag":  {[]string{"--token=a1", "--token=b2", "--token=a1"}, []string{"--token=redacted", "--token=redacted-2", "--token=redacted"}},
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
		"kubernetes.io/change-cause": "kubectl set env ds/a TOKEN=redacted",
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
