// Package cli is the command line: a file a command, flags only. It knows how
// things are asked for and shown, and nothing of how they are done.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/sigma"
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
	a := &app{Streams: streams, out: out, realErr: streams.Err}
	a.outTerm, a.outWidth = terminal(streams.Out)
	a.errTerm, a.errWidth = terminal(streams.Err)
	root := a.root()
	root.SetArgs(pairs(args))
	root.SetIn(streams.In)
	root.SetOut(out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	code := a.exit(ctx, err)
	a.writeKept()
	return code
}

// app holds what the commands share.
type app struct {
	Streams
	out                *bufio.Writer
	outTerm, errTerm   bool
	outWidth, errWidth int

	// messages is the form of errors and warnings; kept are those that are
	// written at the end, to realErr.
	messages string
	kept     diag.List
	realErr  io.Writer
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
		a.report(errors.New("interrupted"))
		return exitInterrupted
	}
	a.report(err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
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
		Version:           version.String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              onlyCommands,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkDiagnostics() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.huntCommand(), a.matchCommand(), a.convertCommand(), a.notebookCommand(), a.listCommand(), a.explainCommand(), a.inspectCommand(), a.testCommand(), a.checkCommand(), a.ingestCommand(), a.datasetsCommand(), a.rulesCommand(), a.runCommand(), a.putCommand(), a.kernelCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				about, rest, _ := root.Find(args)
				return onlyCommands(about, rest)
			}
		case "completion":
			cmd.Args = onlyCommands
			cmd.RunE = root.RunE
		}
	}
	return root
}

// onlyCommands refuses a word where a command's name should be.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		known = append(known, c.Name())
	}
	return usagef("unknown command %q; %s", args[0], hint(args[0], known, cmd))
}

// flagError tells a near flag where one is misspelt.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	flag := "--" + unknown.GetSpecifiedName()
	return usagef("unknown flag %s; %s", flag, hint(flag, known, cmd))
}

// hint names what is near to a misspelt word, or where to read on.
func hint(word string, known []string, cmd *cobra.Command) string {
	if near := sigma.Suggest(word, known); near != "" {
		return near
	}
	return fmt.Sprintf("see %s --help", cmd.CommandPath())
}
