package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/hunt"
	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/notebook/export"
	"github.com/huntbook/huntbook/runner"
)

// flavourFlags choose the kind of notebook to write.
type flavourFlags struct{ kernel, client, folder string }

func (f *flavourFlags) add(cmd *cobra.Command, kernel string) {
	flags := cmd.Flags()
	flags.StringVar(&f.kernel, "kernel", kernel, "the `kernel` that the notebooks are for: "+strings.Join(kernelNames(), ", "))
	flags.StringVar(&f.client, "client", "", "what a kernel's notebooks ask the cluster with, where there is a choice: "+strings.Join(clientNames(), ", ")+" (`name`; default the first)")
	flags.StringVar(&f.folder, "template", "", "a `folder` with notebooks of your own kind: notebook.tmpl, metadata.json, and if you like flavour.json and requirements.txt")
	_ = cmd.MarkFlagDirname("template")
	complete(cmd, "kernel", kernelNames())
	complete(cmd, "client", clientNames())
}

func kernelNames() []string {
	var names []string
	for _, f := range notebook.Flavours() {
		if !slices.Contains(names, f.Kernel) {
			names = append(names, f.Kernel)
		}
	}
	return names
}

// clientNames are the clients, default ones first.
func clientNames() []string {
	var first, others []string
	for _, f := range notebook.Flavours() {
		switch {
		case f.Client == "":
		case f.Default:
			first = append(first, f.Client)
		default:
			others = append(others, f.Client)
		}
	}
	return append(first, others...)
}

// template reads the template that was chosen, on files or on a cluster.
func (f *flavourFlags) template(files bool) (*notebook.Template, error) {
	if f.folder == "" {
		t, err := notebook.Choose(f.kernel, f.client, files)
		if errors.Is(err, notebook.ErrNoFlavour) || errors.Is(err, notebook.ErrNoClient) {
			return nil, usageError{err}
		}
		return t, err
	}
	if f.client != "" {
		return nil, usagef("--client chooses among huntbook's own notebooks; with --template leave it out")
	}
	if info, err := os.Stat(f.folder); err != nil {
		return nil, usageError{fmt.Errorf("--template: %w", err)}
	} else if !info.IsDir() {
		return nil, usagef("--template: %s is no folder", f.folder)
	}
	root, err := os.OpenRoot(f.folder)
	if err != nil {
		return nil, usageError{fmt.Errorf("--template: %w", err)}
	}
	defer func() { _ = root.Close() }()
	name, err := filepath.Abs(f.folder)
	if err != nil {
		return nil, err
	}
	t, err := notebook.LoadTemplate(filepath.Base(name), root.FS())
	if err != nil {
		return nil, usageError{err}
	}
	switch {
	case t.Kernel == notebook.OwnKernel || t.Files == files:
		return t, nil
	case t.Files:
		return nil, usagef("--template: the notebooks of %s read findings beside them (flavour.json), which only a hunt on files writes", t.Name)
	}
	return nil, usagef("--template: the notebooks of %s ask a cluster; for those over the findings of files, flavour.json has \"files\": true", t.Name)
}

// forHunt sets what a hunt needs for the notebooks that were chosen.
func (f *flavourFlags) forHunt(a *app, o *hunt.Options, files bool) error {
	var err error
	if o.Template, err = f.template(files); err != nil {
		return err
	}
	if slices.Contains(o.Formats, export.Python) && o.Template.Language != "python" {
		return usagef("--output-format py is for notebooks in Python (--kernel python3); these are not, so take md or html")
	}
	if o.Template.Kernel == notebook.OwnKernel {
		return nil
	}
	if _, err := jupyter.FindSpec(o.Template.Kernel); err != nil {
		return usageError{fmt.Errorf("--kernel %s: %w; huntbook's own needs nothing installed: leave --kernel out", o.Template.Kernel, err)}
	}
	o.Execute = func(ctx context.Context, notebooks []string, done func(file string, err error)) error {
		if err := a.writeRequirements(o.Out, o.Template); err != nil {
			return err
		}
		jobs := make([]runner.Job, len(notebooks))
		for i, file := range notebooks {
			jobs[i] = runner.Job{Input: file, Output: file}
		}
		_, err := runner.Run(ctx, jobs, runner.Options{
			Workers: o.Workers, Version: o.Version,
			Progress: func(p runner.Progress) {
				if p.Result != nil {
					done(p.Job.Input, p.Result.Err)
				}
			},
		})
		return err
	}
	return nil
}

// requirements is the file beside notebooks that says what they need.
const requirements = "requirements.txt"

// writeRequirements writes it into a folder. A file that somebody else wrote stays.
func (a *app) writeRequirements(dir string, t *notebook.Template) error {
	if t.Requirements == "" {
		return nil
	}
	name := filepath.Join(dir, requirements)
	old, err := os.ReadFile(name)
	switch {
	case err == nil && string(old) == t.Requirements:
		return nil
	case err == nil && !oursRequirements(string(old)):
		fmt.Fprintf(a.Err, "%s is not huntbook's and stays as it is; the notebooks need:\n%s", name, t.Requirements)
		return nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("output folder: %w", err)
	}
	return atomicfile.Write(name, []byte(t.Requirements))
}

// oursRequirements tells whether a list is that of one of our flavours.
func oursRequirements(text string) bool {
	first, _, _ := strings.Cut(text, "\n")
	return slices.ContainsFunc(notebook.Flavours(), func(f notebook.Flavour) bool {
		line, _, _ := strings.Cut(f.Requirements, "\n")
		return line != "" && line == first
	})
}
