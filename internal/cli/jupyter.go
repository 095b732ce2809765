package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/internal/certificate"
	"github.com/huntbook/huntbook/internal/version"
	"github.com/huntbook/huntbook/jupyter/remote"
)

// jupyterFlags name a Jupyter server and say who asks.
type jupyterFlags struct {
	address, tokenFile string
	certificateFlags
}

// jupyterToken is the variable that holds the token, as for Jupyter's own programs.
const jupyterToken = "JUPYTER_TOKEN" //nolint:gosec // the name of a variable

func (f *jupyterFlags) add(cmd *cobra.Command, does string) {
	flags := cmd.Flags()
	flags.StringVar(&f.address, "jupyter", "", does+" the Jupyter server at this `address`, such as http://localhost:8888/")
	flags.StringVar(&f.tokenFile, "token-file", "", "a `file` with the token of the Jupyter server (or $"+jupyterToken+")")
	_ = cmd.MarkFlagFilename("token-file")
	f.certificateFlags.add(cmd)
}

// open finds the server, nil if none is named, and returns its token too.
func (f *jupyterFlags) open(ctx context.Context, a *app) (*remote.Server, string, error) {
	if f.address == "" {
		for _, flag := range []struct{ name, value string }{{"token-file", f.tokenFile}, {"ca", f.caFile}, {"fingerprint", f.fingerprint}} {
			if flag.value != "" {
				return nil, "", usagef("--%s is for a Jupyter server; name it with --jupyter", flag.name)
			}
		}
		return nil, "", nil
	}
	address, token, err := remote.Split(f.address)
	if err != nil {
		return nil, "", usageError{fmt.Errorf("--jupyter: %w", err)}
	}
	switch {
	case token != "" && f.tokenFile != "":
		return nil, "", usagef("the address of --jupyter and --token-file both give a token; give one of them")
	case token != "":
		fmt.Fprintln(a.Err, "the token in the address can be seen in the list of processes; $"+jupyterToken+" or --token-file hides it")
	default:
		if token, err = secret(f.tokenFile, jupyterToken, true); err != nil {
			return nil, "", err
		}
	}
	trusted, err := certificate.Config(f.caFile, f.fingerprint)
	if err != nil {
		return nil, "", usageError{err}
	}
	server, err := remote.Open(ctx, remote.Config{Address: address, Token: token, Agent: "huntbook/" + version.Number(), TLS: trusted})
	if errors.Is(err, remote.ErrToken) {
		err = fmt.Errorf("%w; \"jupyter server list\" shows it where it runs; give it in $%s or with --token-file", err, jupyterToken)
	}
	return server, token, err
}

// onServer is the name on a server of a file that an argument named: below the folder
// given, else below the argument's own name, as cp -r has it.
func onServer(folder, arg, file string) string {
	rel, err := filepath.Rel(arg, file)
	if err != nil || rel == "." {
		return path.Join(folder, filepath.Base(file))
	}
	if folder == "" {
		if whole, err := filepath.Abs(arg); err == nil {
			folder = filepath.Base(whole)
		}
	}
	return path.Join(folder, filepath.ToSlash(rel))
}
