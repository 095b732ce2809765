package standard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
	"github.com/huntbook/huntbook/standard"
)

// shared is the folder of the corpus that the tests may read; it is not part of
// the repository.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "corpus")); err != nil {
		t.Skip("the corpus is not here: HUNTBOOK_SHARED says where it is")
	}
	return dir
}

func load(t testing.TB, name string) *standard.Standard {
	t.Helper()
	s, err := standard.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chain is the pipelines whose rules look for a standard's fields.
func chain(t testing.TB, s *standard.Standard) *pipeline.Chain {
	t.Helper()
	p, err := pipeline.Load(s.Pipeline)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.NewChain(p)
}

// services are Sigma's names for logs, by channel.
var services = map[string]string{
	"microsoft-windows-sysmon/operational": "sysmon", "security": "security", "system": "system",
	"application": "application", "windows powershell": "powershell-classic",
	"microsoft-windows-powershell/operational":       "powershell",
	"microsoft-windows-wmi-activity/operational":     "wmi",
	"microsoft-windows-windows defender/operational": "windefend",
	"microsoft-windows-taskscheduler/operational":    "taskscheduler",
}

// ruleFor is a rule that asks for one value of one field of one event.
func ruleFor(t testing.TB, channel, id, field, value string) *sigma.Rule {
	t.Helper()
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	escaped := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(value)
	source := "product: windows"
	if s := services[strings.ToLower(channel)]; s != "" {
		source += ", service: " + s
	}
	text := fmt.Sprintf("title: t\nid: 00000000-0000-4000-8000-000000000000\nlogsource: {%s}\ndetection:\n  event: {Channel: %s, EventID: %s}\n  value: {%s: %s}\n  condition: event and value\n",
		source, quote(channel), quote(id), quote(field), quote(escaped))
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(text)})
	if len(rules) != 1 {
		t.Fatalf("%s\n%v", text, diags)
	}
	return rules[0]
}

// document is a document's values by the paths of their fields.
type document map[string][]string

func flatten(t testing.TB, text []byte) document {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	doc := document{}
	doc.add("", v)
	return doc
}

func (d document) add(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			d.add(strings.TrimPrefix(path+"."+name, "."), x)
		}
	case []any:
		for _, x := range v {
			d.add(path, x)
		}
	default:
		d[path] = append(d[path], fmt.Sprint(v))
	}
}

// matches is what a search for whole values finds, without regard to case.
func (d document) matches(t testing.TB, e ir.Expr) bool {
	switch e := e.(type) {
	case *ir.And:
		return !slices.ContainsFunc(e.X, func(x ir.Expr) bool { return !d.matches(t, x) })
	case *ir.Or:
		return slices.ContainsFunc(e.X, func(x ir.Expr) bool { return d.matches(t, x) })
	case *ir.Not:
		return !d.matches(t, e.X)
	case *ir.Match:
		values := d[strings.TrimSuffix(e.Field, ".caseless")]
		switch e.Op {
		case ir.Like:
			want, plain := e.Pattern.Plain()
			return slices.ContainsFunc(values, func(v string) bool { return plain && strings.EqualFold(v, want) })
		case ir.Number, ir.Bool:
			return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, e.Text) })
		case ir.Null:
			return len(values) == 0
		}
	}
	t.Fatalf("a rule of the test has %v", e)
	return false
}

// TestRulesFindStandardizedEvents takes a value of every field of every kind of
// event of the corpus, and a rule that asks for it: after the standard's pipeline
// the rule finds the document.
func TestRulesFindStandardizedEvents(t *testing.T) {
	corpus := filepath.Join(shared(t), "corpus")
	ctx := context.Background()
	r, err := ingest.Open(ctx, []string{
		filepath.Join(corpus, "mordor"), filepath.Join(corpus, "seed"),
		filepath.Join(corpus, "sigma", "regression_data"), filepath.Join(corpus, "evtx-attack-samples"),
	}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var finders []*finder
	for _, name := range []string{"helk", "ecs"} {
		s := load(t, name)
		finders = append(finders, &finder{name, chain(t, s), s.Writer()})
	}
	tried := map[kindOfField]bool{}
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fresh := untried(b, tried)
		for _, f := range finders {
			f.check(t, b, fresh)
		}
	}
	if len(tried) < 8000 {
		t.Errorf("only %d fields of events", len(tried))
	}
}

// kindOfField is a field of an event of a channel.
type kindOfField struct{ channel, id, field string }

// place is a field in a row that is to be looked for.
type place struct {
	kindOfField
	row   int
	value string
}

// untried are places of fields that were not tried yet.
func untried(b *event.Batch, tried map[kindOfField]bool) []place {
	channels, ids := b.Column("Channel"), b.Column("EventID")
	var list []place
	for _, c := range b.Columns {
		if carriers[c.Name] || strings.Contains(c.Name, ".") {
			continue
		}
		for row, code := range c.Codes {
			if code == 0 || !b.Windows[row] || channels == nil || channels.Codes[row] == 0 {
				continue
			}
			v := c.Values[code]
			k := kindOfField{first(channels, row), first(ids, row), c.Name}
			// Addresses are written in one way, whichever way they came in.
			if tried[k] || k.channel == "" || v.Kind == event.Null || v.Kind == event.List && len(v.Elems) == 0 || strings.HasPrefix(first(c, row), "::ffff:") {
				continue
			}
			tried[k] = true
			list = append(list, place{k, row, first(c, row)})
		}
	}
	return list
}

// finder looks for values in the documents of a standard.
type finder struct {
	name      string
	pipelines *pipeline.Chain
	writer    *standard.Writer
}

func (f *finder) check(t *testing.T, b *event.Batch, places []place) {
	t.Helper()
	if len(places) == 0 {
		return
	}
	docs := f.writer.Documents(b)
	flat := map[int]document{}
	for _, p := range places {
		if flat[p.row] == nil {
			flat[p.row] = flatten(t, docs[p.row].JSON)
		}
		asks := func(value string) ir.Expr {
			l, diags := pipeline.Lower(ruleFor(t, p.channel, p.id, p.field, value), f.pipelines)
			if l == nil {
				t.Fatalf("%v: %v", p, diags)
			}
			return l.Expr()
		}
		// A rule says a number as the standard shows it.
		found := flat[p.row].matches(t, asks(p.value))
		if n, err := strconv.ParseInt(p.value, 0, 64); err == nil && !found && hexNumbers[p.field] {
			found = flat[p.row].matches(t, asks(strconv.FormatInt(n, 10)))
		}
		if !found {
			t.Errorf("%s: %s %s %s = %q: a rule asks %v and finds nothing", f.name, p.channel, p.id, p.field, p.value, ir.Fields(asks(p.value)))
		}
	}
}

// carriers are fields of the programs that carried the event, and no rule's; Hashes
// are split.
var carriers = map[string]bool{"@timestamp": true, "@version": true, "UtcTime": true, "TimeCreated": true, "EventTime": true, "EventReceivedTime": true,
	"Hostname": true, "ProviderGuid": true, "Severity": true, "RecordNumber": true, "tags": true, "type": true, "ExecutionProcessID": true, "Category": true, "Hashes": true}

// hexNumbers are fields that a standard may write as numbers.
var hexNumbers = map[string]bool{
	"ProcessId": true, "NewProcessId": true, "SourceProcessId": true, "TargetProcessId": true, "ClientProcessId": true, "CallerProcessId": true,
	"SubjectLogonId": true, "TargetLogonId": true, "TargetLinkedLogonId": true, "LogonId": true, "LogonID": true, "NewThreadId": true,
}

func first(c *event.Column, row int) string {
	v := c.Values[c.Codes[row]]
	if v.Kind == event.List && len(v.Elems) > 0 {
		return v.Elems[0].Text
	}
	return v.Text
}
