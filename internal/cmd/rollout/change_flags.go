package rollout

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// changeFlags say what a run changes; at most one kind of change.
type changeFlags struct {
	cmd      *cobra.Command
	images   []string
	restart  bool
	file     string
	revision int64
}

// changeOptions are what the flags ask for. The zero value is no change: the
// template that is there.
type changeOptions struct {
	Images   []image
	Restart  bool
	Filename string
	Revision int64
}

type image struct{ container, image string }

// restartedAt is the annotation that kubectl rollout restart sets.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

func (f *changeFlags) add(cmd *cobra.Command) {
	f.cmd = cmd
	fs := cmd.Flags()
	fs.StringSliceVar(&f.images, "image", nil, "Change the image of a container, as in agent=example.com/agent:v2; may be repeated.")
	fs.BoolVar(&f.restart, "restart", false, "Replace the pods without another change, as kubectl rollout restart does.")
	fs.StringVarP(&f.file, "filename", "f", "", "Change the template to that of a manifest, as kubectl apply would: a file, a URL, or - for standard input. Nothing but the template is taken from it.")
	fs.Int64Var(&f.revision, "to-revision", 0, "Change the template back to this revision; 0 is none. kubectl ds-rollout history lists them.")
}

func (f *changeFlags) options() (changeOptions, error) {
	o := changeOptions{Restart: f.restart, Filename: f.file, Revision: f.revision}
	var kinds []string
	for _, name := range []string{"image", "restart", "filename", "to-revision"} {
		if fl := f.cmd.Flags().Lookup(name); fl.Changed && fl.Value.String() != "false" {
			kinds = append(kinds, "--"+name)
		}
	}
	if len(kinds) > 1 {
		return o, cli.Usagef("%s are different changes: a run brings one", strings.Join(kinds, " and "))
	}
	if f.cmd.Flags().Changed("filename") && f.file == "" {
		return o, cli.Usagef("--filename takes the path of a manifest, or - for standard input")
	}
	if f.cmd.Flags().Changed("to-revision") && f.revision < 1 {
		return o, cli.Usagef("--to-revision takes the number of a revision, from 1, not %d", f.revision)
	}
	for _, s := range f.images {
		name, ref, found := strings.Cut(s, "=")
		if !found || name == "" || ref == "" || strings.ContainsAny(ref, " \t\n") {
			return o, cli.Usagef("--image takes CONTAINER=IMAGE, as in agent=example.com/agent:v2, not %q", s)
		}
		for _, have := range o.Images {
			if have.container == name {
				return o, cli.Usagef("--image names container %q twice", name)
			}
		}
		o.Images = append(o.Images, image{name, ref})
	}
	return o, nil
}

// change computes the new template against what is there.
func (o *changeOptions) change(l *live, stdin io.Reader, now time.Time) (*change, error) {
	switch {
	case len(o.Images) > 0:
		return o.setImages(l)
	case o.Restart:
		t := l.ds.Spec.Template.DeepCopy()
		if t.Annotations == nil {
			t.Annotations = map[string]string{}
		}
		t.Annotations[restartedAt] = now.UTC().Format(time.RFC3339)
		return l.changeTo(t), nil
	case o.Filename != "":
		m, err := readManifest(o.Filename, stdin, l.ds)
		if err != nil {
			return nil, err
		}
		return l.applied(m)
	case o.Revision != 0:
		return l.toRevision(o.Revision)
	}
	return &change{}, nil
}

func (o *changeOptions) setImages(l *live) (*change, error) {
	t := l.ds.Spec.Template.DeepCopy()
	for _, i := range o.Images {
		c := findContainer(t, i.container)
		if c == nil {
			names := containerNames(t)
			return nil, cli.Usagef("--image: daemonset %s/%s has no container %q%s; it has %s",
				l.ds.Namespace, l.ds.Name, i.container, cli.DidYouMean(i.container, names), strings.Join(names, ", "))
		}
		c.Image = i.image
	}
	return l.changeTo(t), nil
}
