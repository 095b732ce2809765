package jupyter

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

// Recorder makes a cell's outputs of the messages that a kernel sends while it runs.
// Make one for each cell; its Take is what Execute wants.
type Recorder struct {
	// Displays are the outputs of a notebook that later cells may change, nil to
	// forget them.
	Displays Displays
	// Limit bounds the bytes of the outputs, 0 for no bound. What comes when they
	// are reached is left out, except errors and the beginning of a text, and
	// counted in Dropped, in bytes.
	Limit, Dropped int
	// Outputs are those so far.
	Outputs []notebook.Output

	size  int
	text  strings.Builder // of the last output, if it is a stream
	clear bool            // what comes next takes the place of the outputs
}

// Displays are outputs by their display id.
type Displays map[string][]display

// display is an output's data and metadata, which are changed in place.
type display struct{ data, metadata map[string]any }

// Take takes a message of the iopub channel; those that are no output are left.
func (r *Recorder) Take(m *Message) {
	switch m.Header.MsgType {
	case "stream":
		var c streamContent
		if m.Decode(&c) == nil {
			if c.Text = r.fit(c.Text); c.Text != "" {
				r.stream(c)
			}
		}
	case "display_data", "execute_result":
		var c Bundle
		if m.Decode(&c) == nil && r.room(m, len(m.Content)) {
			r.bundle(m.Header.MsgType, c)
		}
	case "update_display_data":
		var c Bundle
		if m.Decode(&c) == nil && r.room(m, len(m.Content)) {
			r.update(c)
		}
	case "error":
		var c errorContent
		if m.Decode(&c) == nil {
			r.add(notebook.Output{Type: notebook.ErrorOutput, Ename: c.Ename, Evalue: c.Evalue, Traceback: c.Traceback})
		}
	case "clear_output":
		var c clearContent
		if m.Decode(&c) == nil {
			if r.clear = c.Wait; !c.Wait {
				r.Outputs, r.size = nil, 0
			}
		}
	}
}

// fit is the beginning of a text for which there is room.
func (r *Recorder) fit(text string) string {
	if r.clear {
		r.Outputs, r.size, r.clear = nil, 0, false
	}
	if n := max(r.Limit-r.size, 0); r.Limit > 0 && len(text) > n {
		r.Dropped += len(text) - n
		text = strings.ToValidUTF8(text[:n], "")
	}
	r.size += len(text)
	return text
}

// room tells whether there is room for so many more bytes.
func (r *Recorder) room(m *Message, n int) bool {
	if r.clear {
		r.Outputs, r.size, r.clear = nil, 0, false
	}
	if r.Limit > 0 && r.size+n > r.Limit {
		r.Dropped += len(m.Content)
		return false
	}
	r.size += n
	return true
}

func (r *Recorder) add(o notebook.Output) {
	if r.clear {
		r.Outputs, r.size, r.clear = nil, 0, false
	}
	r.Outputs = append(r.Outputs, o)
}

// stream puts text behind that of the same stream when nothing came between them.
func (r *Recorder) stream(c streamContent) {
	if n := len(r.Outputs); n > 0 && r.Outputs[n-1].Type == notebook.Stream && r.Outputs[n-1].Name == c.Name {
		r.text.WriteString(c.Text)
		r.Outputs[n-1].Text = r.text.String()
		return
	}
	r.text = strings.Builder{}
	r.text.WriteString(c.Text)
	r.add(notebook.Output{Type: notebook.Stream, Name: c.Name, Text: c.Text})
}

func (r *Recorder) bundle(kind string, c Bundle) {
	o := notebook.Output{Type: notebook.OutputType(kind), Data: c.Data, Metadata: c.Metadata}
	if id := displayID(c); id != "" && r.Displays != nil {
		if o.Data == nil {
			o.Data = map[string]any{}
		}
		if o.Metadata == nil {
			o.Metadata = map[string]any{}
		}
		r.Displays[id] = append(r.Displays[id], display{o.Data, o.Metadata})
	}
	r.add(o)
}

func (r *Recorder) update(c Bundle) {
	for _, d := range r.Displays[displayID(c)] {
		clear(d.data)
		maps.Copy(d.data, c.Data)
		clear(d.metadata)
		maps.Copy(d.metadata, c.Metadata)
	}
}

func displayID(c Bundle) string {
	id, _ := c.Transient["display_id"].(string)
	return id
}

// UnmarshalJSON reads a bundle. A text in pieces, as some kernels send it, is joined.
func (b *Bundle) UnmarshalJSON(data []byte) error {
	type plain Bundle
	if err := json.Unmarshal(data, (*plain)(b)); err != nil {
		return err
	}
	for kind, value := range b.Data {
		pieces, ok := value.([]any)
		if !ok || kind == "application/json" || strings.HasSuffix(kind, "+json") {
			continue
		}
		var text strings.Builder
		for _, p := range pieces {
			s, _ := p.(string)
			text.WriteString(s)
		}
		b.Data[kind] = text.String()
	}
	return nil
}
