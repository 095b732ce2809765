package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/kernel/serve"
)

func (a *app) kernelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "Run cells in JupyterLab, VS Code and other front ends of Jupyter",
		Long: `huntbook is a Jupyter kernel: JupyterLab, VS Code, papermill and others run the cells
of hunts, and cells of your own, without Python. "huntbook kernel install" tells
Jupyter of it, once; Jupyter starts and ends it by itself.`,
		Example: `  huntbook kernel install                 for you
  huntbook kernel install --prefix .venv  for an environment of Python`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.kernelInstallCommand(), a.kernelStartCommand())
	return cmd
}

func (a *app) kernelInstallCommand() *cobra.Command {
	var user bool
	var prefix string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Tell Jupyter of the kernel",
		Long: `Write the kernelspec "huntbook", which names this program, where Jupyter finds it:
in your own data folder, or below the folder in which a Python is installed. One
that is there is replaced. "jupyter kernelspec remove huntbook" takes it away.`,
		Example: `  huntbook kernel install
  huntbook kernel install --prefix /usr/local
  huntbook kernel install --prefix "$VIRTUAL_ENV"`,
		Args: noWords,
		RunE: func(*cobra.Command, []string) error { return a.installKernel(user, prefix) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&user, "user", false, "for you alone, as without a flag")
	flags.StringVar(&prefix, "prefix", "", "below the `folder`, in share/jupyter/kernels")
	return cmd
}

// noWords refuses words behind a command that takes flags alone.
func noWords(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected %q; see %s --help", args[0], cmd.CommandPath())
	}
	return nil
}

func (a *app) installKernel(user bool, prefix string) error {
	if user && prefix != "" {
		return usagef("--user and --prefix name two places; give one of them")
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this program's own path is not known: %w", err)
	}
	dir := filepath.Join(prefix, "share", "jupyter")
	if prefix == "" {
		if dir, err = jupyter.UserDataDir(); err != nil {
			return err
		}
	} else if info, err := os.Stat(prefix); err != nil || !info.IsDir() {
		return usagef("--prefix %s is no folder", prefix)
	}
	spec := jupyter.Spec{
		Name: "huntbook", DisplayName: "huntbook", Language: "huntbook", InterruptMode: "message",
		Argv: []string{program, "kernel", "start", "--connection-file", "{connection_file}"},
	}
	folder, err := spec.Install(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "kernel huntbook installed in %s\n", folder)
	return nil
}

func (a *app) kernelStartCommand() *cobra.Command {
	var file string
	var variables strings.Builder
	for _, v := range CellVariables() {
		fmt.Fprintf(&variables, "\n  %-20s %s", v.Name, v.Doc)
	}
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Be the kernel, as Jupyter starts it",
		Long: `Serve cells where a connection file says, until a front end asks for the end. Data
is looked for from the folder in which it runs, which is the notebook's. Ctrl-C
stops the cell that runs, not the kernel.

Who asks a cluster is in the environment:
` + variables.String(),
		Example: `  huntbook kernel start --connection-file connection.json
  jupyter console --existing connection.json`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.startKernel(cmd.Context(), file) },
	}
	cmd.Flags().StringVarP(&file, "connection-file", "f", "", "the `file` that says where to listen")
	return cmd
}

func (a *app) startKernel(ctx context.Context, file string) error {
	if file == "" {
		return usagef("no connection file; Jupyter gives one with --connection-file")
	}
	connection, err := jupyter.ReadConnection(file)
	if err != nil {
		return usageError{err}
	}
	e, err := a.cellEngine(".", a.ingestOptions())
	if err != nil {
		return err
	}
	session := kernel.NewSession(e)
	session.WriteFile = serve.FilesBelow(".")
	server, err := jupyter.NewServer(connection, serve.New(session, version.Number(), e.Progress))
	if err != nil {
		return err
	}
	// Ctrl-C in the terminal of a front end is meant for the cell.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGTERM {
					stop()
				} else {
					server.Interrupt()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	go stopWithParent(ctx, stop)
	server.Run(ctx)
	return nil
}

// stopWithParent ends a kernel whose front end has died: Jupyter names the process
// that a kernel must not outlive.
func stopWithParent(ctx context.Context, stop func()) {
	parent, err := strconv.Atoi(os.Getenv("JPY_PARENT_PID"))
	if err != nil || parent != os.Getppid() {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if os.Getppid() != parent {
				stop()
				return
			}
		}
	}
}
