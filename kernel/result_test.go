package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/inspect"
	"github.com/huntbook/huntbook/lucene"
	"github.com/huntbook/huntbook/notebook"
)

// library is an engine that answers query strings by name.
type library map[string]engine.Result

func (l library) Open(context.Context, engine.Data) (engine.DataInfo, error) {
	return engine.DataInfo{Events: 10, Files: 1}, nil
}

func (l library) Run(_ context.Context, q engine.Query) (*engine.Result, error) {
	if _, diags := lucene.Parse(q.Lucene); diags.HasErrors() {
		return nil, diags
	}
	r, ok := l[strings.TrimSpace(q.Lucene)]
	if !ok {
		return nil, errors.New("no such query")
	}
	return &r, nil
}

// shelf has two results that share users.
func shelf() library {
	return library{
		"starts": {Count: 3, Title: "starts", Fields: []string{"Image"}, Findings: []engine.Finding{
			finding(1, "2020-01-01T00:00:00Z", "Image", "cmd.exe", "User", "Anna"),
			finding(2, "2020-01-01T00:00:01Z", "Image", "a,\"b\"", "User", "bob"),
			finding(3, "", "Image", "x\x1b[0m", "User", ""),
		}},
		"logons": {Count: 9, Title: "logons", Fields: []string{"From"}, Findings: []engine.Finding{
			finding(4, "2020-01-01T00:00:02Z", "From", "10.0.0.1", "Account", "ANNA"),
			finding(5, "2020-01-01T00:00:03Z", "From", "10.0.0.2", "Account", "anna"),
			finding(6, "2020-01-01T00:00:04Z", "From", "10.0.0.3", "Account", ""),
		}},
		"none": {},
	}
}

func TestResults(t *testing.T) {
	cases := []struct{ cells, want string }{
		{"%data x\n%lucene starts", "10 events in 1 file.\n3 of 10 events match.\n"},
		{"%%lucene\nstarts\n", "3 events found.\n"},
		{"%s = %lucene starts\n%lucene logons\n%s | table --fields User", `3 events found.
9 events found.
The first 3 were fetched (limit = 1000).
3 findings

time (UTC)            User
2020-01-01 00:00:00Z  Anna
2020-01-01 00:00:01Z  bob

`},
		// Alone in a line a result shows its table.
		{"%s = %lucene starts\n%s", "3 events found.\n3 findings\n\ntime (UTC)            Image         User\n2020-01-01 00:00:00Z  cmd.exe       Anna\n2020-01-01 00:00:01Z  a,\"b\"         bob\n                      x<U+001B>[0m\n"},
		{"%lucene none\n%last", "0 events found.\nNo findings, so there is no table.\n"},
		// A query in a line is the last one, whatever comes of it.
		{"%lucene starts | top User --n 1\n%top Image --n 1", "3 events found.\n3 findings\n\nfield                 value    count\nUser (1 of 3 values)  (empty)  1\n3 findings\n\nfield                  value  count\nImage (1 of 3 values)  a,\"b\"  1\n"},
		{"%s = %lucene starts\n%l = %lucene logons\n%s | join User=Account %l | table --fields Image,User,l.From\n%last | top l.Account", `3 events found.
9 events found.
The first 3 were fetched (limit = 1000).
2 pairs.
Of 9 findings only the first 3 were fetched and paired.
2 findings

time (UTC)            Image    User  l.From
2020-01-01 00:00:00Z  cmd.exe  Anna  10.0.0.1
2020-01-01 00:00:00Z  cmd.exe  Anna  10.0.0.2
2 findings

field      value  count
l.Account  ANNA   1
l.Account  anna   1
`},
		{"%s = %lucene starts\n%s | join Usr %last", "3 events found.\nNo finding has a field \"Usr\". Did you mean \"User\"?\nNo finding has a field \"Usr\". Did you mean \"User\"?\n0 pairs.\n"},
		{"%lucene starts\n%csv --fields User,Image", "3 events found.\nsource,record,time,User,Image\nlogs/a.zip!b.json,1,2020-01-01T00:00:00Z,Anna,cmd.exe\nlogs/a.zip!b.json,2,2020-01-01T00:00:01Z,bob,\"a,\"\"b\"\"\"\nlogs/a.zip!b.json,3,,,x<U+001B>[0m\n\n"},
		{"rows = 1\n%lucene starts\n%csv --fields User", "3 events found.\nsource,record,time,User\nlogs/a.zip!b.json,1,2020-01-01T00:00:00Z,Anna\n\n1 of 3 findings shown.\n"},
	}
	for _, c := range cases {
		got := transcript(t, shelf(), c.cells)
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.cells, got, c.want)
		}
	}
}

func TestWhatResultsCanNotDo(t *testing.T) {
	cases := []struct{ cell, want string }{
		{"%last", "EngineError: no query has run; a %%sigma cell comes first\n"},
		{"%s", "SyntaxError: there is no magic %s; there are %csv"},
		{"%s = %last\n%t = %s", "EngineError: no query has run"},
		{"%t = %s\n%s = %last", "SyntaxError: there is no magic %s"},
		{"%s = %lucene starts\n%ss", "SyntaxError: there is no magic %ss; did you mean %s?\n"},
		{"%%s\nx", "SyntaxError: there is no magic %%s; there are %%lucene, %%sigma\n"},
		{"%table = %last", "SyntaxError: %table is a magic; choose another name\ncell:1:1: error"},
		{"%last = %last", "SyntaxError: %last is a magic; choose another name\n"},
		{"%a = %table", "SyntaxError: %table gives no result that could be kept; write %a = %last, for example\ncell:1:1: error"},
		{"%a = %data x", "SyntaxError: %data gives no result that could be kept"},
		{"%data x | top", "SyntaxError: %data gives no result that could go on; begin with %last or the name of a result\ncell:1:11: error"},
		{"%last | lucene x", "SyntaxError: %lucene takes no result; it begins a line\ncell:1:9: error"},
		{"%last | last", "SyntaxError: %last takes no result"},
		{"%last | sigma", "SyntaxError: %sigma is a magic for a whole cell"},
		{"%last | tabel", "SyntaxError: there is no magic %tabel; did you mean %table?\ncell:1:9: error"},
		{"%last | top --n x", "SyntaxError: --n must be a number from 1 to 100, not \"x\"\ncell:1:17: error"},
		{"%last | join User last", "SyntaxError: \"last\" is no result that is kept; keep one first: %name = %last\ncell:1:19: error"},
		{"%last | join User %x", "SyntaxError: \"%x\" is no result that is kept"},
		{"%last | join User", "SyntaxError: %join lacks FIELD %OTHER; usage: %join FIELD %OTHER\n"},
		{"%last | timeline --as svg", "SyntaxError: there is no form \"svg\" of a chart; write picture or vega-lite\ncell:1:23: error"},
		{"%csv a.txt", "SyntaxError: the name of the file must end in .csv, not as \"a.txt\" does\n"},
		{"%json a.csv", "SyntaxError: the name of the file must end in .json or .ndjson, not as \"a.csv\" does\n"},
		{"%lucene ''", "SyntaxError: the query is empty; write EventID:1, for example\n"},
		{"%lucene a b", "SyntaxError: %lucene takes fewer words; usage: %lucene QUERY\n"},
		{"%%lucene\n \n", "SyntaxError: there is no query below %%lucene; write it from the next line on\n"},
		// Messages into a query point into the cell.
		{"# x\n%%lucene\nstarts AND\n  (a", "RuleError: this parenthesis is not closed\ncell:4:3: error: this parenthesis is not closed\n    4 |   (a\n      |   ^\n"},
		{"%a = %lucene 'é AND b~'", "RuleError: words that are like a word are not looked for; write \"\\~\" for the character\ncell:1:22: error"},
		{"%lucene starts | csv a.csv", "3 events found.\nEngineError: a.csv is not written: a hunt writes no files for its cells; run the notebook\ncell:1:18: error"},
	}
	for _, c := range cases {
		if got := transcript(t, shelf(), c.cell); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q\n got %q\nwant %q", c.cell, got, c.want)
		}
	}
	var many strings.Builder
	many.WriteString("%lucene starts\n")
	for i := range maxKept + 1 {
		fmt.Fprintf(&many, "%%r%d = %%last\n", i)
	}
	if got := transcript(t, shelf(), many.String()); !strings.HasPrefix(got, "SyntaxError: 100 results are kept, and no more are") {
		t.Errorf("got %q", got)
	}
}

// A name keeps its result whatever is asked later; a query that fails leaves no last one.
func TestNamesKeepTheirResults(t *testing.T) {
	s := NewSession(shelf())
	for _, cell := range []string{"%a = %lucene starts", "%lucene logons", "%b = %last", "%data y"} {
		if _, err := s.Execute(t.Context(), cell); err != nil {
			t.Fatal(err)
		}
	}
	if s.Result("last") != nil || s.Result("a").Title != "starts" || s.Result("b").Title != "logons" || strings.Join(s.Kept(), " ") != "a b" {
		t.Errorf("kept are %v, the last is %v", s.Kept(), s.Result("last"))
	}
	if _, err := s.Execute(t.Context(), "%a = %lucene logons"); err != nil || s.Result("a").Title != "logons" {
		t.Errorf("a new result of a name: %v", err)
	}
	if _, err := s.Execute(t.Context(), "%c = %lucene broken"); err == nil || s.Result("last") != nil || s.Result("c") != nil {
		t.Errorf("after a query that failed: %v", err)
	}
}

func TestJoinIsBounded(t *testing.T) {
	var many engine.Result
	for i := range 400 {
		many.Findings = append(many.Findings, finding(i, "", "Host", "a"))
	}
	many.Count = 400
	got := transcript(t, library{"many": many}, "%a = %lucene many\n%p = %a | join Host %a")
	if got != "400 events found.\n160,000 pairs.\nThe first 100,000 are kept.\n" {
		t.Errorf("got %q", got)
	}
}

func TestJSONExport(t *testing.T) {
	s := NewSession(shelf())
	outputs, err := s.Execute(t.Context(), "%s = %lucene starts\n%s | join User %s | json")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(outputs[len(outputs)-1].Data["application/json"])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"source":"logs/a.zip!b.json","record":1,"time":"2020-01-01T00:00:00Z","events":[{"Image":"cmd.exe","User":"Anna"},{"Image":"cmd.exe","User":"Anna"}]},` +
		`{"source":"logs/a.zip!b.json","record":2,"time":"2020-01-01T00:00:01Z","events":[{"Image":"a,\"b\"","User":"bob"},{"Image":"a,\"b\"","User":"bob"}]}]`
	if string(data) != want {
		t.Errorf("got %s", data)
	}
}

func TestFilesAreWritten(t *testing.T) {
	s := NewSession(shelf())
	files := map[string]string{}
	s.WriteFile = func(name string, content []byte) error {
		if name == "no.csv" {
			return errors.New("no.csv is not written: no space")
		}
		files[name] = string(content)
		return nil
	}
	outputs, err := s.Execute(t.Context(), "rows = 1\n%s = %lucene logons\n%s | csv out/a.csv\n%s | json a.ndjson\n%s | json a.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := "3 findings written to out/a.csv.\nThere are 9; as many as the parameter limit says were fetched.\n"; !strings.Contains(outputs[0].Text, want) {
		t.Errorf("it says %s", outputs[0].Text)
	}
	if strings.Count(files["out/a.csv"], "\n") != 4 || strings.Count(files["a.ndjson"], "\n") != 3 || !json.Valid([]byte(files["a.json"])) {
		t.Errorf("the files are %q", files)
	}
	var failed *CellError
	if _, err := s.Execute(t.Context(), "%s | csv no.csv"); !errors.As(err, &failed) || !strings.Contains(err.Error(), "no space") {
		t.Errorf("a file that can't be written: %v", err)
	}
}

// A chart for Vega-Lite has its data within, beside the picture.
func TestVega(t *testing.T) {
	for _, cell := range []string{"%timeline", "%top User"} {
		s := NewSession(shelf())
		outputs, err := s.Execute(t.Context(), "%lucene starts\n"+cell+" --as vega-lite\n"+cell+" --as picture")
		if err != nil {
			t.Fatal(err)
		}
		var charts []map[string]any
		for _, o := range outputs {
			if o.Data != nil {
				charts = append(charts, o.Data)
			}
		}
		if len(charts) != 2 || charts[0][vegaType] == nil || charts[0]["image/png"] == nil || charts[1][vegaType] != nil {
			t.Fatalf("%s: %d charts", cell, len(charts))
		}
		spec, err := json.Marshal(charts[0][vegaType])
		if err != nil || strings.Contains(string(spec), `"url"`) || !strings.Contains(string(spec), `"values":[{`) {
			t.Errorf("%s: %s, %v", cell, spec, err)
		}
	}
}

// Outputs come as they are made, text in pieces.
func TestStream(t *testing.T) {
	s := NewSession(shelf())
	var pieces []string
	outputs, err := s.Stream(t.Context(), "%data x\n%lucene starts\n%table --fields User\n%tabel", nil)
	if err == nil || len(outputs) != 1 {
		t.Fatalf("a cell that can't be read gives %v, %v", outputs, err)
	}
	outputs, _ = s.Stream(t.Context(), "%data x\n%lucene starts\n%table --fields User\n%lucene broken", collect(&pieces))
	if got := strings.Join(pieces, " "); got != "stream stream display_data error" || len(outputs) != 3 {
		t.Errorf("pieces %s, %d outputs", got, len(outputs))
	}
	// A result alone in a line is the value of the cell.
	pieces = nil
	if _, err := s.Stream(t.Context(), "%s = %lucene starts\n%s\n%last\n%last | table", collect(&pieces)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(pieces, " "); got != "stream execute_result execute_result display_data" {
		t.Errorf("pieces %s", got)
	}
}

func collect(pieces *[]string) func(notebook.Output) {
	return func(o notebook.Output) { *pieces = append(*pieces, string(o.Type)) }
}

// sampled is an engine that knows its fields.
type sampled struct {
	library
	asked int
}

func (s *sampled) Sample(context.Context) (*inspect.Report, error) {
	s.asked++
	return &inspect.Report{Fields: []inspect.Field{{Name: "Image", Events: 5}}}, nil
}

func TestFields(t *testing.T) {
	e := &sampled{library: shelf()}
	s := NewSession(e)
	fields := func() string {
		var out []string
		for _, f := range s.Fields(t.Context()) {
			out = append(out, f.Name)
		}
		return strings.Join(out, " ")
	}
	if got := fields(); got != "" || e.asked != 0 {
		t.Errorf("without data: %s", got)
	}
	for _, c := range []struct{ cell, want string }{{"%data x", "Image"}, {"%lucene starts", "Image User"}, {"%lucene logons", "Image From Account"}} {
		if _, err := s.Execute(t.Context(), c.cell); err != nil {
			t.Fatal(err)
		}
		if got := fields(); got != c.want {
			t.Errorf("after %s: %s, want %s", c.cell, got, c.want)
		}
	}
	if e.asked != 1 {
		t.Errorf("the engine was asked %d times", e.asked)
	}
}

func TestPrintableLines(t *testing.T) {
	if got := printableLines("a\x1b\nb"); got != diag.Printable("a\x1b")+"\nb" {
		t.Errorf("got %q", got)
	}
}
