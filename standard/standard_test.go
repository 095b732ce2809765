package standard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/standard"
)

var update = flag.Bool("update", false, "write the golden files anew")

// batchOf makes a batch of JSON objects.
func batchOf(t testing.TB, objects ...string) *event.Batch {
	t.Helper()
	b := event.NewBuilder(event.Options{})
	source := &event.Source{Name: "test"}
	for i, o := range objects {
		if err := b.AppendJSON([]byte(o), event.Record{Source: source, Number: i + 1}); err != nil {
			t.Fatalf("%v\n%s", err, o)
		}
	}
	return b.Batch()
}

func documents(t testing.TB, name string, objects ...string) []standard.Document {
	t.Helper()
	return load(t, name).Writer().Documents(batchOf(t, objects...))
}

func events(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// The documents of a set of events under each standard stand in golden files: index
// and fields, an event each.
func TestDocuments(t *testing.T) {
	for _, name := range standard.Names() {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, d := range documents(t, name, events(t)...) {
				fmt.Fprintf(&out, "%s\n", d.Index)
				// The whole event is in each; another test looks at it.
				var doc map[string]any
				decode(t, d.JSON, &doc)
				delete(doc, "event_original")
				if e, ok := doc["event"].(map[string]any); ok {
					delete(e, "original")
				}
				enc := json.NewEncoder(&out)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				if err := enc.Encode(doc); err != nil {
					t.Fatal(err)
				}
			}
			golden(t, name+".golden", out.Bytes())
		})
	}
}

func decode(t testing.TB, data []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

// One event in all the shapes in which it may come gives the same fields.
func TestShapesGiveTheSame(t *testing.T) {
	same := map[string][]string{
		"helk": {
			"@timestamp", "action", "event_id", "log_name", "source_name", "host_name", "record_number", "process_path", "process_name", "process_id", "process_guid",
			"process_command_line", "process_parent_path", "process_parent_name", "process_parent_id", "process_integrity_level", "user_account", "user_domain", "user_name",
			"user_logon_id", "user_session_id", "hash_md5", "hash_sha1", "hash_sha256", "hash_imphash", "file_name_original", "file_description", "rule_technique_id",
		},
		"ecs": {
			"@timestamp", "event.code", "event.action", "event.module", "event.kind", "event.provider", "winlog.channel", "winlog.computer_name", "host.name",
			"process.executable", "process.name", "process.pid", "process.entity_id", "process.command_line", "process.parent.executable", "process.parent.pid",
			"process.hash.md5", "process.pe.imphash", "process.pe.original_file_name", "user.name", "user.domain", "winlog.event_data.IntegrityLevel",
		},
	}
	const shapes = 5 // the first events of the file
	// A flat event of the second form has no record number.
	missing := map[string]int{"record_number": 3}
	for name, fields := range same {
		var docs []document
		for _, d := range documents(t, name, events(t)[:shapes]...) {
			docs = append(docs, flatten(t, d.JSON))
		}
		for _, f := range fields {
			if len(docs[0][f]) == 0 {
				t.Errorf("%s: %s is not written", name, f)
			}
			for i := range docs {
				if lacks, ok := missing[f]; ok && lacks == i {
					continue
				}
				if !slices.Equal(docs[i][f], docs[0][f]) {
					t.Errorf("%s: %s is %q in shape %d and %q in shape 0", name, f, docs[i][f], i, docs[0][f])
				}
			}
		}
	}
}

// Every document is one line of JSON without a key twice, keeps the whole event,
// and has the id of the event's text.
func TestDocumentsAreWhole(t *testing.T) {
	for _, name := range standard.Names() {
		all := events(t)
		for i, d := range documents(t, name, all...) {
			checkDocument(t, name, all[i], d)
		}
	}
}

func checkDocument(t testing.TB, name, raw string, d standard.Document) {
	t.Helper()
	if bytes.ContainsAny(d.JSON, "\n\r") {
		t.Errorf("%s: a line break in %s", name, d.JSON)
	}
	if !json.Valid(d.JSON) {
		t.Fatalf("%s: no JSON: %s", name, d.JSON)
	}
	if name != standard.None {
		// Events that are left as they are may have a key twice themselves.
		if key := twice(json.NewDecoder(bytes.NewReader(d.JSON))); key != "" {
			t.Errorf("%s: key %s stands twice in %s", name, key, d.JSON)
		}
		doc := flatten(t, d.JSON)
		whole := doc[map[string]string{"helk": "event_original", "ecs": "event.original"}[name]]
		if want := strings.ToValidUTF8(raw, "\ufffd"); len(whole) != 1 || whole[0] != want {
			t.Errorf("%s: the event is kept as %q, want %q", name, whole, want)
		}
	}
	if d.ID != standard.ID([]byte(raw)) {
		t.Errorf("%s: id %s", name, d.ID)
	}
}

// twice is a key that stands twice in an object of the next value, "" for none.
func twice(d *json.Decoder) string {
	token, err := d.Token()
	if err != nil {
		return ""
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return ""
			}
			s, _ := key.(string)
			if seen[s] {
				return s
			}
			seen[s] = true
			if key := twice(d); key != "" {
				return key
			}
		}
		_, _ = d.Token()
	case json.Delim('['):
		for d.More() {
			if key := twice(d); key != "" {
				return key
			}
		}
		_, _ = d.Token()
	}
	return ""
}

// Whatever object comes, its document is sound.
func FuzzDocuments(f *testing.F) {
	for _, e := range events(f) {
		f.Add(e)
	}
	f.Add(`{"Channel":"Security","EventID":4624,"a":{"b":1},"a.b.c":2,"event_original":"x","event":{"original":"y"},"@timestamp":"never"}`)
	f.Add("{\"Channel\":\"Security\",\"EventID\":1,\"x\":\"\xff\"}")
	standards := map[string]*standard.Standard{}
	for _, name := range standard.Names() {
		standards[name] = load(f, name)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		b := event.NewBuilder(event.Options{})
		if b.AppendJSON([]byte(raw), event.Record{Source: &event.Source{}, Number: 1}) != nil {
			t.Skip()
		}
		batch := b.Batch()
		for name, s := range standards {
			docs := s.Writer().Documents(batch)
			checkDocument(t, name, string(batch.Records[0].Raw), docs[0])
		}
	})
}

// Single values, by standard, event and field.
func TestValues(t *testing.T) {
	event := func(fields string) string {
		return `{"@timestamp":"2024-03-05T15:04:06Z","Channel":"Security","EventID":4624,"SourceName":"s",` + fields + `}`
	}
	for _, c := range []struct{ standard, fields, field, want string }{
		{"helk", `"IpAddress":"-"`, "src_ip_addr", ""},
		{"helk", `"IpAddress":"::ffff:10.0.0.1"`, "src_ip_addr", "10.0.0.1"},
		{"helk", `"IpAddress":"[::1]:445"`, "src_ip_addr", "::1"},
		{"helk", `"IpAddress":"fe80::1%12"`, "src_ip_addr", "fe80::1"},
		{"helk", `"IpAddress":"LOCAL"`, "src_ip_addr", ""},
		{"helk", `"IpAddress":"LOCAL"`, "src_ip_addr_orig", "LOCAL"},
		{"helk", `"IpPort":"0"`, "src_port", "0"},
		{"helk", `"ProcessId":"0x2b8"`, "process_id", "696"},
		{"helk", `"ProcessId":"0x2b8"`, "process_id_orig", "0x2b8"},
		{"helk", `"ProcessId":"696"`, "process_id_orig", ""},
		{"helk", `"ProcessId":"99999999999999999999"`, "process_id", ""},
		{"helk", `"ProcessId":"99999999999999999999"`, "process_id_orig", "99999999999999999999"},
		{"helk", `"TargetUserName":"Ann"`, "user_name", "ann"},
		{"helk", `"TargetUserName":"WS5$"`, "meta_user_name_is_machine", "true"},
		{"helk", `"TargetUserName":["Ann","-","Bob"]`, "user_name", "ann,bob"},
		{"helk", `"TargetUserName":null`, "user_name", ""},
		{"helk", `"TargetUserName":""`, "user_name", ""},
		{"helk", `"LogonGuid":"{1-2}"`, "user_logon_guid", "1-2"},
		{"helk", `"Hostname":"A","Computer":"A"`, "Hostname", ""},
		{"helk", `"Hostname":"A","Computer":"B"`, "host_name", "b"},
		{"helk", `"Hostname":"A","Computer":"B"`, "Hostname", "A"},
		{"helk", `"Unknown":"X"`, "Unknown", "X"},
		{"helk", `"Number":12.50,"Flag":true`, "Number", "12.5"},
		{"ecs", `"IpAddress":"-"`, "source.ip", ""},
		{"ecs", `"IpAddress":"-"`, "winlog.event_data.IpAddress", "-"},
		{"ecs", `"Unknown":"X"`, "winlog.event_data.Unknown", "X"},
		{"ecs", `"TargetUserName":"Ann"`, "user.name", "Ann"},
		{"ecs", `"TargetUserName":"Ann"`, "winlog.event_data.TargetUserName", "Ann"},
		{"ecs", `"LogonType":"3"`, "winlog.logon.type", "Network"},
		{"helk", `"_id":"x","":"y"," z ":{"":1}`, "field_id", "x"},
		{"helk", `"_id":"x","":"y"," z ":{"":1}`, "field", "y"},
		{"helk", `"_id":"x","":"y"," z ":{"":1}`, "z.field", "1"},
		{"none", `"IpAddress":"-"`, "IpAddress", "-"},
	} {
		doc := flatten(t, documents(t, c.standard, event(c.fields))[0].JSON)
		if got := strings.Join(doc[c.field], ","); got != c.want {
			t.Errorf("%s, {%s}: %s is %q, want %q", c.standard, c.fields, c.field, got, c.want)
		}
	}
}

func TestIndices(t *testing.T) {
	for _, c := range []struct{ standard, event, want string }{
		{"helk", `{"Channel":"Security","EventID":1,"@timestamp":"2024-03-05T23:59:59Z"}`, "logs-endpoint-winevent-security-2024.03.05"},
		{"helk", `{"Channel":"SECURITY","EventID":1,"@timestamp":"2024-03-05T23:59:59-02:00"}`, "logs-endpoint-winevent-security-2024.03.06"},
		{"helk", `{"Channel":"Windows PowerShell","EventID":400,"@timestamp":"2024-03-05T00:00:00Z"}`, "logs-endpoint-winevent-powershell-2024.03.05"},
		{"helk", `{"Channel":"Directory Service","EventID":1,"@timestamp":"2024-03-05T00:00:00Z"}`, "logs-endpoint-winevent-additional-2024.03.05"},
		{"helk", `{"EventID":1,"Provider_Name":"Microsoft-Windows-Sysmon","@timestamp":"2024-03-05T00:00:00Z"}`, "logs-endpoint-winevent-sysmon-2024.03.05"},
		{"helk", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"@timestamp":"2024-03-05T01:00:00Z","UtcTime":"2024-03-04 23:00:00.000"}`, "logs-endpoint-winevent-sysmon-2024.03.04"},
		{"helk", `{"Channel":"Security","EventID":1}`, "logs-endpoint-winevent-security-undated"},
		{"helk", `{"eventName":"x","eventTime":"2024-03-05T00:00:00Z"}`, "logs-indexme-2024.03.05"},
		{"helk", `{"Channel":"Linux-Sysmon/Operational","EventID":1,"@timestamp":"2024-03-05T00:00:00Z"}`, "logs-indexme-2024.03.05"},
		{"ecs", `{"Channel":"Security","EventID":1,"@timestamp":"2024-03-05T00:00:00Z"}`, "winlogbeat-huntbook-2024.03.05"},
		{"ecs", `{"eventName":"x"}`, "logs-huntbook-undated"},
		{"none", `{"Channel":"Security","EventID":1,"@timestamp":"2024-03-05T00:00:00Z"}`, "events-2024.03.05"},
	} {
		if got := documents(t, c.standard, c.event)[0].Index; got != c.want {
			t.Errorf("%s, %s: index %s, want %s", c.standard, c.event, got, c.want)
		}
	}
}

// A text that is longer than a term may be is stored in pieces, none of them too
// long, that hold all of it, and every part of some length in one of them.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("äöü€-0123456789 ", 6000)
	raw, err := json.Marshal(map[string]any{"Channel": "Microsoft-Windows-PowerShell/Operational", "EventID": 4104, "ScriptBlockText": long})
	if err != nil {
		t.Fatal(err)
	}
	pieces := flatten(t, documents(t, "helk", string(raw))[0].JSON)["powershell.scriptblock.text"]
	if len(pieces) < 4 {
		t.Fatalf("%d pieces", len(pieces))
	}
	at := 0
	for i, p := range pieces {
		if len(p) > 32766 {
			t.Errorf("piece %d has %d bytes", i, len(p))
		}
		found := strings.Index(long[at:], p)
		if found < 0 || i > 0 && at+found > at+len(pieces[i-1])-2000 {
			t.Fatalf("piece %d does not overlap the one before", i)
		}
		at += found
	}
	if !strings.HasPrefix(long, pieces[0]) || !strings.HasSuffix(long, pieces[len(pieces)-1]) {
		t.Error("the beginning or the end is lost")
	}
}

func TestTemplates(t *testing.T) {
	for _, c := range []struct{ name, patterns string }{
		{"helk", `["logs-endpoint-winevent-*-*","logs-indexme-*"]`},
		{"ecs", `["winlogbeat-huntbook-*","logs-huntbook-*"]`},
	} {
		templates := load(t, c.name).Templates()
		if len(templates) != 1 || templates[0].Name != "huntbook-"+c.name {
			t.Fatalf("%s: %v", c.name, templates)
		}
		var body map[string]json.RawMessage
		decode(t, templates[0].Body, &body)
		var patterns bytes.Buffer
		if err := json.Compact(&patterns, body["index_patterns"]); err != nil || patterns.String() != c.patterns {
			t.Errorf("%s: patterns %s, want %s", c.name, patterns.String(), c.patterns)
		}
		golden(t, c.name+".template.golden", append(templates[0].Body, '\n'))
	}
	if got := load(t, standard.None).Templates(); got != nil {
		t.Errorf("none: %v", got)
	}
}

func TestLoadErrors(t *testing.T) {
	_, err := standard.Load("hekl")
	if !errors.Is(err, standard.ErrUnknown) || !strings.Contains(err.Error(), "ecs, helk, none") {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := standard.Load("there/is/none.yml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "x.yml: a standard needs a title\nx.yml: index: \"\" is no name of an index"},
		{"title: [", "x.yml:1:1: did not find expected node content"},
		{"title: t\ncolour: red", "x.yml:2:1: field colour not found in a standard"},
		{"title: t\nfields: {A: {B: c}}", "x.yml:2:1: A must become a name, a list of names or null"},
		{"title: t\nfields: {A: b, A: c}", "x.yml:2:1: A stands here twice"},
		{"title: t\nindex: {windows: A, other: o}", `index: "A" is no name of an index`},
		{"title: t\nindex: {windows: w, other: o}\nlogs: {Sysmon: [S]}", `logs: "Sysmon" stands in names of indices`},
		{"title: t\nindex: {windows: w, other: o}\nother_logs: rest\nlogs: {a: [S], b: [s]}", "logs: the channel s is in a and in b"},
		{"title: t\nindex: {windows: w, other: o}\nevents: [{logs: [a]}]", `events: there is no log "a" under logs`},
		{"title: t\nindex: {windows: w, other: o}\nderived: [{from: a, to: b, take: c}]", `derived: b: there is no function and no table "c"; functions are account-domain,`},
		{"title: t\nindex: {windows: w, other: o}\npairs: [{field: a}]", "pairs: each entry needs field, between, equals and to"},
		{"title: t\nindex: {windows: w, other: o}\ntypes: {float: [a]}", `types: there is no type "float"; there are boolean, date, ip, keyword, long`},
		{"title: t\nindex: {windows: w, other: o}\nrewrite: {a: b}", `rewrite: a: there is no function and no table "b"`},
	} {
		_, err := standard.Parse("x", &diag.File{Path: "x.yml", Data: []byte(c.text)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.text, err, c.want)
		}
	}
}

// A standard of the user's own.
func TestOwnStandard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yml")
	text := "title: Mine\nindex: {windows: 'mine-{log}-{date}', other: mine}\nother_logs: rest\nlogs: {sec: [Security]}\n" +
		"fields: {TargetUserName: who}\ntypes: {long: [EventID]}\ntemplate: {text: {type: keyword}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := documents(t, path, `{"Channel":"Security","EventID":"4624","TargetUserName":"Ann"}`)[0]
	if want := `{"Channel":"Security","EventID":4624,"who":"Ann"}`; string(d.JSON) != want || d.Index != "mine-sec-undated" {
		t.Errorf("%s %s, want %s", d.Index, d.JSON, want)
	}
	if name := load(t, path).Templates()[0].Name; name != "huntbook-mine" {
		t.Errorf("template %s", name)
	}
}
