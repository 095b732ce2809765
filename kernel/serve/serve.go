// Package serve is the Jupyter kernel of the cell language: a jupyter.Handler that
// runs cells in a kernel.Session.
//
// What a front end asks besides running cells is answered here: what may stand at a
// place in a cell (complete.go), what is known of the thing there (inspect.go), and
// whether a cell is complete. The package knows nothing of sockets, which are package
// jupyter's, nor of how cells run. Data flows: request → Session → Publisher.
package serve

import (
	"context"
	"strings"

	"github.com/huntbook/huntbook/jupyter"
	"github.com/huntbook/huntbook/kernel"
	"github.com/huntbook/huntbook/kernel/syntax"
	"github.com/huntbook/huntbook/notebook"
)

// Kernel answers the requests of front ends.
type Kernel struct {
	session  *kernel.Session
	version  string
	progress func() (done, total int64)
}

// New makes a kernel of a session; the version is ours, and progress says how far the
// engine has read the data while a cell runs.
func New(s *kernel.Session, version string, progress func() (done, total int64)) *Kernel {
	return &Kernel{s, version, progress}
}

// Info says what the kernel is.
func (k *Kernel) Info() jupyter.KernelInfo {
	return jupyter.KernelInfo{
		Implementation: "huntbook", ImplementationVersion: k.version,
		Banner: "huntbook " + k.version + ": cells that hunt through logs with Sigma rules",
		LanguageInfo: jupyter.LanguageInfo{
			Name: "huntbook", Version: k.version, MIMEType: "text/x-huntbook", FileExtension: ".hunt",
			// Front ends colour comments and strings; a rule in a cell is YAML.
			PygmentsLexer: "yaml", CodeMirrorMode: "yaml",
		},
		HelpLinks: []jupyter.HelpLink{{Text: "Sigma rules", URL: "https://sigmahq.io/docs/basics/rules.html"}},
	}
}

// Execute runs a cell.
func (k *Kernel) Execute(ctx context.Context, code string, out *jupyter.Publisher) *jupyter.Failure {
	var failure *jupyter.Failure
	show := k.showProgress(out)
	_, err := k.session.Stream(ctx, code, func(o notebook.Output) {
		show.end(true)
		switch o.Type {
		case notebook.Stream:
			out.Stream(o.Name, o.Text)
		case notebook.ErrorOutput:
			failure = &jupyter.Failure{Ename: o.Ename, Evalue: o.Evalue, Traceback: o.Traceback}
		case notebook.ExecuteResult:
			out.Result(o.Data, o.Metadata)
		default:
			out.Display(o.Data, o.Metadata, "")
		}
	})
	show.end(false)
	if err != nil && failure == nil {
		message := "the cell was interrupted"
		failure = &jupyter.Failure{Ename: "Interrupted", Evalue: message, Traceback: []string{message}}
	}
	return failure
}

// IsComplete tells whether Enter should run a cell in a console. A cell magic goes on
// until an empty line.
func (k *Kernel) IsComplete(code string) jupyter.Completeness {
	commands, diags := syntax.Parse(code)
	switch {
	case diags.HasErrors():
		return jupyter.Completeness{Status: "invalid"}
	case len(commands) > 0 && commands[0].Kind == syntax.CellMagic && !strings.HasSuffix(code, "\n\n"):
		return jupyter.Completeness{Status: "incomplete"}
	}
	return jupyter.Completeness{Status: "complete"}
}
