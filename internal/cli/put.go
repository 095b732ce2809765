package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/jupyter/remote"
	"github.com/huntbook/huntbook/runner"
)

func (a *app) putCommand() *cobra.Command {
	p := &putting{app: a}
	cmd := &cobra.Command{
		Use:   "put PATH... --jupyter ADDRESS",
		Short: "Put notebooks and other files on a Jupyter server, as they are",
		Long: `Put files on a Jupyter server through its contents API, and run nothing: the folder of
a hunt, say, with the data that its notebooks read. PATH is a file, or a folder with
all that is in it but hidden files, which keeps its name there unless -o gives another.

What is there under a name is replaced; in a notebook that a hunt wrote and nobody
changed here, the notes and the verdict written on the server stay.`,
		Example: `  huntbook put hunts/ --jupyter http://localhost:8888/
  huntbook put hunt.ipynb events.ndjson --jupyter https://hub.example/user/me/ -o september
  huntbook run hunts/ --jupyter http://localhost:8888/    puts notebooks there and runs them`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args) },
	}
	p.jupyter.add(cmd, "put them on")
	cmd.Flags().StringVarP(&p.folder, "output", "o", "", "the `folder` on the server")
	cmd.Flags().BoolVarP(&p.quiet, "quiet", "q", false, "tell errors only")
	trustFlag(cmd, &p.trust)
	return cmd
}

// putting is one call of the command.
type putting struct {
	*app
	jupyter jupyterFlags
	folder  string
	quiet   bool
	trust   bool
}

func (p *putting) run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return usagef("no files; give files or folders")
	case p.jupyter.address == "":
		return usagef("no server; name it with --jupyter")
	}
	jobs, err := p.files(args)
	if err != nil {
		return err
	}
	server, _, err := p.jupyter.open(ctx, p.app)
	if err != nil {
		return err
	}
	failed, err := p.all(ctx, server, jobs)
	if err != nil {
		return err
	}
	if !p.quiet {
		fmt.Fprintf(p.out, "%s: %s put, %s failed; see %s\n", plural(len(jobs), "file", "files"), number(len(jobs)-failed), number(failed), server.Page(placeOf(jobs)))
	}
	if failed > 0 {
		return errFailed
	}
	return nil
}

// all puts the files, and tells how many could not be put.
func (p *putting) all(ctx context.Context, server *remote.Server, jobs []runner.Job) (failed int, err error) {
	var status statusLine
	at := 0
	stop := status.show(p.app, p.quiet, func() string {
		return fmt.Sprintf("%s of %s put; %s", number(at), plural(len(jobs), "file", "files"), diag.Printable(jobs[at].Input))
	})
	defer stop()
	for i, job := range jobs {
		status.Lock()
		at = i
		status.Unlock()
		err := runner.Put(ctx, server, job, p.trust)
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
		if err != nil {
			failed++
			status.Lock()
			status.clear()
			p.report(fmt.Errorf("%s: %w", job.Input, err))
			status.Unlock()
		}
	}
	return failed, nil
}

// files finds the files and their names on the server.
func (p *putting) files(args []string) ([]runner.Job, error) {
	var jobs []runner.Job
	from := map[string]string{}
	for _, arg := range args {
		if _, err := os.Stat(arg); err != nil {
			return nil, usageError{err}
		}
		before := len(jobs)
		err := filepath.WalkDir(arg, func(file string, e fs.DirEntry, err error) error {
			hidden := file != arg && strings.HasPrefix(e.Name(), ".")
			switch {
			case err != nil:
				return err
			case e.IsDir() && hidden:
				return filepath.SkipDir
			case hidden || file != arg && !e.Type().IsRegular() || e.IsDir():
				return nil
			}
			name := onServer(p.folder, arg, file)
			if first, taken := from[name]; taken && first != file {
				return usagef("%s and %s would both be put at %s; put them apart", first, file, name)
			} else if taken {
				return nil
			}
			from[name] = file
			jobs = append(jobs, runner.Job{Input: file, Output: name})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(jobs) == before {
			return nil, usagef("%s holds no files", arg)
		}
	}
	return jobs, nil
}

// placeOf is the file on a server or the folder in which all outputs are.
func placeOf(jobs []runner.Job) string {
	if len(jobs) == 1 {
		return jobs[0].Output
	}
	common := path.Dir(jobs[0].Output)
	for _, job := range jobs[1:] {
		for common != "." && !strings.HasPrefix(job.Output, common+"/") {
			common = path.Dir(common)
		}
	}
	if common == "." {
		return ""
	}
	return common
}
