package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/samples"
	"github.com/huntbook/huntbook/sigma"
)

const logonRule = `title: Logon
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4624}
  condition: selection
fields: [TargetUserName]
`

const logons = `{"@timestamp":"2020-09-04T10:00:00Z","Channel":"Security","EventID":4624,"Computer":"A","TargetUserName":"x"}
{"@timestamp":"2020-09-04T11:00:00Z","Channel":"Security","EventID":4625,"Computer":"A"}
{"EventTime":"2020-09-04 12:00:00","Channel":"Security","EventID":4624,"Computer":"B","TargetUserName":"y","Long":"` + "0123456789012345678901234567890123456789" + `"}
not an event
{"Channel":"Security","EventID":4624,"Computer":"C"}
`

// folderOf makes a folder with two files of logons and goes there.
func folderOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"logs/a.json", "logs/sub/b.json", "books/x/keep"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		// Not the same bytes, so that neither is taken for the other.
		if err := os.WriteFile(name, []byte(logons+strings.Repeat("\n", len(name))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// filled makes a memo as a hunt does: from one pass over data that is named from
// the working folder.
func filled(t *testing.T, rules []string, data Data, o ingest.Options, bounds Bounds) *Memo {
	t.Helper()
	preparer, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	var prepared []Prepared
	for _, text := range rules {
		parsed, diags := sigma.Parse(&diag.File{Data: []byte(text)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		p, err := preparer.Prepare(parsed[0])
		if err != nil {
			t.Fatal(err)
		}
		prepared = append(prepared, p)
	}
	scanned := o
	scanned.Since, scanned.Until, scanned.Location = data.Since, data.Until, data.Location
	r, err := ingest.Open(t.Context(), data.Paths, scanned)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	counts, events := make([]int, len(rules)), make([][]*Captured, len(rules))
	info, err := Scan(t.Context(), r, prepared, 2, func(h Hit) error {
		if counts[h.Rule]++; counts[h.Rule] <= bounds.Findings() {
			events[h.Rule] = append(events[h.Rule], Capture(h))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	absolute := data
	absolute.Paths = nil
	for _, p := range data.Paths {
		if IsPath(p, o) {
			if p, err = filepath.Abs(p); err != nil {
				t.Fatal(err)
			}
		}
		absolute.Paths = append(absolute.Paths, p)
	}
	memo := NewMemo(absolute, data.Paths, o, info.Data(), bounds)
	for i, text := range rules {
		result := NewResult(prepared[i])
		result.Count = counts[i]
		memo.Put(text, &Answer{Result: *result, Events: events[i]})
	}
	return memo
}

func noEngine(t *testing.T) func() (Engine, error) {
	return func() (Engine, error) {
		t.Error("the memo asked the engine behind it")
		return nil, errors.New("no engine")
	}
}

// answer opens data and runs a query.
func answer(t *testing.T, e Engine, data Data, q Query) (DataInfo, *Result) {
	t.Helper()
	info, err := e.Open(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	result, err := e.Run(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return info, result
}

// TestMemoAnswersAsLocal: what the memo says from the one pass is what a local
// engine finds out by itself, sources included, however the data is named.
func TestMemoAnswersAsLocal(t *testing.T) {
	dir := folderOf(t)
	day := func(hour int) time.Time { return time.Date(2020, 9, 4, hour, 0, 0, 0, time.UTC) }
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	embedded := ingest.Options{Embedded: map[string]fs.FS{"samples:": samples.Data()}}
	for _, c := range []struct {
		name string
		// given names the data from the working folder, read from the notebook's.
		given, read []string
		data        Data
		bounds      Bounds
		limit       int
	}{
		{"a file", []string{"logs/a.json"}, []string{"../../logs/a.json"}, Data{}, Bounds{}, 0},
		{"a folder", []string{"logs"}, []string{"../../logs"}, Data{}, Bounds{}, 0},
		{"a slash behind", []string{"logs/"}, []string{"../../logs"}, Data{}, Bounds{}, 0},
		{"slashes on both", []string{"logs//"}, []string{"../../logs/"}, Data{}, Bounds{}, 0},
		{"a dot before", []string{"./logs"}, []string{"../../logs"}, Data{}, Bounds{}, 0},
		{"this folder", []string{"."}, []string{"../.."}, Data{}, Bounds{}, 0},
		{"absolute", []string{filepath.Join(dir, "logs")}, []string{"../../logs"}, Data{}, Bounds{}, 0},
		{"one in the other", []string{"logs/sub", "logs"}, []string{"../../logs/sub", "../../logs"}, Data{}, Bounds{}, 0},
		{"embedded beside", []string{"samples:", "logs/a.json"}, []string{"samples:", "../../logs/a.json"}, Data{}, Bounds{}, 0},
		{"bounded in time", []string{"logs"}, []string{"../../logs"}, Data{Since: day(10), Until: day(12)}, Bounds{}, 0},
		{"a zone", []string{"logs"}, []string{"../../logs"}, Data{Location: berlin}, Bounds{}, 0},
		{"few findings", []string{"logs"}, []string{"../../logs"}, Data{}, Bounds{Limit: 2}, 0},
		{"fewer asked for", []string{"logs"}, []string{"../../logs"}, Data{}, Bounds{Limit: 4}, 1},
		{"small events", []string{"logs"}, []string{"../../logs"}, Data{}, Bounds{EventSize: 100}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			given, read := c.data, c.data
			given.Paths, read.Paths = c.given, c.read
			memo := filled(t, []string{logonRule}, given, embedded, c.bounds)
			books := filepath.Join(dir, "books", "x")
			local, err := NewLocal(books, embedded, c.bounds)
			if err != nil {
				t.Fatal(err)
			}
			q := Query{Rule: logonRule, Limit: c.limit}
			gotInfo, got := answer(t, memo.For(books, noEngine(t)), read, q)
			wantInfo, want := answer(t, local, read, q)
			if d := cmp.Diff(wantInfo, gotInfo); d != "" {
				t.Errorf("data (-local +memo):\n%s", d)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("result (-local +memo):\n%s", d)
			}
			if want.Count == 0 || len(want.Findings) == 0 {
				t.Error("nothing was found, so nothing was compared")
			}
			for _, f := range got.Findings {
				if !strings.HasPrefix(f.Source, c.read[0]) && !strings.HasPrefix(f.Source, c.read[len(c.read)-1]) {
					t.Errorf("source %q is not named as the notebook names its data", f.Source)
				}
			}
		})
	}
}

// TestMemoAsksBehind: a query or data that the pass did not have goes to the
// engine behind, and gets a true answer.
func TestMemoAsksBehind(t *testing.T) {
	dir := folderOf(t)
	memo := filled(t, []string{logonRule}, Data{Paths: []string{"logs/a.json"}}, ingest.Options{}, Bounds{Limit: 1})
	edited := strings.Replace(logonRule, "4624", "4625", 1)
	for _, c := range []struct {
		name   string
		path   string
		since  time.Time
		q      Query
		count  int
		behind bool
	}{
		{"as in the pass", "logs/a.json", time.Time{}, Query{Rule: logonRule}, 3, false},
		{"an edited rule", "logs/a.json", time.Time{}, Query{Rule: edited}, 1, true},
		{"more findings than were kept", "logs/a.json", time.Time{}, Query{Rule: logonRule, Limit: 3}, 3, true},
		{"other data", "logs", time.Time{}, Query{Rule: logonRule}, 6, true},
		{"another time", "logs/a.json", time.Date(2020, 9, 4, 11, 0, 0, 0, time.UTC), Query{Rule: logonRule}, 1, true},
	} {
		asked := false
		e := memo.For(dir, func() (Engine, error) {
			asked = true
			return NewLocal(dir, ingest.Options{}, Bounds{Limit: 1})
		})
		_, got := answer(t, e, Data{Paths: []string{c.path}, Since: c.since}, c.q)
		if got.Count != c.count || asked != c.behind {
			t.Errorf("%s: %d events, behind asked: %v; want %d, %v", c.name, got.Count, asked, c.count, c.behind)
		}
	}
}

func TestRunWithoutData(t *testing.T) {
	local, err := NewLocal(t.TempDir(), ingest.Options{}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	memo := NewMemo(Data{}, nil, ingest.Options{}, DataInfo{}, Bounds{})
	for name, e := range map[string]Engine{"local": local, "memo": memo.For(".", noEngine(t))} {
		if _, err := e.Run(t.Context(), Query{Rule: logonRule}); !errors.Is(err, ErrNoData) {
			t.Errorf("%s: error %v, want that no data is open", name, err)
		}
	}
}

// TestLocalErrors: a rule that can't be used is told with its place in the cell,
// missing data with its name.
func TestLocalErrors(t *testing.T) {
	dir := folderOf(t)
	local, err := NewLocal(dir, ingest.Options{}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), Data{Paths: []string{"nowhere.json"}}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.json") {
		t.Errorf("error of missing data is %v", err)
	}
	if _, err := local.Open(t.Context(), Data{Paths: []string{"logs"}}); err != nil {
		t.Fatal(err)
	}
	for rule, want := range map[string]string{
		"":                          "no Sigma rule",
		"title: x":                  "detection",
		"a: [":                      "",
		logonRule + "---\nfoo: bar": "",
		strings.Replace(logonRule, "EventID", "EventID|contain", 1): `did you mean "contains"?`,
	} {
		_, err := local.Run(t.Context(), Query{Rule: rule})
		if err == nil {
			t.Errorf("%q is taken for a rule", rule)
			continue
		}
		var list diag.List
		if !errors.As(err, &list) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want messages with %q", rule, err, want)
		}
	}
}

// TestScanStops: an error of the callback ends the scan and is returned.
func TestScanStops(t *testing.T) {
	folderOf(t)
	rules, _ := sigma.Parse(&diag.File{Data: []byte(logonRule)})
	preparer, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := preparer.Prepare(rules[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := ingest.Open(t.Context(), []string{"logs"}, ingest.Options{BatchRows: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	enough, n := errors.New("enough"), 0
	if _, err := Scan(t.Context(), r, []Prepared{prepared}, 2, func(Hit) error { n++; return enough }); !errors.Is(err, enough) || n != 1 {
		t.Errorf("error %v after %d calls, want the callback's after 1", err, n)
	}
}
