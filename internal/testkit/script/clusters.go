package script

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// Kubeconfig is one in the making.
type Kubeconfig struct{ config *clientcmdapi.Config }

// NewKubeconfig makes one whose current context is still to be added.
func NewKubeconfig(current string) *Kubeconfig {
	c := clientcmdapi.NewConfig()
	c.CurrentContext = current
	return &Kubeconfig{config: c}
}

// Add adds a context, with a cluster and a user of the same name.
func (k *Kubeconfig) Add(name, namespace string, cfg *rest.Config) {
	k.config.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	k.config.AuthInfos[name] = &clientcmdapi.AuthInfo{}
	k.config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
}

// Write writes it to a file and returns where that is.
func (k *Kubeconfig) Write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*k.config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Down is a server where nobody listens.
func Down(t *testing.T) *rest.Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return &rest.Config{Host: "http://" + l.Addr().String()}
}

// Objects are those of the capture, so that a live cluster and a capture can
// be compared.
func Objects(t *testing.T) []runtime.Object {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", capture))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Items []map[string]any `json:"items"`
	}
	if err := yaml.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	var out []runtime.Object
	for _, item := range list.Items {
		b, err := yaml.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(b, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, obj)
	}
	return out
}
