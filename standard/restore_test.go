package standard_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/standard"
)

// What a document of ours was made of comes out of it, byte for byte.
func TestRestoreOurOwn(t *testing.T) {
	for _, name := range []string{"helk", "ecs"} {
		for i, d := range documents(t, name, events(t)...) {
			r := standard.RestorerOf(d.JSON)
			if r == nil {
				t.Fatalf("%s: not recognised: %s", name, d.JSON)
			}
			if got, want := string(r.Restore(d.JSON)), strings.ToValidUTF8(events(t)[i], "\ufffd"); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

// Events that nobody standardized are left alone.
func TestRestoreNothing(t *testing.T) {
	more := []string{`{"event_original":"{broken"}`, `{"event_original":7}`, `{"event":{"original":"<Event/>"}}`, `{"log_name":"x"}`, `{"winlog":1}`, `[]`, ``, `{`}
	for _, raw := range append(events(t), more...) {
		if r := standard.RestorerOf([]byte(raw)); r != nil {
			t.Errorf("taken for standardized: %s", raw)
		}
	}
}

// Documents without the whole event, as HELK and Winlogbeat write them, are read
// backwards: rules' fields have their values again, but for lower case.
func TestRestoreForeign(t *testing.T) {
	// Left out, or written so that they can't be told any more.
	lost := map[string]bool{"RuleName": true, "ProcessID": true, "@timestamp": true}
	for _, name := range []string{"helk", "ecs"} {
		all := events(t)
		found, missed := 0, 0
		for i, d := range documents(t, name, all...) {
			raw := without(t, d.JSON)
			r := standard.RestorerOf(raw)
			before := batchOf(t, all[i])
			if r == nil {
				if before.Windows[0] && before.Column("Channel") != nil && name == "helk" && before.Column("Computer") != nil {
					t.Errorf("%s: not recognised: %s", name, raw)
				}
				continue
			}
			after := batchOf(t, string(r.Restore(raw)))
			if !after.Windows[0] {
				t.Errorf("%s: no event of Windows any more: %s", name, r.Restore(raw))
			}
			for _, c := range before.Columns {
				v := c.Values[c.Codes[0]]
				if lost[c.Name] || v.Kind != event.String && v.Kind != event.Number || !ruleFields[c.Name] || v.Text == "-" {
					continue
				}
				got := after.Column(c.Name)
				if got == nil || !same(got.Values[got.Codes[0]].Text, v.Text) {
					missed++
					if got == nil {
						t.Errorf("%s: %s = %q is lost in %s", name, c.Name, v.Text, r.Restore(raw))
					} else {
						t.Errorf("%s: %s is %q, was %q", name, c.Name, got.Values[got.Codes[0]].Text, v.Text)
					}
					continue
				}
				found++
			}
		}
		if found < 100 {
			t.Errorf("%s: only %d values were compared (%d missed)", name, found, missed)
		}
	}
}

// ruleFields are the fields that rules ask for most.
var ruleFields = func() map[string]bool {
	m := map[string]bool{}
	for _, f := range strings.Fields(`Channel EventID Provider_Name Computer Image CommandLine OriginalFileName TargetObject TargetFilename ParentImage Details
		ScriptBlockText ImageLoaded SourceImage Description ParentCommandLine TargetImage ImagePath Product PipeName Initiated Payload GrantedAccess QueryName
		DestinationIp ObjectName DestinationPort DestinationHostname ServiceName IntegrityLevel User Company CallTrace IpAddress SubjectUserName TargetUserName
		LogonType Signed NewProcessName CurrentDirectory LogonProcessName AuthenticationPackageName LogonId SubjectLogonId ProcessId ParentProcessId Operation
		ContextInfo Hashes TicketEncryptionType Status Name Query Destination`) {
		m[f] = true
	}
	return m
}()

func same(a, b string) bool {
	if strings.EqualFold(a, b) || strings.TrimPrefix(b, "::ffff:") == a {
		return true
	}
	if n, err := strconv.ParseInt(b, 0, 64); err == nil && strconv.FormatInt(n, 10) == a {
		return true
	}
	// The order of hashes is ours.
	x, y := strings.Split(a, ","), strings.Split(b, ",")
	slices.Sort(x)
	slices.Sort(y)
	return slices.EqualFunc(x, y, strings.EqualFold)
}

// without is a document without the whole event.
func without(t *testing.T, doc []byte) []byte {
	t.Helper()
	var d map[string]any
	decode(t, doc, &d)
	delete(d, "event_original")
	if e, ok := d["event"].(map[string]any); ok {
		delete(e, "original")
	}
	out, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever comes, what is restored is an object, or what it was.
func FuzzRestore(f *testing.F) {
	for _, name := range []string{"helk", "ecs"} {
		for _, d := range documents(f, name, events(f)...) {
			f.Add(string(d.JSON))
		}
	}
	f.Add(`{"log_name":"Security","event_id":4624,"host_name":"x","user_name":["a",{"b":null}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		r := standard.RestorerOf([]byte(raw))
		if r == nil || !json.Valid([]byte(raw)) {
			return
		}
		if out := r.Restore([]byte(raw)); string(out) != raw && !json.Valid(out) {
			t.Errorf("%s became %s", raw, out)
		}
	})
}
