// Package notebook holds Jupyter notebooks (nbformat 4.5): their types, a
// writer whose output is the same bytes for the same notebook, and the
// templates that make a notebook of a rule.
//
// It knows nothing of how cells run: outputs are put into cells by whoever ran
// them. Data flows: rule and query (a Page) → Template.Build → Notebook → run by
// others → Carry, which brings over what a person wrote into the notebook that
// is about to be replaced → Encode.
package notebook

import "slices"

// Notebook is an nbformat 4.5 document.
type Notebook struct {
	Metadata map[string]any
	Cells    []Cell
}

// CellType is "markdown", "code" or "raw".
type CellType string

// The cell types.
const (
	Markdown CellType = "markdown"
	Code     CellType = "code"
	Raw      CellType = "raw"
)

// Cell is one cell of a notebook.
type Cell struct {
	// ID is unique in its notebook: 1 to 64 of A-Z a-z 0-9 - _.
	ID     string
	Type   CellType
	Source string
	// Metadata holds "tags" and, in cells that we wrote, our own "huntbook".
	Metadata map[string]any
	// Attachments are files inside a Markdown or raw cell, name → MIME bundle,
	// such as a picture that somebody pasted.
	Attachments map[string]any
	// Outputs and ExecutionCount belong to code cells; 0 means not run.
	Outputs        []Output
	ExecutionCount int
}

// OutputType is the kind of an Output.
type OutputType string

// The output types.
const (
	Stream        OutputType = "stream"
	DisplayData   OutputType = "display_data"
	ExecuteResult OutputType = "execute_result"
	ErrorOutput   OutputType = "error"
)

// Output is what running a cell gave.
type Output struct {
	Type OutputType
	// Name ("stdout", "stderr") and Text belong to a Stream.
	Name, Text string
	// Data is a MIME bundle of a DisplayData or ExecuteResult. Text types
	// are strings, "image/png" is base64 text, JSON types are any value.
	Data     map[string]any
	Metadata map[string]any
	// Ename, Evalue and Traceback belong to an ErrorOutput.
	Ename, Evalue string
	Traceback     []string
}

// The tags of cells that have a part to play.
const (
	// TagParameters marks the cell whose values a person, or papermill, sets.
	TagParameters = "parameters"
	// TagNotes and TagVerdict mark the cells that are the analyst's.
	TagNotes   = "notes"
	TagVerdict = "verdict"
	// TagQuestions marks the cell whose questions the analyst ticks off.
	TagQuestions = "questions"
)

// Tags returns the cell's tags.
func (c *Cell) Tags() []string {
	var tags []string
	switch list := c.Metadata["tags"].(type) {
	case []string:
		tags = slices.Clone(list)
	case []any:
		for _, t := range list {
			if s, ok := t.(string); ok {
				tags = append(tags, s)
			}
		}
	}
	return tags
}

// HasTag tells whether the cell carries the tag.
func (c *Cell) HasTag(tag string) bool { return slices.Contains(c.Tags(), tag) }

// part returns the name under which we wrote the cell, "" for a cell that a
// person added.
func (c *Cell) part() string {
	ours, _ := c.Metadata["huntbook"].(map[string]any)
	name, _ := ours["cell"].(string)
	return name
}
