package apiserver

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// store holds objects by resource and by namespace/name.
type store map[string]map[string]metav1.Object

func (s store) set(o runtime.Object) error {
	obj, name, err := known(o)
	if err != nil {
		return err
	}
	if s[name] == nil {
		s[name] = map[string]metav1.Object{}
	}
	s[name][keyOf(obj)] = obj
	return nil
}

func (s store) remove(o runtime.Object) error {
	obj, name, err := known(o)
	if err == nil {
		delete(s[name], keyOf(obj))
	}
	return err
}

func known(o runtime.Object) (metav1.Object, string, error) {
	for name, k := range kinds {
		if obj, ok := k.is(o); ok {
			return obj, name, nil
		}
	}
	return nil, "", fmt.Errorf("apiserver: %T is not served", o)
}

func keyOf(o metav1.Object) string { return o.GetNamespace() + "/" + o.GetName() }

// target is what a path names.
type target struct {
	resource  string
	namespace string
	name      string
}

func parsePath(path string) (target, bool) {
	var t target
	group := ""
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		if rest, ok = strings.CutPrefix(path, "/apis/"); !ok {
			return t, false
		}
		if group, rest, ok = strings.Cut(rest, "/v1/"); !ok {
			return t, false
		}
	}
	parts := strings.Split(rest, "/")
	if len(parts) > 2 && parts[0] == "namespaces" {
		t.namespace, parts = parts[1], parts[2:]
	}
	if len(parts) > 2 {
		return t, false
	}
	t.resource = parts[0]
	if len(parts) == 2 {
		t.name = parts[1]
	}
	k, ok := kinds[t.resource]
	return t, ok && k.gv.Group == group
}

func (s store) get(t target, proto bool) answer {
	obj, ok := s[t.resource][t.namespace+"/"+t.name]
	if !ok {
		return notFound(t)
	}
	return encode(kinds[t.resource], obj.(runtime.Object), proto)
}

func (s store) list(t target, q url.Values, proto bool) answer {
	k := kinds[t.resource]
	labelSel, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		return statusAnswer(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
	}
	fieldSel, err := fields.ParseSelector(q.Get("fieldSelector"))
	if err != nil {
		return statusAnswer(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	after, err := base64.RawURLEncoding.DecodeString(q.Get("continue"))
	if err != nil {
		return statusAnswer(http.StatusBadRequest, metav1.StatusReasonBadRequest, "continue key is not valid")
	}
	var keys []string
	for key, o := range s[t.resource] {
		if key <= string(after) && len(after) > 0 || t.namespace != "" && o.GetNamespace() != t.namespace ||
			!labelSel.Matches(labels.Set(o.GetLabels())) || !fieldSel.Matches(k.fieldsOf(o)) {
			continue
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	meta := metav1.ListMeta{ResourceVersion: "1000"}
	if limit > 0 && len(keys) > limit {
		keys = keys[:limit]
		meta.Continue = base64.RawURLEncoding.EncodeToString([]byte(keys[limit-1]))
	}
	objs := make([]metav1.Object, len(keys))
	for i, key := range keys {
		objs[i] = s[t.resource][key]
	}
	return encode(k, k.list(meta, objs), proto)
}

func encode(k kind, o runtime.Object, proto bool) answer {
	media := runtime.ContentTypeJSON
	if proto {
		media = runtime.ContentTypeProtobuf
	}
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), media)
	var body bytes.Buffer
	if err := scheme.Codecs.WithoutConversion().EncoderForVersion(info.Serializer, k.gv).Encode(o, &body); err != nil {
		return statusAnswer(http.StatusInternalServerError, metav1.StatusReasonInternalError, err.Error())
	}
	return answer{code: http.StatusOK, contentType: media, body: body.Bytes()}
}

// answer is what goes over the wire.
type answer struct {
	code        int
	contentType string
	body        []byte
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body) // the client may be gone
}

func statusAnswer(code int, reason metav1.StatusReason, message string) answer {
	return statusOf(metav1.Status{Code: int32(code), Reason: reason, Message: message})
}

func statusOf(st metav1.Status) answer {
	st.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	st.Status = metav1.StatusFailure
	body, err := json.Marshal(st)
	if err != nil {
		body = []byte(err.Error())
	}
	return answer{code: int(st.Code), contentType: runtime.ContentTypeJSON, body: body}
}

func notFound(t target) answer {
	group := kinds[t.resource].gv.Group
	qualified := t.resource
	if group != "" {
		qualified += "." + group
	}
	return statusOf(metav1.Status{
		Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
		Message: fmt.Sprintf("%s %q not found", qualified, t.name),
		Details: &metav1.StatusDetails{Name: t.name, Group: group, Kind: t.resource},
	})
}
