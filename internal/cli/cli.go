// Package cli is the command line: a file a command, flags only. It knows how
// things are asked for and shown, and nothing of how they are done.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/version"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// The exit codes, a contract with scripts.
const (
	exitOK = 0
	// exitFailed: something asked for could not be done; all else was.
	exitFailed = 1
	// exitUsage: wrong flags, unknown names, inputs that do not exist.
	exitUsage = 2
	// exitInterrupted: Ctrl-C.
	exitInterrupted = 130
)

// usageError makes an error end with exitUsage.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errFailed ends with exitFailed and has been told already.
var errFailed = errors.New("failed")

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, streams Streams) int {
	out := bufio.NewWriterSize(streams.Out, 64<<10)
	a := &app{Streams: streams, out: out}
	a.outTerm, a.outWidth = terminal(streams.Out)
	a.errTerm, a.errWidth = terminal(streams.Err)
	root := a.root()
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return a.exit(ctx, err)
}

// app holds what the commands share.
type app struct {
	Streams
	out                *bufio.Writer
	outTerm, errTerm   bool
	outWidth, errWidth int
}

// terminal tells whether a stream is a terminal, and how wide.
func terminal(w io.Writer) (bool, int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 100
	}
	return true, width
}

// colour tells whether a stream takes colours.
func colour(isTerminal bool) bool {
	return isTerminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func (a *app) exit(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, syscall.EPIPE):
		return exitOK // the reader has seen enough: huntbook … | head
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(a.Err, "huntbook: interrupted")
		return exitInterrupted
	}
	a.report(err)
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, fs.ErrNotExist) {
		return exitUsage
	}
	return exitFailed
}

// report writes an error: messages into files with their source lines, others
// as they are.
func (a *app) report(err error) {
	var list diag.List
	var one *diag.Diagnostic
	if errors.As(err, &list) || errors.As(err, &one) {
		_ = diag.WriteText(a.Err, diag.Of(err), colour(a.errTerm))
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(a.Err, "huntbook:", diag.Printable(line))
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "huntbook",
		Short: "Sigma rules and logs in, executed Jupyter notebooks out",
		Long: `huntbook turns Sigma rules into Jupyter notebooks that have been run.

Give it rules and a place where events live; it gives back one notebook a rule
with the query, its results, a picture and room to write, and a page that shows
what fired. Nothing else needs to be installed.`,
		Example: `  huntbook hunt                                     the samples that huntbook carries
  huntbook hunt -r rules/ -d logs.zip -o hunts/     your rules on your data
  huntbook match -r rules/ logs/                    findings as a table
  huntbook convert -t es-qs -c helk rule.yml        a rule in Elasticsearch's language`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf("; did you mean %q?", near[0])
			}
			return usagef("unknown command %q%s", args[0], hint)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.huntCommand(), a.matchCommand(), a.convertCommand(), a.notebookCommand(), a.listCommand())
	return root
}

// flagError tells a near flag where one is misspelt.
func flagError(cmd *cobra.Command, err error) error {
	return usagef("%w; see huntbook %s --help", err, strings.TrimPrefix(cmd.CommandPath(), "huntbook "))
}
