package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	cases := []struct{ json, kind, text string }{
		{`19`, "number", "19"},
		{`19.0`, "number", "19"},
		{`1e2`, "number", "100"},
		{`1.50`, "number", "1.5"},
		{`-0`, "number", "0"},
		{`-0.0`, "number", "0"},
		{`-0.50`, "number", "-0.5"},
		{`0.001e3`, "number", "1"},
		{`12e-3`, "number", "0.012"},
		{`123456789012345678901234567890`, "number", "123456789012345678901234567890"},
		{`123456789012345678901234567890.10`, "number", "123456789012345678901234567890.1"},
		{`-9214364837600034816`, "number", "-9214364837600034816"},
		{`1e400`, "number", "1e400"},
		{`12.5E+400`, "number", "1.25e401"},
		{`5e-99`, "number", "5e-99"},
		{`0e99999999`, "number", "0e99999999"},
		{`1e99999999999999999999`, "number", "1e99999999999999999999"},
		{`true`, "bool", "true"},
		{`false`, "bool", "false"},
		{`null`, "null", ""},
		{`""`, "text", ""},
		{`"19"`, "text", "19"},
		{`"C:\\Windows\/x"`, "text", `C:\Windows/x`},
		{`"\b\f\n\r\t\""`, "text", "\b\f\n\r\t\""},
		{`"\u00fc\u4E2D"`, "text", "ü中"},
		{`"\ud83d\ude00"`, "text", "😀"},
		{`"\ud83d"`, "text", "\ufffd"},
		{`"\ude00\ud83dx"`, "text", "\ufffd\ufffdx"},
		{`"\ud83d\u0041"`, "text", "\ufffdA"},
		{"\"a\xffb\xc3\"", "text", "a\ufffdb\ufffd"},
		{"\"\xff\\n\xe4\\u00e4\"", "text", "\ufffd\n\ufffdä"},
		{"\"\u2028\x7f\"", "text", "\u2028\x7f"},
		{`[]`, "list", "[]"},
		{`[[],[[]]]`, "list", "[]"},
		{`[ "a", 1.0, null, true, ["b\n"] ]`, "list", `["a",1,null,true,"b\n"]`},
		{`[{},"x"]`, "list", `["x"]`},
	}
	for _, c := range cases {
		b := batchOf(t, Options{}, []byte(`{"f":`+c.json+`}`))
		col := b.Column("f")
		if col == nil {
			t.Errorf("%s: no column", c.json)
			continue
		}
		if v := col.Values[col.Codes[0]]; kindNames[v.Kind] != c.kind || v.Text != c.text {
			t.Errorf("%s: %s %q, want %s %q", c.json, kindNames[v.Kind], v.Text, c.kind, c.text)
		}
	}
	if b := batchOf(t, Options{}, []byte(`{"f":{},"g":[{}]}`)); len(b.Columns) != 0 {
		t.Errorf("empty objects make columns: %s", render(b))
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 512) + "1" + strings.Repeat("}", 512)
	var wide strings.Builder
	for i := range 10_001 {
		fmt.Fprintf(&wide, `,"f%d":1`, i)
	}
	cases := []struct{ json, reason string }{
		{``, "it ends in the middle of an object"},
		{`{`, "it ends in the middle of an object"},
		{`{"a":1`, "it ends in the middle of an object"},
		{`{"a":"x`, "it ends in the middle of an object"},
		{`{"a":"x\`, "it ends in the middle of an object"},
		{`{"a":1}}`, "text is behind the object"},
		{`{"a":1}{"a":2}`, "text is behind the object"},
		{`{"a":1,}`, "a name in double quotes is missing"},
		{`{a:1}`, "a name in double quotes is missing"},
		{`{'a':1}`, "a name in double quotes is missing"},
		{`{"a" 1}`, "a colon is missing after a name"},
		{`{"a":1 "b":2}`, "a comma or } is missing after a value"},
		{`{"a":[1 2]}`, "a comma or ] is missing in a list"},
		{`{"a":[1,]}`, "a value is missing"},
		{`{"a":tru}`, "a value is neither text, number, true, false nor null"},
		{`{"a":NaN}`, "a value is missing"},
		{`{"a":01}`, "a number begins with 0"},
		{`{"a":1.}`, "a number ends with its point"},
		{`{"a":.5}`, "a value is missing"},
		{`{"a":+1}`, "a value is missing"},
		{`{"a":-}`, "a number has no digits"},
		{`{"a":1e}`, "a number has no exponent behind its e"},
		{`{"a":"\x"}`, "an escape that JSON does not know in a text"},
		{`{"a":"\u12g4"}`, "an escape that JSON does not know in a text"},
		{"{\"a\":\"x\ny\"}", "a line break or control character in a text"},
		{`19`, "a JSON value that is not an object"},
		{`"text"`, "a JSON value that is not an object"},
		{`[{"a":1}]`, "a JSON value that is not an object"},
		{`19 20`, "text is behind the value"},
		{`type=SYSCALL`, "a value is neither text, number, true, false nor null"},
		{`{"x":` + deep + `}`, "more than 512 objects and lists in each other"},
		{`{"x":1` + wide.String() + `}`, "more than 10000 fields in one event"},
		{`{"x":[` + strings.Repeat("1,", 200_000) + `1]}`, "more than 200000 values in one event"},
	}
	b := NewBuilder(Options{})
	for _, c := range cases {
		err := b.AppendJSON([]byte(c.json), Record{})
		if err == nil || !strings.HasPrefix(err.Error(), c.reason) {
			t.Errorf("%.60s: %v, want %s", c.json, err, c.reason)
		}
	}
	if err := b.AppendJSON([]byte(deep), Record{}); err != nil {
		t.Error("512 objects in each other:", err)
	}
	batch := b.Batch()
	if batch.Rows != 1 || len(batch.Columns) != 1 || len(batch.Records) != 1 {
		t.Errorf("refused events left traces: %d rows, %d columns", batch.Rows, len(batch.Columns))
	}
}

func TestErrorSaysWhere(t *testing.T) {
	var syntax *SyntaxError
	err := NewBuilder(Options{}).AppendJSON([]byte(`{"a":1,b}`), Record{})
	if !errors.As(err, &syntax) || syntax.Offset != 7 || err.Error() != "a name in double quotes is missing (byte 8)" {
		t.Error(err)
	}
}

func TestTimes(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	cases := []struct {
		json string
		zone *time.Location
		want string // "" for none
	}{
		{`{"@timestamp":"2024-03-05T15:15:03.120Z"}`, nil, "2024-03-05T15:15:03.12Z"},
		{`{"@timestamp":"2024-03-05T15:15:03+02:00"}`, nil, "2024-03-05T13:15:03Z"},
		{`{"@timestamp":"2024-03-05T15:15:03-0530"}`, nil, "2024-03-05T20:45:03Z"},
		{`{"@timestamp":"2024-03-05 15:15:03 UTC"}`, newYork, "2024-03-05T15:15:03Z"},
		{`{"@timestamp":"2024-03-05T15:15:03.1234567891234Z"}`, nil, "2024-03-05T15:15:03.123456789Z"},
		{`{"EventTime":"2024-03-05 10:15:01"}`, nil, "2024-03-05T10:15:01Z"},
		{`{"EventTime":"2024-03-05 10:15:01"}`, newYork, "2024-03-05T15:15:01Z"},
		{`{"EventTime":"2024-07-05T10:15:01.5"}`, newYork, "2024-07-05T14:15:01.5Z"},
		{`{"UtcTime":"2024-03-05 10:15:01.001"}`, newYork, "2024-03-05T10:15:01.001Z"},
		{`{"TimeCreated":"2020-10-19 00:28:01.5"}`, newYork, "2020-10-19T04:28:01.5Z"},
		{`{"EventTime":"2024-03-05 10:00:00","TimeCreated":"2024-03-05T11:00:00Z","UtcTime":"2024-03-05 12:00:00","@timestamp":"2024-03-05T13:00:00Z"}`, nil, "2024-03-05T13:00:00Z"},
		{`{"EventTime":"2024-03-05 10:00:00","TimeCreated":"2024-03-05T11:00:00Z","UtcTime":"2024-03-05 12:00:00"}`, nil, "2024-03-05T12:00:00Z"},
		{`{"EventTime":"2024-03-05 10:00:00","TimeCreated":"2024-03-05T11:00:00Z"}`, nil, "2024-03-05T11:00:00Z"},
		{`{"@timestamp":"2024-03-05T13:00:00Z","Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2024-03-05T09:00:00Z"}}}}}`, nil, "2024-03-05T09:00:00Z"},
		{`{"@timestamp":"yesterday","UtcTime":"2024-03-05 12:00:00"}`, nil, "2024-03-05T12:00:00Z"},
		{`{"eventTime":"2024-03-05T15:15:03Z","time":"2024-03-05T16:00:00Z"}`, nil, "2024-03-05T15:15:03Z"},
		{`{"time":1709651703}`, nil, "2024-03-05T15:15:03Z"},
		{`{"time":1709651703.25}`, nil, "2024-03-05T15:15:03.25Z"},
		{`{"timestamp":1709651703250}`, nil, "2024-03-05T15:15:03.25Z"},
		{`{"timestamp":1709651703250000}`, nil, "2024-03-05T15:15:03.25Z"},
		{`{"ts":1709651703250000000}`, nil, "2024-03-05T15:15:03.25Z"},
		{`{"time":12}`, nil, ""},
		{`{"time":-1709651703}`, nil, ""},
		{`{"time":1e300}`, nil, ""},
		{`{"@timestamp":"2024-02-29T00:00:00Z"}`, nil, "2024-02-29T00:00:00Z"},
		{`{"@timestamp":"2023-02-29T00:00:00Z"}`, nil, ""},
		{`{"@timestamp":"2024-13-05T00:00:00Z"}`, nil, ""},
		{`{"@timestamp":"2024-03-05T24:00:00Z"}`, nil, ""},
		{`{"@timestamp":"0001-01-01T00:00:00Z"}`, nil, ""},
		{`{"@timestamp":"2024-03-05T15:15:03.Z"}`, nil, ""},
		{`{"@timestamp":"2024-03-05T15:15:03 or so"}`, nil, ""},
		{`{"@timestamp":["2024-03-05T15:15:03Z"]}`, nil, ""},
		{`{"x":{"@timestamp":"2024-03-05T15:15:03Z"}}`, nil, ""},
		{`{}`, nil, ""},
	}
	for _, c := range cases {
		got := ""
		if b := batchOf(t, Options{Location: c.zone}, []byte(c.json)); b.Times[0] != NoTime {
			got = time.Unix(0, b.Times[0]).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.json, got, c.want)
		}
	}
}

// TestTimeAgrees compares the reading of times with package time's over days and
// zones.
func TestTimeAgrees(t *testing.T) {
	for day := -100_000; day < 100_000; day += 37 {
		want := time.Unix(int64(day)*86_400+int64(day%86_400), 123_000_000).In(time.FixedZone("", day%50_000/60*60))
		text := want.Format("2006-01-02T15:04:05.000Z07:00")
		if want.Year() < firstYear || want.Year() > lastYear {
			continue
		}
		got, ok := parseTime([]byte(text), time.UTC)
		if !ok || got != want.UnixNano() {
			t.Fatalf("%s: %d %t, want %d", text, got, ok, want.UnixNano())
		}
	}
}

func TestTimeRange(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	since, until := at("2024-03-05T10:00:00Z"), at("2024-03-05T11:00:00Z")
	cases := []struct {
		options Options
		json    string
		want    error
	}{
		{Options{}, `{}`, nil},
		{Options{Since: since}, `{"time":"2024-03-05T10:00:00Z"}`, nil},
		{Options{Since: since}, `{"time":"2024-03-05T09:59:59.999Z"}`, ErrOutside},
		{Options{Until: until}, `{"time":"2024-03-05T10:59:59.999Z"}`, nil},
		{Options{Until: until}, `{"time":"2024-03-05T11:00:00Z"}`, ErrOutside},
		{Options{Since: since, Until: until}, `{"x":1}`, ErrUndated},
	}
	for _, c := range cases {
		b := NewBuilder(c.options)
		if err := b.AppendJSON([]byte(c.json), Record{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.json, err, c.want)
		} else if batch := b.Batch(); err != nil && len(batch.Columns)+batch.Rows > 0 {
			t.Errorf("%s: left out, but not without a trace", c.json)
		}
	}
}

func TestAliases(t *testing.T) {
	flatEvent := []byte(`{"Channel":"a","EventID":1,"Hostname":"one"}`)
	own := []byte(`{"Channel":"a","EventID":1,"Hostname":"two","Computer":"own"}`)
	other := []byte(`{"Hostname":"of a switch"}`)
	beat := []byte(`{"winlog":{"channel":"a","event_id":1,"computer_name":"one"}}`)
	cases := []struct {
		name   string
		events [][]byte
		want   []string
	}{
		{"flat alone shares", [][]byte{flatEvent, flatEvent}, []string{"one", "one"}},
		{"an event's own field wins", [][]byte{flatEvent, own}, []string{"one", "own"}},
		{"other events have no alias", [][]byte{other, flatEvent}, []string{"", "one"}},
		{"other shapes mix", [][]byte{beat, flatEvent, other}, []string{"one", "one", ""}},
	}
	for _, c := range cases {
		b := batchOf(t, Options{}, c.events...)
		col := b.Column("Computer")
		var got []string
		for _, code := range col.Codes {
			got = append(got, col.Values[code].Text)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		seen := map[string]bool{}
		for _, v := range col.Values[1:] {
			if seen[v.Text] {
				t.Errorf("%s: %q twice in the dictionary", c.name, v.Text)
			}
			seen[v.Text] = true
		}
	}
	b := batchOf(t, Options{}, flatEvent)
	if h, c := b.Column("Hostname"), b.Column("Computer"); &h.Codes[0] != &c.Codes[0] {
		t.Error("the alias does not share its codes")
	}
}

func TestRow(t *testing.T) {
	b := batchOf(t, Options{}, []byte(`{"b":1,"a":{"x":null}}`), []byte(`{"a":{"y":["p",2]},"b":"z"}`))
	want := [][]Pair{{{"b", "1"}, {"a.x", ""}}, {{"b", "z"}, {"a.y", `["p",2]`}}}
	for i := range want {
		if got := b.Row(i); !reflect.DeepEqual(got, want[i]) {
			t.Errorf("row %d: %v, want %v", i, got, want[i])
		}
	}
}

func TestRecordsKeepTheirJSON(t *testing.T) {
	source := &Source{Name: "x"}
	b := NewBuilder(Options{})
	if err := b.AppendJSON([]byte(" \t{ \"a\" : 1.0 }\r\n"), Record{Source: source, Number: 7}); err != nil {
		t.Fatal(err)
	}
	if b.Rows() != 1 || b.Bytes() != len(`{ "a" : 1.0 }`) {
		t.Errorf("%d rows, %d bytes", b.Rows(), b.Bytes())
	}
	want := Record{Source: source, Number: 7, Raw: []byte(`{ "a" : 1.0 }`)}
	if got := b.Batch().Records[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if b.Rows() != 0 || b.Bytes() != 0 {
		t.Error("the next batch is not empty")
	}
}

// TestFull demands that events with ever new names end a batch while it is small.
func TestFull(t *testing.T) {
	b := NewBuilder(Options{})
	for i := 0; !b.Full(); i++ {
		if b.Rows() > 5000 {
			t.Fatal("a batch of 5,000 rows with 10 new columns each is not full")
		}
		var event strings.Builder
		for j := range 10 {
			fmt.Fprintf(&event, `,"%d.%d":1`, i, j)
		}
		if err := b.AppendJSON([]byte("{"+event.String()[1:]+"}"), Record{}); err != nil {
			t.Fatal(err)
		}
	}
	if batch := b.Batch(); len(batch.Columns)*batch.Rows > 2*maxCells {
		t.Errorf("%d columns, %d rows", len(batch.Columns), batch.Rows)
	}
}

// TestKeysStayBounded lets every event bring names of its own.
func TestKeysStayBounded(t *testing.T) {
	b := NewBuilder(Options{})
	for i := range 2 * maxKeys {
		if err := b.AppendJSON(fmt.Appendf(nil, `{"k%d":%d}`, i, i), Record{}); err != nil {
			t.Fatal(err)
		}
		if b.Full() {
			b.Batch()
		}
	}
	if b.scan.tree.size > maxKeys+1 {
		t.Errorf("%d keys are kept", b.scan.tree.size)
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, `{}`, `{"a":{"b":[1,2.50,{"c":null}]},"a.b":"x"}`, `{"\u0061":"\ud83d\ude00\\"}`,
		"{\"a\":\"\xff\"}", `{"a":1,"a":{"a":2}}`, ` {"a" : [ ] , "b":[[]]} `, `{"a":-0.0e-1}`,
		`{"winlog":{"event_data":{"a":1}}}`, `{"Event":{"System":{"EventID":{"#text":1}},"EventData":{"Data":[{"@Name":"a","#text":"b"},"c"]}}}`,
		`{"Channel":"x","EventID":1,"EventType":"INFO","EventTypeOrignal":"SetValue"}`, `[{"a":1}]`, `{"a":1}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := NewBuilder(Options{})
		err := b.AppendJSON(raw, Record{})
		trimmed := bytes.Trim(raw, " \t\r\n")
		want := json.Valid(trimmed) && trimmed[0] == '{'
		var syntax *SyntaxError
		if errors.As(err, &syntax) && syntax.TooBig {
			t.Skip("a bound is reached")
		}
		if (err == nil) != want {
			t.Fatalf("%q: %v, json.Valid says %t", raw, err, want)
		}
		if n, scanErr := Scan(raw); err == nil && (scanErr != nil || n > len(raw)) {
			t.Fatalf("%q: Scan says %d, %v", raw, n, scanErr)
		}
		// The names of the second one are expected.
		if again := b.AppendJSON(raw, Record{}); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Fatalf("%q: %v, then %v", raw, err, again)
		}
		batch := b.Batch()
		if err != nil && batch.Rows+len(batch.Columns) > 0 {
			t.Fatalf("%q: %v, but a row or column remains", raw, err)
		}
		if err == nil && !slices.Equal(batch.Row(0), batch.Row(1)) {
			t.Fatalf("%q: %q, then %q", raw, batch.Row(0), batch.Row(1))
		}
	})
}
