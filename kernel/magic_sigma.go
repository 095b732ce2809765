package kernel

import (
	"context"
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
)

func sigmaMagic() Magic {
	return Magic{
		Name:    "sigma",
		Cell:    true,
		Gives:   true,
		Summary: "asks which events a Sigma rule matches",
		Prose: "The rest of the cell is the rule, in YAML; Sigma filters and placeholders for it may stand behind it as further documents. " +
			"The cell says how many events match; " +
			"%table, %timeline and %top then show them.",
		Example: "%%sigma\ntitle: A shell was started\nlogsource:\n  category: process_creation\n  product: windows\n" +
			"detection:\n  selection:\n    Image|endswith: '\\cmd.exe'\n  condition: selection",
		check: func(c *call) *diag.Diagnostic {
			if strings.TrimSpace(c.command.Body) == "" {
				return &diag.Diagnostic{Code: "cell-body", Message: "there is no rule below %%sigma", Hint: "write its YAML from the next line on", Pos: c.command.Pos, Width: c.command.Width}
			}
			return nil
		},
		run: runSigma,
	}
}

func runSigma(ctx context.Context, s *step) error {
	return s.ask(ctx, engine.Query{Rule: s.command.Body})
}

// ask puts a question to the engine, and says how many events answer it.
func (s *step) ask(ctx context.Context, q engine.Query) error {
	q.Limit = s.session.parameters.limit
	s.session.result = nil
	result, err := s.session.engine.Run(ctx, q)
	if err != nil {
		return err
	}
	s.result, s.session.result = result, result
	data := s.session.data
	switch {
	case result.Correlation && data != nil:
		s.out.print(count(result.Count, "finding") + " in " + count(data.Events, "event") + ".")
	case result.Correlation:
		s.out.print(count(result.Count, "finding") + ".")
	case data == nil:
		s.out.print(count(result.Count, "event") + " found.")
	default:
		s.out.print(thousands(result.Count) + " of " + count(data.Events, "event") + " match.")
	}
	if n := len(result.Findings); n < result.Count {
		s.out.print(fmt.Sprintf("The first %s were fetched (limit = %d).", thousands(n), q.Limit))
	}
	for _, note := range result.Notes {
		s.out.print("Warning: " + note)
	}
	return nil
}
