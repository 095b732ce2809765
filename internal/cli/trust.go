package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huntbook/huntbook/report"
)

// trustFlag adds --trust.
func trustFlag(cmd *cobra.Command, trust *bool) {
	cmd.Flags().BoolVar(trust, "trust", false, "sign the notebooks with your Jupyter key, so that Jupyter shows all their outputs")
}

// maxCommand bounds the names that one call of a program gets, in bytes.
const maxCommand = 64 << 10

// sign signs notebooks with the user's own key. Jupyter does it: where the key and the
// signatures are, and how they are made, is up to its settings.
func (a *app) sign(ctx context.Context, files []string) error {
	jupyter, err := exec.LookPath("jupyter")
	if err != nil {
		return errors.New("notebooks are not signed: there is no jupyter in PATH, whose \"jupyter trust\" does it")
	}
	for rest := files; len(rest) > 0; {
		args, size := []string{"trust"}, 0
		for len(rest) > 0 && size < maxCommand {
			// A name may begin with a dash.
			file, err := filepath.Abs(rest[0])
			if err != nil {
				return err
			}
			args, size, rest = append(args, file), size+len(file), rest[1:]
		}
		out, err := exec.CommandContext(ctx, jupyter, args...).CombinedOutput() //nolint:gosec // the user's own jupyter
		if err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			return fmt.Errorf("notebooks are not signed: jupyter trust: %w: %s", err, lines[len(lines)-1])
		}
	}
	return nil
}

// trustHunt signs the notebooks of a hunt or, where there is Jupyter, says how.
func (a *app) trustHunt(ctx context.Context, folder string, h *report.Hunt, trust bool) error {
	var files []string
	for _, r := range h.Rules {
		if r.Notebook != "" {
			files = append(files, filepath.Join(folder, filepath.FromSlash(r.Notebook)))
		}
	}
	if len(files) == 0 {
		return nil
	}
	if !trust {
		if _, err := exec.LookPath("jupyter"); err == nil {
			fmt.Fprintln(a.out, "Jupyter takes their outputs for a stranger's until you sign them: hunt with --trust, or jupyter trust")
		}
		return nil
	}
	if err := a.sign(ctx, files); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s signed for Jupyter\n", plural(len(files), "notebook", "notebooks"))
	return nil
}
