package notebook

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// every is a notebook with everything that nbformat has.
func every() *Notebook {
	return &Notebook{
		Metadata: object{"kernelspec": object{"name": "huntbook", "display_name": "huntbook"}, "z": []any{1, 2.5, nil, true}, "a": object{}, "empty": []any{}},
		Cells: []Cell{
			{ID: "text", Type: Markdown, Source: "# é <b>&\u2028 line\n\nend", Attachments: object{"a.png": object{"image/png": "aGk="}}},
			{ID: "raw", Type: Raw, Source: ""},
			{ID: "unrun", Type: Code, Source: "%table\n", Metadata: object{"tags": []string{"x"}}},
			{ID: "run", Type: Code, Source: "%table", ExecutionCount: 7, Outputs: []Output{
				{Type: Stream, Name: "stdout", Text: "a\nb\x1c\u0085c\r\nd\x00\t\"\\\x7f\b\f"},
				{Type: DisplayData, Data: object{"text/html": "<p>\n</p>", "image/png": "aGk=", "image/svg+xml": "<svg>\n</svg>", "application/json": object{"a": []any{"x\ny"}}}, Metadata: object{"image/png": object{"width": 3}}},
				{Type: ExecuteResult, Data: object{"text/plain": "1"}},
				{Type: ErrorOutput, Ename: "E", Evalue: "v", Traceback: []string{"one", "two"}},
			}},
		},
	}
}

func TestEncodeIsValid(t *testing.T) {
	data, err := Encode(every())
	if err != nil {
		t.Fatal(err)
	}
	validate(t, data)
}

func TestEncodeWritesAsJupyterDoes(t *testing.T) {
	nb := &Notebook{Metadata: object{"b": 1, "a": "é<&>"}, Cells: []Cell{
		{ID: "x", Type: Markdown, Source: "one\n\ntwo"},
		{ID: "y", Type: Code, Source: ""},
	}}
	want := `{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "x",
   "metadata": {},
   "source": [
    "one\n",
    "\n",
    "two"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": null,
   "id": "y",
   "metadata": {},
   "outputs": [],
   "source": []
  }
 ],
 "metadata": {
  "a": "é<&>",
  "b": 1
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`
	if got, _ := Encode(nb); string(got) != want {
		t.Errorf("got\n%s", got)
	}
}

// Jupyter's own library reads what we write and writes the same bytes.
func TestEncodeIsWhatNbformatWrites(t *testing.T) {
	path := python(t, "nbformat")
	data, err := Encode(every())
	if err != nil {
		t.Fatal(err)
	}
	script := `import sys, nbformat
nb = nbformat.reads(sys.stdin.buffer.read().decode("utf-8"), as_version=4)
nbformat.validate(nb)
sys.stdout.buffer.write((nbformat.writes(nb) + "\n").encode("utf-8"))`
	if got := runPython(t, path, script, data); !bytes.Equal(got, data) {
		t.Errorf("nbformat writes\n%s\nwe write\n%s", got, data)
	}
}

func TestEncodeFailsOnWhatJSONCannotHold(t *testing.T) {
	if _, err := Encode(&Notebook{Metadata: object{"f": func() {}}}); err == nil {
		t.Error("a function was encoded")
	}
}

// What is written is JSON that says the same, for any text at all.
func TestEncodeHoldsAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringOf(rapid.RuneFrom([]rune("\"\\\n\r\t\b\f\v\x00\x1c\u0085\u2028\u2029\uFFFD😀a")))).Draw(t, "s")
		data, err := Encode(&Notebook{Metadata: object{s: s}, Cells: []Cell{{ID: "x", Type: Markdown, Source: s}}})
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(data) {
			t.Fatalf("%q gives no JSON: %s", s, data)
		}
		nb, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); len([]rune(want)) == len([]rune(s)) && nb.Cells[0].Source != want {
			t.Fatalf("%q reads as %q", s, nb.Cells[0].Source)
		}
	})
}

func TestDecodeReadsBack(t *testing.T) {
	data, _ := Encode(every())
	nb, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Encode(nb)
	if !bytes.Equal(data, again) {
		t.Errorf("decoded and encoded\n%s\nwas\n%s", again, data)
	}
	if got, want := nb.Cells[3].Outputs[0], every().Cells[3].Outputs[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("a stream reads as %+v", got)
	}
	if !nb.Cells[2].HasTag("x") {
		t.Errorf("tags read as %v", nb.Cells[2].Tags())
	}
}

func TestDecodeForms(t *testing.T) {
	cases := []struct{ json, want string }{
		{`{"nbformat":4,"nbformat_minor":2,"metadata":{},"cells":[{"cell_type":"markdown","metadata":{},"source":"a\nb"}]}`, "cell-1 markdown a\nb"},
		{"\xef\xbb\xbf" + `{"nbformat":4,"cells":[{"cell_type":"raw","source":["a\n","b"]}]}`, "cell-1 raw a\nb"},
		{`{"nbformat":4,"cells":[{"cell_type":"code","id":"bad id","source":[],"outputs":[],"execution_count":3.5}]}`, "cell-1 code "},
		{`{"nbformat":4,"cells":[{"cell_type":"code","id":"ok","source":null,"execution_count":null}],"unknown":1}`, "ok code "},
		{`{"nbformat":4}`, ""},
	}
	for _, c := range cases {
		nb, err := Decode([]byte(c.json))
		if err != nil {
			t.Errorf("%s: %v", c.json, err)
			continue
		}
		var got []string
		for _, cell := range nb.Cells {
			got = append(got, cell.ID+" "+string(cell.Type)+" "+cell.Source)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s reads as %q", c.json, got)
		}
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	cases := []struct{ json, want string }{
		{``, "this is no notebook: it ends too early: EOF"},
		{`{"nbformat":4,`, "this is no notebook: it ends too early: unexpected EOF"},
		{`[]`, "this is no notebook: json: cannot unmarshal array into Go value of type struct"},
		{`{"nbformat":4} x`, "this is no notebook: something follows its end"},
		{`{"nbformat":3,"worksheets":[]}`, "this is no notebook of nbformat 4 (its nbformat is 3): open it in Jupyter and save it again"},
		{`{"nbformat":4,"cells":[{"cell_type":"heading"}]}`, `cell 1 of this notebook can't be read: its cell_type "heading" is none of markdown, code and raw`},
		{`{"nbformat":4,"cells":[{"cell_type":"raw","source":[1]}]}`, "this is no notebook: its text is neither a string nor a list of strings"},
		{`{"nbformat":4,"cells":[{"cell_type":"code","outputs":[{"output_type":"x"}]}]}`, `cell 1 of this notebook can't be read: its output_type "x" is none that nbformat 4.5 has`},
		{strings.Repeat("[", 100000), "this is no notebook: "},
	}
	for _, c := range cases {
		_, err := Decode([]byte(c.json))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.60s: %v, want %s", c.json, err, c.want)
		}
	}
	if _, err := Decode(make([]byte, MaxSize+1)); err == nil || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("a large file: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	data, _ := Encode(every())
	f.Add(data)
	f.Add([]byte(`{"nbformat":4,"cells":[{"cell_type":"code","outputs":[{"output_type":"stream"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Decode(data)
		if err != nil {
			return
		}
		first, err := Encode(nb)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		second, _ := Encode(again)
		if !bytes.Equal(first, second) {
			t.Errorf("written as\n%s\nthen as\n%s", first, second)
		}
		Carry(again, nb)
		Edited(nb)
	})
}
