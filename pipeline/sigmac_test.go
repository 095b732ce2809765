package pipeline

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/sigma"
)

func config(t *testing.T, text string) *Config {
	t.Helper()
	c, err := ParseSigmac("c", file("c.yml", []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSigmacLogSources(t *testing.T) {
	first := config(t, `
order: 10
logsources:
  process: {category: process_creation, product: windows, conditions: {EventID: 1}, rewrite: {product: windows, service: sysmon}}
`)
	second := config(t, `
order: 20
defaultindex: [logs-*, more-*]
logsources:
  windows: {product: windows, index: win-*}
  sysmon: {product: windows, service: sysmon, index: [win-*, sysmon-*], conditions: {Channel: Sysmon}, search: 'index=x'}
  process: {category: process_creation, index: never-*}
fieldmappings:
  EventID: event_id
  Image: [process, image]
  Signed: null
`)
	for _, c := range []struct{ source, items, want, search, unmapped string }{
		{"{product: windows, category: process_creation}", "{Image: x}",
			`event_id = 1 and Channel = "Sysmon" and (process = "x" or image = "x") in win-*, sysmon-*`, "index=x", ""},
		{"{product: windows, service: security}", "{EventID: 4, Signed: 1}", `event_id = 4 and Signed = 1 in win-*`, "", ""},
		{"{product: linux}", "{Nope: 4}", `Nope = 4 in logs-*, more-*`, "", "Nope"},
		{"{category: process_creation}", "{Image: x}", `process = "x" or image = "x" in never-*`, "", ""},
	} {
		// The order of the command line does not count.
		l, diags := Lower(ruleOf(t, c.source, c.items), NewChain(second, first))
		if l == nil {
			t.Fatal(diags)
		}
		if got := show(l.Expr()) + " in " + strings.Join(l.Index, ", "); got != c.want {
			t.Errorf("%s %s\n  gives %s\n  want  %s", c.source, c.items, got, c.want)
		}
		if got := strings.Join(l.Search, " "); got != c.search {
			t.Errorf("%s: search %q", c.source, got)
		}
		if got := strings.Join(l.Unmapped, " "); got != c.unmapped {
			t.Errorf("%s: unmapped %q, want %q", c.items, got, c.unmapped)
		}
	}
	l, _ := Lower(ruleOf(t, "{product: windows, category: process_creation}", "{A: 1}"), NewChain(first))
	if l.LogSource.Service != "sysmon" || l.LogSource.Category != "" || l.Product != "windows" {
		t.Errorf("the rewritten log source is %+v", l.LogSource)
	}
}

func TestSigmacMerging(t *testing.T) {
	text := `
logsources:
  a: {product: windows, conditions: {A: 1, B: [1, 2]}}
  b: {product: windows, service: x, conditions: {C: 3}}
`
	rule := ruleOf(t, "{product: windows, service: x}", "{D: 4}")
	for _, c := range []struct{ merging, want string }{
		{"", `A = 1 and B = (1 or 2) and C = 3 and D = 4`},
		{"logsourcemerging: and", `A = 1 and B = (1 or 2) and C = 3 and D = 4`},
		{"logsourcemerging: or", `((A = 1 and B = (1 or 2)) or C = 3) and D = 4`},
	} {
		if got := lowered(rule, NewChain(config(t, text+c.merging))); got != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.merging, got, c.want)
		}
	}
}

// What one configuration maps, the next maps on; its own conditions, in the
// target's names, are not reported as unmapped.
func TestSigmacChain(t *testing.T) {
	audit := config(t, "order: 10\nlogsources: {p: {category: process_creation, conditions: {EventID: 4688, Channel: Security}}}\nfieldmappings: {Image: NewProcessName, LogonId: SubjectLogonId}")
	target := config(t, "order: 20\nlogsources: {w: {product: windows, conditions: {win.log: x}}}\nfieldmappings: {NewProcessName: process, EventID: {category=process_creation: process_event, default: event}}")
	l, diags := Lower(ruleOf(t, "{product: windows, category: process_creation}", "{Image: a, LogonId: 1}"), NewChain(audit, target))
	if l == nil {
		t.Fatal(diags)
	}
	if got, want := show(l.Expr()), `process_event = 4688 and Channel = "Security" and win.log = "x" and process = "a" and SubjectLogonId = 1`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := strings.Join(l.Unmapped, " "); got != "Channel LogonId" {
		t.Errorf("unmapped %q", got)
	}
}

func TestSigmacConditionalMapping(t *testing.T) {
	c := config(t, `
fieldmappings:
  A: {EventID=1: one, EventID=2: [two, deux], service=security: sec, product=windows: win, default: other}
  B: {EventID=1: one}
`)
	for _, x := range []struct{ source, items, want string }{
		{"{product: x}", "{EventID: 1, A: x}", `EventID = 1 and one = "x"`},
		{"{product: x}", "{EventID: '2', A|contains: x}", `EventID = "2" and (two = "*x*" or deux = "*x*")`},
		{"{product: x}", "{EventID: 3, A: x}", `EventID = 3 and other = "x"`},
		{"{product: windows, service: security}", "{EventID: 1, A: x}", `EventID = 1 and one = "x"`},
		{"{product: windows, service: security}", "{A: x}", `sec = "x"`},
		{"{product: windows}", "{A: x}", `win = "x"`},
		{"{product: x}", "{B: x}", `B = "x"`},
	} {
		if got := lowered(ruleOf(t, x.source, x.items), NewChain(c)); got != x.want {
			t.Errorf("%s %s\n  gives %s\n  want  %s", x.source, x.items, got, x.want)
		}
	}
}

func TestSigmacErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"feildmappings: {A: b}", `c.yml:1:1: unknown key "feildmappings"; did you mean "fieldmappings"?`},
		{"fieldmappings: [a]", "c.yml:1:16: fieldmappings must be a map, this is a list"},
		{"fieldmappings: {A: {B: c}}", `c.yml:1:21: a conditional mapping has keys "field=value" and "default", this is "B"`},
		{"logsources: {x: {index: y}}", "c.yml:1:14: log source x names no category, product or service: it never matches"},
		{"logsources: {x: {product: y, rewrite: {producct: z}}}", `rewrite of log source x has no key "producct"; did you mean "product"?`},
		{"logsources: {x: {product: y, conditions: [a]}}", "log source x needs \"conditions\", a map of detection items"},
		{"logsourcemerging: xor", `logsourcemerging must be and or or, this is "xor"`},
		{"order: first", "order of a sigmac configuration must be a whole number"},
		{"transformations: []", "c.yml is a pipeline: give it with -p"},
	} {
		if _, err := ParseSigmac("c", file("c.yml", []byte(c.text))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  gives %v\n  want  %s", c.text, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "thor.yml")
	if err := os.WriteFile(path, []byte("backends: [thor]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSigmac(path, "es-qs"); err == nil || !strings.HasSuffix(err.Error(), "is not for target es-qs; it is for thor") {
		t.Errorf("got %v", err)
	}
	if _, err := LoadSigmac(path, "thor"); err != nil {
		t.Error(err)
	}
}

// shared is the folder with the corpus; a test that needs it is skipped where
// it is not.
func shared(t *testing.T) string {
	dir := os.Getenv("HUNTBOOK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "corpus", "sigmac-config")); err != nil {
		t.Skipf("skipped: the corpus is not in %s; set HUNTBOOK_SHARED to its folder", dir)
	}
	return dir
}

// Every configuration that sigmac had is read, and says nothing that makes no
// query.
func TestSigmacCorpus(t *testing.T) {
	dir := filepath.Join(shared(t), "corpus", "sigmac-config")
	var paths []string
	for _, pattern := range []string{"*.yml", "generic/*.yml"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 70 {
		t.Fatalf("only %d files", len(paths))
	}
	rule := ruleOf(t, "{product: windows, category: process_creation}", "{EventID: 1, Image: x, CommandLine: null}")
	for _, path := range paths {
		c, err := LoadSigmac(path)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if l, diags := Lower(rule, NewChain(c)); l == nil {
			t.Errorf("%s: %v", filepath.Base(path), diags)
		}
	}
}

// "-c helk" by name says what sigmac's file of that name says.
func TestBuiltinHELKIsSigmacs(t *testing.T) {
	theirs, err := LoadSigmac(filepath.Join(shared(t), "corpus", "sigmac-config", "helk.yml"), "es-qs")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := LoadSigmac("helk", "es-qs")
	if err != nil {
		t.Fatal(err)
	}
	// Their EventId is a slip of the pen: no event has such a field.
	subject := theirs.mappings["SubjectUserName"]
	for i := range subject.cases {
		subject.cases[i].field = "EventID"
	}
	if ours.Order != theirs.Order || !reflect.DeepEqual(ours.Backends, theirs.Backends) || !reflect.DeepEqual(ours.defaults, theirs.defaults) {
		t.Errorf("order %d, backends %v, default %v", ours.Order, ours.Backends, ours.defaults)
	}
	for name, names := range theirs.mappings {
		if !reflect.DeepEqual(ours.mappings[name], names) {
			t.Errorf("%s: ours %v, theirs %v", name, ours.mappings[name], names)
		}
	}
	if len(ours.mappings) != len(theirs.mappings) {
		t.Errorf("%d fields, theirs %d", len(ours.mappings), len(theirs.mappings))
	}
	for i, ls := range theirs.sources {
		if i >= len(ours.sources) || !reflect.DeepEqual(ours.sources[i], ls) {
			t.Errorf("log source %s differs", ls.name)
		}
	}
}

// windows-logsources knows what THOR's mapping, which is SigmaHQ's own, says:
// the same channels and event ids for every category and service.
func TestLogSourcesAreThors(t *testing.T) {
	thor, err := LoadSigmac(filepath.Join(shared(t), "corpus", "sigma", "thor.yml"))
	if err != nil {
		t.Fatal(err)
	}
	chain := NewChain(load(t, "windows-logsources"))
	checked := 0
	for _, ls := range thor.sources {
		if ls.match.Product != "windows" {
			continue
		}
		rule := ruleOf(t, "{product: windows}", "{A: 1}")
		rule.LogSource.Category, rule.LogSource.Service = ls.match.Category, ls.match.Service
		l, diags := Lower(rule, chain)
		if l == nil {
			t.Fatal(diags)
		}
		got := show(l.Expr())
		if !strings.Contains(got, "Channel = ") {
			t.Errorf("%s has no channel: %s", ls.name, got)
		}
		if ls.conditions != nil {
			eachItem(ls.conditions, nil, func(it *item, _ context) {
				for _, v := range it.values {
					if text := plainText(v); !strings.Contains(got, text) {
						t.Errorf("%s: %s lacks %s = %s", ls.name, got, it.origin, text)
					}
				}
			})
		}
		checked++
	}
	if checked < 70 {
		t.Errorf("only %d log sources", checked)
	}
}

func plainText(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.Number:
		return v.Text
	case sigma.String:
		return v.Pattern.String()
	}
	return "?"
}
