package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/kernel/serve"
	"github.com/huntbook/huntbook/runner"
)

func (a *app) runCommand() *cobra.Command {
	r := &running{app: a}
	cmd := &cobra.Command{
		Use:   "run NOTEBOOK...",
		Short: "Run notebooks on their kernels, with parameters, several at once",
		Long: `Run notebooks and write them with their outputs: in place, or to another file or
folder with -o. NOTEBOOK is a file, or a folder with notebooks at any depth.

Each notebook runs in its own folder, on the kernel that it names and that no other
notebook has used; those in huntbook's own cell language need none. Parameters go
into a cell behind the one tagged "parameters", and timings and errors into the
metadata, as papermill does. A notebook ends at the first cell that fails, keeps what
ran, and the others go on; the exit code is then 1.

With --jupyter they are put on a Jupyter server and run there, on its kernels and with
its files; -o is then the folder or file there. "huntbook put" puts the data that they
read beside them.

Secrets come through the environment. Values of variables such as ES_PASSWORD or
JUPYTER_TOKEN are taken out of outputs.`,
		Example: `  huntbook run hunts/
  huntbook run hunt.ipynb -p since 2020-09-21 -p rows 100 -o hunt-september.ipynb
  huntbook run notebooks/ -y params.yml -o done/ -j 8 --timeout 30m
  huntbook run hunt.ipynb --kernel python3
  huntbook run hunts/ --jupyter http://localhost:8888/ -o september`,
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&r.values, "parameters", "p", nil, "set a parameter: -p `name` value; may be repeated")
	flags.StringArrayVarP(&r.files, "parameters-file", "y", nil, "a YAML or JSON `file` of parameters; may be repeated")
	flags.StringVarP(&r.output, "output", "o", "", "the file or folder to write (`path`; default in place)")
	flags.StringVar(&r.o.Kernel, "kernel", "", "run on the kernel of this `name`, whatever the notebooks name")
	flags.IntVarP(&r.o.Workers, "jobs", "j", 0, "run this `number` of notebooks at once (default one a processor)")
	flags.DurationVar(&r.o.Timeout, "timeout", 10*time.Minute, "give up a notebook when a cell takes longer than this `time`")
	flags.BoolVarP(&r.quiet, "quiet", "q", false, "tell errors only")
	r.jupyter.add(cmd, "put them on, and run them on,")
	trustFlag(cmd, &r.o.Trust)
	r.format.add(cmd)
	return cmd
}

// running is one call of the command.
type running struct {
	*app
	values, files []string
	output        string
	quiet         bool
	jupyter       jupyterFlags
	format        formatFlag
	o             runner.Options

	status statusLine
	at     map[string]runner.Progress // of notebooks that run, by their file
	done   int
	total  int
}

// pairs makes one word of "-p name value", as papermill has it, for the flags' reader.
func pairs(args []string) []string {
	if len(args) == 0 || args[0] != "run" {
		return args
	}
	var out []string
	for i := 0; i < len(args); i++ {
		out = append(out, args[i])
		if args[i] == "--" {
			return append(out, args[i+1:]...)
		}
		if args[i] != "-p" && args[i] != "--parameters" || i+1 == len(args) {
			continue
		}
		i++
		if !strings.Contains(args[i], "=") && i+1 < len(args) {
			out = append(out, args[i]+"="+args[i+1])
			i++
		} else {
			out = append(out, args[i])
		}
	}
	return out
}

func (r *running) run(ctx context.Context, args []string) error {
	if r.o.Workers < 0 {
		return usagef("--jobs takes a number of notebooks, not %d", r.o.Workers)
	}
	if r.o.Timeout <= 0 {
		return usagef("--timeout takes a time such as 90s or 30m, not %s", r.o.Timeout)
	}
	if err := r.parameters(); err != nil {
		return err
	}
	var err error
	if r.o.Formats, err = r.format.formats(); err != nil {
		return err
	}
	jobs, err := r.jobs(args)
	if err != nil {
		return err
	}
	server, token, err := r.jupyter.open(ctx, r.app)
	if err != nil {
		return err
	}
	if r.o.Server = server; token != "" {
		r.o.Environ = append(os.Environ(), jupyterToken+"="+token)
	}
	read := r.ingestOptions()
	read.Stdin = strings.NewReader("") // notebooks have none
	r.o.Version = version.Number()
	r.o.Session = func(dir string) (*kernel.Session, error) {
		e, err := r.cellEngine(dir, read)
		if err != nil {
			return nil, err
		}
		session := kernel.NewSession(e)
		session.WriteFile = serve.FilesBelow(dir)
		return session, nil
	}
	r.at, r.total = map[string]runner.Progress{}, len(jobs)
	r.o.Progress = r.progress
	start := time.Now()
	stop := r.status.show(r.app, r.quiet, r.text)
	results, err := runner.Run(ctx, jobs, r.o)
	stop()
	if err != nil {
		return err
	}
	failed := 0
	var ran []string
	for _, result := range results {
		if result.Err != nil {
			failed++
		} else {
			ran = append(ran, result.Output)
		}
	}
	if !r.quiet {
		fmt.Fprintf(r.out, "%s: %s ran, %s failed (%.1f s)\n", plural(len(jobs), "notebook", "notebooks"), number(len(jobs)-failed), number(failed), time.Since(start).Seconds())
		if server != nil && failed < len(jobs) {
			fmt.Fprintf(r.out, "see %s\n", server.Page(placeOf(jobs)))
		}
	}
	if r.o.Trust && server == nil {
		if err := r.sign(ctx, ran); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errFailed
	}
	return nil
}

func (r *running) parameters() error {
	for _, file := range r.files {
		err := r.o.Parameters.Read(file)
		if errors.Is(err, fs.ErrNotExist) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
	}
	for _, value := range r.values {
		name, text, ok := strings.Cut(value, "=")
		if !ok || name == "" {
			return usagef("-p takes a name and a value: -p rows 100")
		}
		r.o.Parameters.Set(name, runner.ParseValue(text))
	}
	return nil
}

// jobs finds the notebooks and the files to write.
func (r *running) jobs(args []string) ([]runner.Job, error) {
	if len(args) == 0 {
		return nil, usagef("no notebooks; give files or folders")
	}
	var jobs []runner.Job
	from := map[string]string{} // by what is written
	for _, arg := range args {
		found, err := notebooksIn(arg)
		if err != nil {
			return nil, err
		}
		for _, input := range found {
			job := runner.Job{Input: input, Output: r.target(arg, input, len(args))}
			out := path.Clean(filepath.ToSlash(job.Output))
			if first, taken := from[out]; taken && first != input {
				return nil, usagef("%s and %s would both be written to %s; run them apart", first, input, out)
			} else if taken {
				continue // given twice
			}
			from[out] = input
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// target is the file to write for a notebook that an argument named.
func (r *running) target(arg, input string, args int) string {
	switch {
	case args == 1 && arg == input && strings.HasSuffix(r.output, ".ipynb"):
		return r.output
	case r.jupyter.address != "":
		return onServer(r.output, arg, input)
	case r.output == "":
		return input
	}
	rel, err := filepath.Rel(arg, input)
	if err != nil || rel == "." {
		rel = filepath.Base(input)
	}
	return filepath.Join(r.output, rel)
}

// notebooksIn are the notebooks that an argument names.
func notebooksIn(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil {
		return nil, usageError{err}
	}
	if !info.IsDir() {
		return []string{arg}, nil
	}
	var found []string
	err = filepath.WalkDir(arg, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != arg && strings.HasPrefix(e.Name(), "."): // .ipynb_checkpoints
			return filepath.SkipDir
		case e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".ipynb") && !strings.HasPrefix(e.Name(), "."):
			found = append(found, path)
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		return nil, usagef("%s holds no notebooks (*.ipynb)", arg)
	}
	return found, err
}

// progress takes a step of a notebook, and tells what came of one that is done.
func (r *running) progress(p runner.Progress) {
	r.status.Lock()
	defer r.status.Unlock()
	if p.Result == nil {
		r.at[p.Job.Input] = p
		return
	}
	delete(r.at, p.Job.Input)
	r.done++
	result := p.Result
	if errors.Is(result.Err, context.Canceled) {
		return
	}
	r.status.clear()
	for _, name := range result.Masked {
		fmt.Fprintf(r.Err, "%s: the value of $%s stood in its outputs and was taken out\n", diag.Printable(p.Job.Input), name)
	}
	switch {
	case result.Err != nil:
		r.report(fmt.Errorf("%s: %w%s", p.Job.Input, result.Err, r.hint(result.Err)))
	case !r.quiet:
		fmt.Fprintf(r.Err, "%s: %s in %.1f s\n", diag.Printable(p.Job.Input), plural(result.Cells, "cell", "cells"), result.Took.Seconds())
	}
}

// hint says what to do about an error.
func (r *running) hint(err error) string {
	switch {
	case errors.Is(err, runner.ErrNoName):
		return "; choose one with --kernel"
	case errors.Is(err, jupyter.ErrNoKernel) && r.o.Server != nil:
		if _, missing := r.o.Server.Spec(runner.Own); missing != nil {
			return "; huntbook kernel install, on the machine of the server, gives it huntbook's own"
		}
	case errors.Is(err, jupyter.ErrNoKernel):
		return "; huntbook's own is always there (--kernel huntbook), and huntbook kernel install gives it to Jupyter"
	}
	return ""
}

// text says which notebooks run.
func (r *running) text() string {
	line := fmt.Sprintf("%s of %s done", number(r.done), plural(r.total, "notebook", "notebooks"))
	for _, input := range slices.Sorted(maps.Keys(r.at)) {
		at := r.at[input]
		if line += "; " + diag.Printable(input); at.Cell == 0 {
			line += ": its kernel starts"
		} else {
			line += fmt.Sprintf(": cell %d of %d", at.Cell, at.Cells)
		}
	}
	return line
}
