package jupyter

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/notebook"
)

// told is a message of a type and content.
func told(kind, content string) *Message {
	return &Message{Header: Header{MsgType: kind}, Content: json.RawMessage(content)}
}

// outline writes outputs in a line.
func outline(outputs []notebook.Output) string {
	var parts []string
	for _, o := range outputs {
		switch o.Type {
		case notebook.Stream:
			parts = append(parts, fmt.Sprintf("%s %q", o.Name, o.Text))
		case notebook.ErrorOutput:
			parts = append(parts, o.Ename+": "+o.Evalue)
		default:
			data, _ := json.Marshal(o.Data)
			parts = append(parts, fmt.Sprintf("%s %s", o.Type, data))
		}
	}
	return strings.Join(parts, "; ")
}

func TestRecorder(t *testing.T) {
	const (
		out     = `stream {"name":"stdout","text":"a\n"}`
		out2    = `stream {"name":"stdout","text":"b\n"}`
		errs    = `stream {"name":"stderr","text":"e"}`
		shown   = `display_data {"data":{"text/plain":"1"},"metadata":{},"transient":{"display_id":"d"}}`
		changed = `update_display_data {"data":{"text/html":"2"},"metadata":{"m":1},"transient":{"display_id":"d"}}`
		result  = `execute_result {"data":{"text/plain":["3","4"],"application/json":[1]},"metadata":{},"execution_count":1}`
		failed  = `error {"ename":"E","evalue":"v","traceback":["t"]}`
	)
	cases := []struct {
		messages []string
		limit    int
		want     string
	}{
		{[]string{out, out2, errs, out}, 0, `stdout "a\nb\n"; stderr "e"; stdout "a\n"`},
		{[]string{out, result, out}, 0, `stdout "a\n"; execute_result {"application/json":[1],"text/plain":"34"}; stdout "a\n"`},
		{[]string{shown, out, shown, changed}, 0, `display_data {"text/html":"2"}; stdout "a\n"; display_data {"text/html":"2"}`},
		{[]string{changed, out}, 0, `stdout "a\n"`},
		{[]string{out, `clear_output {"wait":false}`}, 0, ``},
		{[]string{out, `clear_output {"wait":true}`}, 0, `stdout "a\n"`},
		{[]string{out, `clear_output {"wait":true}`, out2}, 0, `stdout "b\n"`},
		{[]string{out, `clear_output {"wait":true}`, failed}, 0, `E: v`},
		{[]string{out, failed, `status {"execution_state":"idle"}`, `execute_input {"code":"x"}`}, 0, `stdout "a\n"; E: v`},
		{[]string{`stream []`, `display_data 1`, `error ""`, `unheard {}`}, 0, ``},
		{[]string{out, out2, result, failed}, 3, `stdout "a\nb"; E: v`},
	}
	for _, c := range cases {
		r := &Recorder{Displays: Displays{}, Limit: c.limit}
		for _, m := range c.messages {
			kind, content, _ := strings.Cut(m, " ")
			r.Take(told(kind, content))
		}
		if got := outline(r.Outputs); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.messages, got, c.want)
		}
		if (r.Dropped > 0) != (c.limit > 0) {
			t.Errorf("%s: %d bytes dropped", c.messages, r.Dropped)
		}
	}
}

// A cell changes what an earlier one showed.
func TestDisplaysOfEarlierCells(t *testing.T) {
	displays := Displays{}
	first := &Recorder{Displays: displays}
	first.Take(told("display_data", `{"data":{"text/plain":"1"},"transient":{"display_id":"d"}}`))
	kept := first.Outputs[0]
	second := &Recorder{Displays: displays}
	second.Take(told("update_display_data", `{"data":{"text/plain":"2"},"transient":{"display_id":"d"}}`))
	if got := outline([]notebook.Output{kept}); got != `display_data {"text/plain":"2"}` || len(second.Outputs) != 0 {
		t.Errorf("got %s and %s", got, outline(second.Outputs))
	}
}
