package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxSize is the largest notebook that Decode reads, in bytes.
const MaxSize = 64 << 20

// Decode reads a notebook of any nbformat 4, as we or anybody's editor wrote
// it. Text may be a string or a list of lines. Cells without an id (before 4.5)
// get one from their place.
func Decode(data []byte) (*Notebook, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("this notebook has %d MB, more than the %d MB that are read: clear the outputs of its largest cells", len(data)>>20, MaxSize>>20)
	}
	// A byte order mark is what some editors of Windows leave.
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var raw struct {
		Cells    []rawCell
		Metadata object
		Nbformat int
	}
	if err := unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("this is no notebook: %w", err)
	}
	if raw.Nbformat != 4 {
		return nil, fmt.Errorf("this is no notebook of nbformat 4 (its nbformat is %d): open it in Jupyter and save it again", raw.Nbformat)
	}
	nb := &Notebook{Metadata: orEmpty(raw.Metadata), Cells: make([]Cell, len(raw.Cells))}
	for i := range raw.Cells {
		c, err := raw.Cells[i].cell(i)
		if err != nil {
			return nil, fmt.Errorf("cell %d of this notebook can't be read: %w", i+1, err)
		}
		nb.Cells[i] = c
	}
	return nb, nil
}

// rawCell is a cell as JSON has it; absent keys are zero.
type rawCell struct {
	ID             any
	CellType       string `json:"cell_type"`
	Source         multiline
	Metadata       object
	Attachments    object
	Outputs        []rawOutput
	ExecutionCount any `json:"execution_count"`
}

type rawOutput struct {
	OutputType string `json:"output_type"`
	Name       string
	Text       multiline
	Data       object
	Metadata   object
	Ename      string
	Evalue     string
	Traceback  []string
}

func (raw *rawCell) cell(i int) (Cell, error) {
	c := Cell{Type: CellType(raw.CellType), Source: string(raw.Source), Metadata: orEmpty(raw.Metadata)}
	switch c.Type {
	case Markdown, Code, Raw:
	default:
		return c, fmt.Errorf("its cell_type %q is none of markdown, code and raw", raw.CellType)
	}
	c.ID, _ = raw.ID.(string)
	if !validID(c.ID) {
		c.ID = fmt.Sprintf("cell-%d", i+1)
	}
	if n, ok := raw.ExecutionCount.(json.Number); ok && c.Type == Code {
		if count, err := n.Int64(); err == nil && count > 0 {
			c.ExecutionCount = int(count)
		}
	}
	if len(raw.Attachments) > 0 {
		c.Attachments = object{}
		for name, bundle := range raw.Attachments {
			b, _ := bundle.(object)
			c.Attachments[name] = joinBundle(b)
		}
	}
	if c.Type != Code {
		return c, nil
	}
	for _, r := range raw.Outputs {
		out := Output{Type: OutputType(r.OutputType)}
		switch out.Type {
		case Stream:
			out.Name, out.Text = r.Name, string(r.Text)
		case ErrorOutput:
			out.Ename, out.Evalue, out.Traceback = r.Ename, r.Evalue, r.Traceback
		case DisplayData, ExecuteResult:
			out.Data, out.Metadata = joinBundle(r.Data), orEmpty(r.Metadata)
		default:
			return c, fmt.Errorf("its output_type %q is none that nbformat 4.5 has", r.OutputType)
		}
		c.Outputs = append(c.Outputs, out)
	}
	return c, nil
}

// joinBundle joins the lists of lines of a MIME bundle; JSON types stay.
func joinBundle(data object) object {
	o := object{}
	for mime, v := range data {
		isJSON := mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
		if list, ok := v.([]any); ok && !isJSON {
			if s, ok := joined(list); ok {
				v = s
			}
		}
		o[mime] = v
	}
	return o
}

func joined(list []any) (string, bool) {
	var b strings.Builder
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

// multiline is text that JSON has as a string or as a list of lines.
type multiline string

func (m *multiline) UnmarshalJSON(data []byte) error {
	v, err := decodeJSON(data)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		*m = multiline(v)
		return nil
	case []any:
		if s, ok := joined(v); ok {
			*m = multiline(s)
			return nil
		}
	case nil:
		return nil
	}
	return errors.New("its text is neither a string nor a list of strings")
}

// validID tells whether nbformat allows the id.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// decodeJSON reads one JSON value, numbers kept as they are written.
func decodeJSON(data []byte) (any, error) {
	var v any
	err := unmarshal(data, &v)
	return v, err
}

func unmarshal(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("it ends too early: %w", err)
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}
