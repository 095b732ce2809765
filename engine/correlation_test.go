package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

const failedLogin = `title: A login failed
name: failed_login
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625}
  condition: selection
`

const login = `title: A login
name: login
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4624}
  condition: selection
`

const manyFailed = `title: Many logins failed
name: many_failed
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [User]
  timespan: 10m
  condition: {gte: 3}
`

const guessed = `title: A password was guessed
name: guessed
correlation:
  type: temporal_ordered
  rules: [many_failed, login]
  group-by: [User]
  timespan: 10m
`

// events writes events as a log: "12:00 4625 admin", a time, an id and a user each.
func events(t *testing.T, list ...string) string {
	t.Helper()
	var b strings.Builder
	for _, e := range list {
		f := strings.Fields(e)
		event := map[string]any{"Channel": "Security", "EventID": f[1], "User": f[2], "Computer": "DC1", "Provider_Name": "p"}
		if f[0] != "-" {
			event["@timestamp"] = "2024-05-01T" + f[0] + ":00Z"
		}
		line, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	name := filepath.Join(t.TempDir(), "log.json")
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// parse reads a file of rules.
func parse(t *testing.T, docs ...string) []*sigma.Rule {
	t.Helper()
	rules, diags := sigma.Parse(&diag.File{Path: "rules.yml", Data: []byte(strings.Join(docs, "---\n"))})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return rules
}

// find runs rules over logs and shows what each hit is.
func find(t *testing.T, rules, others []*sigma.Rule, logs ...string) (string, *ScanInfo) {
	t.Helper()
	return findLate(t, 0, rules, others, logs...)
}

// findLate does so with a lateness.
func findLate(t *testing.T, lateness time.Duration, rules, others []*sigma.Rule, logs ...string) (string, *ScanInfo) {
	t.Helper()
	p, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	p.Lateness = lateness
	prepared, errs := p.PrepareAll(rules, others)
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	r, err := Open(ctx, logs, ingest.Options{}, prepared)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	info, err := Scan(ctx, r, prepared, 0, func(h Hit) error {
		s := fmt.Sprintf("%s %s", rules[h.Rule].Title, h.Time().Format("15:04"))
		if h.Match != nil {
			s += fmt.Sprintf(" %d from %s on %s", h.Match.Count, h.Match.First.Format("15:04"), h.Host())
			for _, g := range h.Match.Group {
				s += " " + g.Name + "=" + g.Value
			}
		}
		got = append(got, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, "; "), info
}

func TestCorrelations(t *testing.T) {
	log := events(t, "12:00 4625 Admin", "12:01 4625 admin", "12:02 4625 bob", "12:03 4625 admin", "12:08 4624 ADMIN", "12:09 4624 bob")
	const many = "Many logins failed 12:03 3 from 12:00 on DC1 User=Admin"
	const hit = "A password was guessed 12:08 4 from 12:00 on DC1 User=Admin"
	generate := strings.Replace(manyFailed, "  timespan", "  generate: true\n  timespan", 1)
	legacy := strings.Replace(strings.Replace(failedLogin, "condition: selection", "timeframe: 10m\n  condition: selection | count() by User >= 3", 1), "name: failed_login\n", "", 1)
	near := strings.Replace(legacy, "selection | count() by User >= 3", "selection | near other", 1)
	near = strings.Replace(near, "  timeframe", "  other: {EventID: 4624}\n  timeframe", 1)
	burst := strings.Replace(legacy, "logsource", "name: burst\nlogsource", 1)
	onBurst := strings.Replace(manyFailed, "failed_login]\n  group-by: [User]", "burst]", 1)
	onBurst = strings.Replace(onBurst, "gte: 3", "gte: 1", 1)
	aliased := strings.Replace(guessed, "[User]\n", "[who]\n  aliases: {who: {failed_login: User, login: Computer}}\n", 1)
	byUser := strings.Replace(aliased, "Computer", "User", 1)
	for _, c := range []struct {
		name   string
		docs   []string
		others []string
		want   string
	}{
		{"a correlation over an aggregation", []string{onBurst, burst}, nil, "Many logins failed 12:03 3 from 12:00 on DC1"},
		{"aliases, of a rule below a correlation too", []string{byUser, login, manyFailed, failedLogin}, nil, strings.Replace(hit, "User", "who", 1)},
		{"an alias that means another field", []string{aliased, login, manyFailed, failedLogin}, nil, ""},
		{"a rule that is named says nothing itself", []string{manyFailed, failedLogin}, nil, many},
		{"unless the correlation generates it", []string{generate, failedLogin}, nil, "A login failed 12:00; A login failed 12:01; A login failed 12:02; A login failed 12:03; " + many},
		{"a chain says what its end says", []string{guessed, login, manyFailed, failedLogin}, nil, hit},
		{"rules that were not chosen are found", []string{guessed}, []string{login, manyFailed, failedLogin}, hit},
		{"a rule that is not named", []string{manyFailed, failedLogin, login}, nil, "A login 12:08; A login 12:09; " + many},
		{"an aggregation", []string{legacy}, nil, "A login failed 12:03 3 from 12:00 on DC1 User=Admin"},
		{"near", []string{near}, nil, "A login failed 12:09 6 from 12:00 on DC1"},
	} {
		got, _ := find(t, parse(t, c.docs...), parse(t, append(c.others, login)...), log)
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestCorrelationAcrossFiles: files are read one after another, whatever their
// times.
func TestCorrelationAcrossFiles(t *testing.T) {
	later := events(t, "12:03 4625 admin", "12:08 4624 admin")
	earlier := events(t, "12:00 4625 admin", "12:01 4625 admin")
	got, _ := find(t, parse(t, guessed, login, manyFailed, failedLogin), nil, later, earlier)
	if want := "A password was guessed 12:08 4 from 12:00 on DC1 User=admin"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCorrelationNotes(t *testing.T) {
	log := events(t, "12:00 4625 admin", "- 4625 admin")
	rules := parse(t, guessed, login, strings.Replace(manyFailed, "[User]", "[User, Nowhere]", 1), failedLogin)
	_, info := find(t, rules, nil, log)
	want := "Many logins failed: 1 event has no time and was left out; Many logins failed: 1 event lacks a field to group by or to look at and was left out"
	if got := strings.Join(info.CorrelationNotes(0), "; "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestPrepareAllErrors(t *testing.T) {
	const unmatched = "title: t\nname: failed_login\nlogsource: {product: windows}\ndetection:\n  selection:\n    F|expand: '%nobody%'\n  condition: selection\n"
	for _, c := range []struct {
		name string
		docs []string
		want string
	}{
		{"a rule that is not there", []string{manyFailed, login},
			`rules.yml:5:11: the correlation names rule "failed_login", which is not among the rules that were read`},
		{"a misspelt one", []string{manyFailed, strings.Replace(failedLogin, "failed_", "faild_", 1)},
			`rules.yml:5:11: the correlation names rule "failed_login", which is not among the rules that were read; did you mean "faild_login"?`},
		{"one that can't be matched", []string{manyFailed, unmatched}, `rules.yml:5:11: rule "failed_login" can't be used: placeholder %nobody% has no value`},
	} {
		p, err := NewPreparer()
		if err != nil {
			t.Fatal(err)
		}
		_, errs := p.PrepareAll(parse(t, c.docs...), nil)
		if errs[0] == nil || !strings.HasPrefix(errs[0].Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.name, errs[0], c.want)
		}
	}
	p, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	_, errs := p.PrepareAll(parse(t, manyFailed, guessed, login), nil)
	if want := "rules.yml:13:3: the correlation stands on one that can't be used"; errs[1] == nil || errs[1].Error() != want {
		t.Errorf("what stands on a broken correlation\n got %v\nwant %s", errs[1], want)
	}
}

// TestCorrelationText: a correlation with what it stands on is one text, which
// answers as the set of rules does.
func TestCorrelationText(t *testing.T) {
	log := events(t, "12:00 4625 Admin", "12:01 4625 admin", "12:03 4625 admin", "12:08 4624 ADMIN")
	const collection = "action: global\nlevel: high\nlogsource: {product: windows, service: security}\n---\n" +
		"title: A login failed\nname: failed_login\ndetection:\n  selection: {EventID: 4625}\n  condition: selection\n"
	rules := parse(t, collection, "action: reset\n", guessed, login, manyFailed)
	p, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	prepared, errs := p.PrepareAll(rules[1:2], rules)
	if errs[0] != nil || rules[1].Name != "guessed" {
		t.Fatal(errs, rules[1].Name)
	}
	local, err := NewLocal(".", ingest.Options{}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := local.Open(ctx, Data{Paths: []string{log}}); err != nil {
		t.Fatal(err)
	}
	// The specification's examples have the correlation first.
	for _, text := range []string{prepared[0].Text(), guessed + "---\n" + manyFailed + "---\n" + failedLogin + "---\n" + login} {
		result, err := local.Run(ctx, Query{Rule: text})
		if err != nil {
			t.Fatal(err, text)
		}
		if result.Title != "A password was guessed" || result.Count != 1 || !result.Correlation {
			t.Fatalf("got %+v", result)
		}
		f := result.Findings[0]
		want := []Field{{"User", "Admin"}, {"event_count", "4"}, {"first_time", "2024-05-01 12:00:00Z"}}
		if fmt.Sprint(f.Values) != fmt.Sprint(want) || f.Record != 4 || f.Time.Format("15:04") != "12:08" {
			t.Errorf("got %+v, want %v", f, want)
		}
		var objects []map[string]any
		if err := json.Unmarshal(f.Event, &objects); err != nil || len(objects) != 4 || objects[3]["EventID"] != "4624" {
			t.Errorf("the finding's events are %s (%v), want four, the login last", f.Event, err)
		}
	}
}

func TestMatchJSONIsBounded(t *testing.T) {
	m := &Match{Events: []*Captured{{Raw: []byte(`{"a":1}`)}, {}, {Raw: []byte(`{"b":2}`)}, {Raw: []byte(`{"c":3}`)}}}
	for _, c := range []struct {
		size int
		want string
	}{{1000, `[{"a":1},{"b":2},{"c":3}]`}, {17, `[{"a":1},{"b":2}]`}, {16, `[{"a":1}]`}, {1, `[{"a":1}]`}} {
		if got := string(m.json(c.size)); got != c.want {
			t.Errorf("%d bytes: %s, want %s", c.size, got, c.want)
		}
	}
}

// TestEachVisitsOnce: what stands below in very many ways is visited once.
func TestEachVisitsOnce(t *testing.T) {
	base := &Prepared{}
	below := []correlationInput{{base: base}}
	for range 12 {
		var layer []correlationInput
		for range 30 {
			layer = append(layer, correlationInput{below: &Correlation{inputs: below}})
		}
		below = layer
	}
	visits := 0
	(&Correlation{inputs: below}).each(func(p *Prepared) {
		if visits++; p != base || visits > 1 {
			t.Fatalf("visit %d of %p", visits, p)
		}
	})
	if visits != 1 {
		t.Errorf("%d visits", visits)
	}
}
