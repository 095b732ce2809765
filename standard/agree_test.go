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
	dir := shared(t)
	type key struct{ channel, id, field string }
	for _, name := range []string{"helk", "ecs"} {
		t.Run(name, func(t *testing.T) {
			s := load(t, name)
			pipelines := chain(t, s)
			writer := s.Writer()
			ctx := context.Background()
			r, err := ingest.Open(ctx, []string{filepath.Join(dir, "corpus", "mordor"), filepath.Join(dir, "corpus", "seed"),
				filepath.Join(dir, "corpus", "sigma", "regression_data"), filepath.Join(dir, "corpus", "evtx-attack-samples")}, ingest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			tried := map[key]int{}
			failed := map[key]string{}
			for {
				b, err := r.Next(ctx)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				var docs []standard.Document
				channels, ids := b.Column("Channel"), b.Column("EventID")
				flat := map[int]document{}
				for _, c := range b.Columns {
					for row, code := range c.Codes {
						if code == 0 || !b.Windows[row] || channels == nil {
							continue
						}
						v := c.Values[code]
						k := key{first(channels, row), first(ids, row), c.Name}
						if k.channel == "" {
							continue
						}
						if v.Kind == event.Null || v.Kind == event.List && len(v.Elems) == 0 || tried[k] >= 2 || systemFields[c.Name] || strings.Contains(c.Name, ".") ||
							strings.HasPrefix(first(c, row), "::ffff:") {
							continue
						}
						tried[k]++
						if docs == nil {
							docs = writer.Documents(b)
						}
						if flat[row] == nil {
							flat[row] = flatten(t, docs[row].JSON)
						}
						asks := func(value string) ir.Expr {
							l, diags := pipeline.Lower(ruleFor(t, k.channel, k.id, k.field, value), pipelines)
							if l == nil {
								t.Fatalf("%v: %v", k, diags)
							}
							return l.Expr()
						}
						// A rule says a number as the standard shows it.
						found := flat[row].matches(t, asks(first(c, row)))
						if n, err := strconv.ParseInt(first(c, row), 0, 64); err == nil && !found && hexNumbers[c.Name] {
							found = flat[row].matches(t, asks(strconv.FormatInt(n, 10)))
						}
						if !found {
							failed[k] = fmt.Sprintf("%q: the rule asks %v", first(c, row), ir.Fields(asks(first(c, row))))
						}
					}
				}
			}
			t.Logf("%d fields of events", len(tried))
			for k, what := range failed {
				t.Errorf("%s %s %s: %s", k.channel, k.id, k.field, what)
			}
		})
	}
}

// systemFields are of the programs that carried the event, and no rule's.
var systemFields = map[string]bool{"@timestamp": true, "@version": true, "UtcTime": true, "TimeCreated": true, "EventTime": true, "EventReceivedTime": true,
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
