package kernel

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
)

const fileProse = "With a FILE all findings that were fetched are written there, below the folder of the notebook and nowhere else; without one they are shown, as many as the parameter rows says. " +
	"Files are written when a notebook is run, not while a hunt makes it."

func csvMagic() Magic {
	return Magic{
		Name:     "csv",
		Words:    "FILE",
		MaxWords: 1,
		Takes:    true,
		Flags:    []Flag{{"fields", "A,B", "these fields and no others; without it all"}},
		Summary:  "gives the findings as comma-separated values",
		Prose:    "The columns are source, record, time (UTC) and the fields. " + fileProse,
		Example:  "%last | csv --fields Computer,Image",
		check: func(c *call) *diag.Diagnostic {
			if problem := checkFields(c); problem != nil {
				return problem
			}
			return checkFile(c, ".csv")
		},
		run: func(_ context.Context, s *step) error {
			fields := s.fields()
			if fields == nil {
				fields = names(s.in.Findings)
			}
			return s.export("text/csv", func(findings []engine.Finding) ([]byte, error) { return csvText(fields, findings) })
		},
	}
}

func jsonMagic() Magic {
	return Magic{
		Name:     "json",
		Words:    "FILE",
		MaxWords: 1,
		Takes:    true,
		Summary:  "gives the findings as JSON",
		Prose: "It is a list of objects with source, record, time and event, the original; a pair or a correlation has events. " +
			"A FILE that ends in .ndjson has an object a line. " + fileProse,
		Example: "%last | json",
		check:   func(c *call) *diag.Diagnostic { return checkFile(c, ".json", ".ndjson") },
		run: func(_ context.Context, s *step) error {
			if len(s.words) == 1 {
				lines := path.Ext(s.words[0].Text) == ".ndjson"
				return s.export("", func(findings []engine.Finding) ([]byte, error) { return jsonText(findings, lines) })
			}
			findings := s.in.Findings[:min(len(s.in.Findings), s.session.parameters.rows)]
			text, err := jsonText(findings, false)
			if err != nil {
				return err
			}
			s.out.display(object{"application/json": jsonObjects(findings), "text/plain": diag.Printable(string(text))}, nil)
			s.tellShown(len(findings))
			return nil
		},
	}
}

// checkFile looks at the name of a file, if one is given.
func checkFile(c *call, extensions ...string) *diag.Diagnostic {
	if len(c.words) == 0 {
		return nil
	}
	w := c.words[0]
	if slices.Contains(extensions, path.Ext(w.Text)) {
		return nil
	}
	return &diag.Diagnostic{Code: "cell-value", Message: fmt.Sprintf("the name of the file must end in %s, not as %q does", strings.Join(extensions, " or "), w.Text), Pos: w.Pos, Width: w.Width}
}

// export writes all findings into a file, or shows the first as text.
func (s *step) export(kind string, write func([]engine.Finding) ([]byte, error)) error {
	findings := s.in.Findings
	if len(s.words) == 0 {
		findings = findings[:min(len(findings), s.session.parameters.rows)]
	}
	text, err := write(findings)
	if err != nil {
		return err
	}
	if len(s.words) == 0 {
		s.out.display(object{kind: string(text), "text/plain": printableLines(string(text))}, nil)
		s.tellShown(len(findings))
		return nil
	}
	name := s.words[0].Text
	if s.session.WriteFile == nil {
		return fmt.Errorf("%s is not written: a hunt writes no files for its cells; run the notebook", name)
	}
	if err := s.session.WriteFile(name, text); err != nil {
		return err
	}
	s.out.print(count(len(findings), "finding") + " written to " + name + ".")
	if n := len(findings); n < s.in.Count {
		s.out.print(fmt.Sprintf("There are %s; as many as the parameter limit says were fetched.", thousands(s.in.Count)))
	}
	return nil
}

// tellShown says how many findings are shown when not all are.
func (s *step) tellShown(n int) {
	if n < s.in.Count {
		s.out.print(fmt.Sprintf("%s of %s shown.", thousands(n), count(s.in.Count, "finding")))
	}
}

// printableLines makes text safe for a terminal and keeps its lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = diag.Printable(line)
	}
	return strings.Join(lines, "\n")
}

func csvText(fields []string, findings []engine.Finding) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	// A Buffer takes every write.
	_ = w.Write(append([]string{"source", "record", "time"}, fields...))
	for i := range findings {
		f := &findings[i]
		row := []string{f.Source, fmt.Sprint(f.Record), jsonTime(f.Time)}
		for _, name := range fields {
			v, _ := f.Value(name)
			row = append(row, v)
		}
		_ = w.Write(row)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// jsonTime writes a time as files have it, "" for none.
func jsonTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// exported is a finding as a file has it.
type exported struct {
	Source string          `json:"source"`
	Record int             `json:"record"`
	Time   *string         `json:"time"`
	Event  json.RawMessage `json:"event,omitempty"`
	Events json.RawMessage `json:"events,omitempty"`
}

func jsonObjects(findings []engine.Finding) []exported {
	out := make([]exported, len(findings))
	for i := range findings {
		f := &findings[i]
		e := exported{Source: f.Source, Record: f.Record}
		if t := jsonTime(f.Time); t != "" {
			e.Time = &t
		}
		switch {
		case f.Event == nil:
			e.Event = json.RawMessage("null")
		case f.Event[0] == '[':
			e.Events = f.Event
		default:
			e.Event = f.Event
		}
		out[i] = e
	}
	return out
}

func jsonText(findings []engine.Finding, lines bool) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	objects := jsonObjects(findings)
	if !lines {
		enc.SetIndent("", "  ")
		err := enc.Encode(objects)
		return b.Bytes(), err
	}
	for _, o := range objects {
		if err := enc.Encode(o); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
