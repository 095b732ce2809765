package against

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

const events = `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"a.exe","CommandLine":"a","ParentUser":""}
{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":11,"Image":"a.exe","TargetFilename":"b"}
{"Channel":"Security","EventID":4624,"LogonType":3,"TargetUserName":"u"}
{"Channel":"Security","EventID":4697,"ServiceName":"s"}
{"eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"type":"Root"}}
`

// Which fields of a rule are missed: those that no event of its log source and
// event ids has.
func TestLook(t *testing.T) {
	data := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(data, []byte(events), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, source, detection, want string }{
		{"all there", "product: windows, category: process_creation", "s: {Image: a, CommandLine: b}, condition: s", ""},
		{"other category has it", "product: windows, category: process_creation", "s: {TargetFilename: a}, condition: s", "TargetFilename"},
		{"letter case", "product: windows, category: process_creation", "s: {commandline: a}, condition: s", "commandline CommandLine"},
		{"a letter less", "product: windows, category: file_event", "s: {TargetFilname: a}, condition: s", "TargetFilname TargetFilename"},
		{"nothing like it", "product: windows, category: process_creation", "s: {Signature: a}, condition: s", "Signature"},
		{"twice", "product: windows, category: process_creation", "s: [{Hash: a}, {Hash: b}], t: {Hash: c}, condition: s or t", "Hash"},
		{"absence is asked for", "product: windows, category: process_creation", "s: {Image: a}, f: {User: null}, g: {Hash|exists: false}, h: {Md5: ''}, condition: s and not f and not g and not h", ""},
		{"keywords", "product: windows, service: security", "k: [a, b], condition: k", ""},
		{"by event id", "product: windows, service: security", "s: {EventID: 4624, ServiceName: a}, condition: s", "ServiceName"},
		{"by event id elsewhere", "product: windows, service: security", "s: {EventID: '4697'}, t: {LogonType: 3}, condition: s and t", "LogonType"},
		{"no such event", "product: windows, service: security", "s: {EventID: 1102, Hash: a}, condition: s", ""},
		{"no such log", "product: windows, service: system", "s: {Hash: a}, condition: s", "none"},
		{"a log that nothing tells apart", "product: aws, service: cloudtrail", "s: {eventName: a, errorCode: b}, condition: s", "errorCode"},
		{"another log that nothing tells apart", "product: okta, service: okta", "s: {displayMessage: b}, condition: s", "none"},
		{"of the other product", "product: aws, service: cloudtrail", "s: {eventName: a, Image: b}, condition: s", "Image"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "title: x\nlogsource: {" + c.source + "}\ndetection: {" + c.detection + "}\n"
			rules, diags := sigma.Parse(&diag.File{Path: "r.yml", Data: []byte(text)})
			if len(rules) != 1 {
				t.Fatal(diags)
			}
			r, err := ingest.Open(context.Background(), []string{data}, ingest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := Look(context.Background(), rules, r)
			if err != nil {
				t.Fatal(err)
			}
			if got.Events != 5 || got.Rules != 1 || (got.Concerned == 0) != (c.want == "none") {
				t.Errorf("%+v", got)
			}
			var fields []string
			for _, f := range got.Findings {
				name, _, _ := strings.Cut(strings.TrimPrefix(f.Message, `field "`), `"`)
				fields = append(fields, name)
				if _, near, ok := strings.Cut(f.Hint, `"`); ok {
					fields = append(fields, strings.TrimSuffix(near, `"?`))
				}
				column := strings.Index(strings.Split(text, "\n")[2], name) + 1
				if f.Pos != (diag.Pos{Line: 3, Column: column}) || f.Width != len(name) {
					t.Errorf("place %v+%d", f.Pos, f.Width)
				}
			}
			if s := strings.Join(fields, " "); s != strings.TrimPrefix(c.want, "none") {
				t.Errorf("missed %q, want %q", s, c.want)
			}
		})
	}
}
