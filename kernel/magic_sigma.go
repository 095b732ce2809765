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

func runSigma(ctx context.Context, s *Session, c *call, out *outputs) error {
	s.result = nil
	result, err := s.engine.Run(ctx, engine.Query{Rule: c.command.Body, Limit: s.parameters.limit})
	if err != nil {
		return err
	}
	s.result = result
	switch {
	case result.Correlation && s.data != nil:
		out.print(count(result.Count, "finding") + " in " + count(s.data.Events, "event") + ".")
	case result.Correlation:
		out.print(count(result.Count, "finding") + ".")
	case s.data == nil:
		out.print(count(result.Count, "event") + " found.")
	default:
		out.print(thousands(result.Count) + " of " + count(s.data.Events, "event") + " match.")
	}
	if n := len(result.Findings); n < result.Count {
		out.print(fmt.Sprintf("The first %s were fetched (limit = %d).", thousands(n), s.parameters.limit))
	}
	for _, note := range result.Notes {
		out.print("Warning: " + note)
	}
	return nil
}
