package cluster

import (
	"fmt"
	"path/filepath"
	"regexp"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is the path of the administrator's kubeconfig, inside the
// cluster's folder.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// RESTConfig connects as the administrator (group system:masters), without a
// client-side rate limit: tests build worlds with it.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.rest) }

// UserKubeconfig writes a kubeconfig for a user of that name, in those groups,
// and returns its path. The user may do what RBAC grants it: nothing, at first.
func (c *Cluster) UserKubeconfig(name string, groups ...string) (string, error) {
	path := c.path("kubeconfig-" + unsafeInName.ReplaceAllString(name, "_"))
	if err := c.writeKubeconfig(path, name, groups...); err != nil {
		return "", fmt.Errorf("writing a kubeconfig for user %s: %w", name, err)
	}
	return path, nil
}

// unsafeInName is what a user's name may hold and a file's should not.
var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

func (c *Cluster) writeKubeconfig(path, user string, groups ...string) error {
	creds, err := c.ca.user(user, groups...)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[c.opts.ContextName] = &clientcmdapi.Cluster{
		Server: c.URL(), CertificateAuthorityData: c.ca.pem,
	}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{
		ClientCertificateData: creds.cert, ClientKeyData: creds.key,
	}
	config.Contexts[c.opts.ContextName] = &clientcmdapi.Context{Cluster: c.opts.ContextName, AuthInfo: user}
	config.CurrentContext = c.opts.ContextName
	return clientcmd.WriteToFile(*config, path)
}

// loadREST reads the file that was just written and no other: the loading rules
// of client-go would also look at the environment and the home folder.
func loadREST(path string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	config.QPS = -1
	config.UserAgent = "local-cluster"
	return config, nil
}

func (c *Cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.dir}, elem...)...)
}
