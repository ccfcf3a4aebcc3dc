package kube

import (
	"bytes"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// podPage is a page as a server sends it.
func podPage(t testing.TB, media string, pods ...corev1.Pod) []byte {
	t.Helper()
	info, ok := kruntime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), media)
	if !ok {
		t.Fatal(media)
	}
	list := &corev1.PodList{ListMeta: metav1.ListMeta{Continue: "token", ResourceVersion: "9"}, Items: pods}
	var b bytes.Buffer
	if err := scheme.Codecs.WithoutConversion().EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion).Encode(list, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPageIsSplitWithoutDecoding(t *testing.T) {
	d := daemonSet("monitoring", "agent")
	for _, media := range []string{protobufType, "application/json"} {
		body := podPage(t, media, *podOf(d, 0), *podOf(d, 1))
		for _, contentType := range []string{media, media + "; charset=utf-8", ""} {
			p, err := decodePage(body, contentType, "PodList")
			if err != nil || p.next != "token" || len(p.items) != 2 || p.json != (media != protobufType) {
				t.Fatalf("%s: %d items, next %q, %v", contentType, len(p.items), p.next, err)
			}
			pod, err := decodeObject[corev1.Pod](p.items[1], p.json)
			if err != nil || pod.Name != "agent-00001" || pod.Kind != "" {
				t.Errorf("%s: %v %q, %v", contentType, pod.Name, pod.Kind, err)
			}
		}
	}
}

func TestEveryCutOfAPageIsAnError(t *testing.T) {
	body := podPage(t, protobufType, *podOf(daemonSet("monitoring", "agent"), 0))
	for n := range body {
		if n == len(body)-4 || n == len(body)-2 {
			continue // the content is whole, what lacks are empty fields of the envelope
		}
		if _, err := decodePage(body[:n], protobufType, "PodList"); err == nil {
			t.Errorf("cut after %d of %d bytes: no error", n, len(body))
		}
	}
}

// FuzzDecodePage: no bytes make the way from a body to records panic, and
// nothing is kept of a page that is in error.
func FuzzDecodePage(f *testing.F) {
	d := daemonSet("monitoring", "agent")
	proto := podPage(f, protobufType, *podOf(d, 0), *broken(podOf(d, 1)))
	json := podPage(f, "application/json", *podOf(d, 0), *broken(podOf(d, 1)))
	group := protowire.AppendTag(append([]byte{}, magic...), 2, protowire.StartGroupType)
	for _, seed := range [][]byte{
		proto, json, proto[:len(proto)/2], json[:len(json)/2], magic, nil, []byte("{}"), []byte("null"),
		[]byte("k8s\x01"), append(append([]byte{}, magic...), "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"...),
		append(append([]byte{}, magic...), bytes.Repeat([]byte{0x80}, 12)...), bytes.Repeat(group, 3),
		[]byte(`{"kind":"PodList","items":[null,{},{"metadata":{"name":1}}]}`),
		[]byte(`{"kind":"Status","status":"Failure","code":410,"reason":"Expired"}`),
		[]byte(strings.Repeat(`{"kind":`, 300)), []byte("<html></html>"),
		[]byte(`{"kind":"PodList","items":[{"spec":{"containers":[{"resources":{"requests":{"cpu":"1e3","memory":"9E"}}}]}}]}`),
	} {
		for _, contentType := range []string{protobufType, "application/json", "", "text/html"} {
			f.Add(seed, contentType)
		}
	}
	// resource.ParseQuantity (apimachinery v0.37.2) computes for minutes on a
	// quantity like 1e-2147483647; nothing here can cut that short.
	endless := regexp.MustCompile(`[eE]-[0-9]{6}`)
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		if endless.Match(body) {
			t.Skip("a quantity that apimachinery does not end with")
		}
		p, err := decodePage(body, contentType, "PodList")
		if err != nil {
			if p.items != nil || p.next != "" {
				t.Errorf("%d items beside %v", len(p.items), err)
			}
			_ = Explain(&RequestError{Verb: "list", Resource: "pods", Err: err}, "https://x").Error()
			return
		}
		records := (&Reader{}).newPass(nil)
		for _, raw := range p.items {
			pod, keep, err := records.pod(raw, p.json)
			if keep == (err != nil) {
				t.Errorf("kept %t with %v", keep, err)
			}
			_ = pod.Well()
		}
	})
}

// retainedLimit is what a healthy pod may cost once its page is gone: the
// record, its own strings, and nothing of the object.
const retainedLimit = 700

func TestAHealthyPodCostsAFewHundredBytes(t *testing.T) {
	const pages, perPage = 100, pageSize
	d := daemonSet("monitoring", "agent")
	p := (&Reader{}).newPass(nil)
	var pods []snapshot.Pod
	before := heap()
	for page := range pages {
		items := make([]corev1.Pod, perPage)
		for i := range items {
			items[i] = *podOf(d, page*perPage+i)
		}
		split, err := decodePage(podPage(t, protobufType, items...), protobufType, "PodList")
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range split.items {
			pod, _, err := p.pod(raw, false)
			if err != nil {
				t.Fatal(err)
			}
			pods = append(pods, pod)
		}
	}
	each := (heap() - before) / int64(len(pods))
	t.Logf("%d bytes a pod, of %d", each, len(pods))
	if each > retainedLimit {
		t.Errorf("%d bytes a pod, more than %d", each, retainedLimit)
	}
	runtime.KeepAlive(pods)
	runtime.KeepAlive(p)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found to finalize
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A server that is not what it seems can send a quantity whose parser never
// ends: it is an error before it is decoded, in both encodings.
func TestAQuantityThatWouldTakeForEverIsRefused(t *testing.T) {
	pod := podOf(daemonSet("monitoring", "agent"), 1)
	pod.Spec.Overhead = corev1.ResourceList{"cpu": resource.MustParse("12345678901234567890")}
	for _, media := range []string{protobufType, "application/json"} {
		body := bytes.ReplaceAll(podPage(t, media, *pod), []byte("12345678901234567890"), []byte("1e-00000002147483647"))
		split, err := decodePage(body, media, "PodList")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := (&Reader{}).newPass(nil).pod(split.items[0], split.json); err == nil || !strings.Contains(err.Error(), "out of all bounds") {
			t.Errorf("%s: %v", media, err)
		}
	}
}

// BenchmarkPod is one pod from the bytes of its page to its record.
func BenchmarkPod(b *testing.B) {
	for _, media := range []string{protobufType, "application/json"} {
		b.Run(media[strings.LastIndexAny(media, "./")+1:], func(b *testing.B) {
			items := make([]corev1.Pod, pageSize)
			for i := range items {
				items[i] = *podOf(daemonSet("monitoring", "agent"), i)
			}
			body := podPage(b, media, items...)
			b.SetBytes(int64(len(body) / pageSize))
			b.ReportAllocs()
			for n := 0; n < b.N; n += pageSize {
				split, err := decodePage(body, media, "PodList")
				if err != nil {
					b.Fatal(err)
				}
				p := (&Reader{}).newPass(nil)
				for _, raw := range split.items[:min(pageSize, b.N-n)] {
					if _, _, err := p.pod(raw, split.json); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
