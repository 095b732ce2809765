package kernel

import (
	"context"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
)

const luceneProse = "The query is a query string, as Kibana and Elasticsearch take it: `EventID:1 AND Image:*cmd.exe`. " +
	"On files a value is compared whole, letters of any case; fuzzy words, distances and ranges of text are errors there. " +
	"A cluster reads the query itself, with the names that fields have in its indices. "

func luceneMagic() Magic {
	return Magic{
		Name:    "lucene",
		Cell:    true,
		Gives:   true,
		Summary: "asks which events a Lucene query finds",
		Prose:   luceneProse + "It may go over several lines of the cell.",
		Example: "%%lucene\nEventID:1\n  AND Image:(*\\\\cmd.exe OR *\\\\powershell.exe)\n  AND NOT User:*SYSTEM",
		check: func(c *call) *diag.Diagnostic {
			if strings.TrimSpace(c.command.Body) == "" {
				return &diag.Diagnostic{Code: "cell-body", Message: "there is no query below %%lucene", Hint: "write it from the next line on", Pos: c.command.Pos, Width: c.command.Width}
			}
			return nil
		},
		run: func(ctx context.Context, s *step) error {
			return s.ask(ctx, engine.Query{Lucene: s.command.Body})
		},
	}
}

func luceneLineMagic() Magic {
	return Magic{
		Name:     "lucene",
		Words:    "QUERY",
		MinWords: 1,
		MaxWords: 1,
		Gives:    true,
		Summary:  "asks which events a Lucene query finds, in one line",
		Prose:    "It is %%lucene for a line, so that the result can get a name or go on. A query with spaces stands in quotes.",
		Example:  "%shells = %lucene 'EventID:1 AND Image:*cmd.exe'",
		check: func(c *call) *diag.Diagnostic {
			if w := c.words[0]; strings.TrimSpace(w.Text) == "" {
				return &diag.Diagnostic{Code: "cell-value", Message: "the query is empty", Hint: "write EventID:1, for example", Pos: w.Pos, Width: w.Width}
			}
			return nil
		},
		run: func(ctx context.Context, s *step) error {
			err := s.ask(ctx, engine.Query{Lucene: s.words[0].Text})
			return inWord(err, s.words[0])
		},
	}
}
