package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// field is a name and a value, in the order in which they are written.
type field struct {
	name  string
	value any
}

// event is an entry of a log.
type event struct {
	time    time.Time
	host    *host
	id      int
	channel string
	source  provider
	task    int
	version int
	// category, kind and account are NXLog's; kind is its EventType.
	category, kind string
	account        *user
	failure        bool
	data           []field
	message        string
}

type provider struct {
	name, guid string
	keywords   int64
	pid        int
}

var (
	sysmonLog     = provider{"Microsoft-Windows-Sysmon", "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}", -9223372036854775808, 3188}
	securityLog   = provider{"Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-A5BA-3E3B0328C30D}", -9214364837600034816, 716}
	eventlogLog   = provider{"Microsoft-Windows-Eventlog", "{FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148}", 4620693217682128896, 1212}
	powershellLog = provider{"Microsoft-Windows-PowerShell", "{A0C1853B-5C40-4B15-8766-3CF1C58F985A}", 0, 0}
	servicesLog   = provider{"Service Control Manager", "{555908D1-A6D7-4695-8E1E-26931D2012F4}", -9187343239835811840, 692}
)

const (
	sysmonChannel     = "Microsoft-Windows-Sysmon/Operational"
	securityChannel   = "Security"
	powershellChannel = "Microsoft-Windows-PowerShell/Operational"
	systemChannel     = "System"
)

// unrendered are the frequent events of which the collector kept no message, as
// it happens to collectors; with all of them the sample would be twice as large.
var unrendered = map[int]bool{
	3: true, 5: true, 7: true, 10: true, 11: true, 12: true, 13: true, 17: true, 22: true,
	4634: true, 4672: true, 4688: true,
}

const auditFailure = -9218868437227405312

// emit adds an event that the rules given must find.
func (w *world) emit(e *event, rules ...ruleID) {
	w.events = append(w.events, e)
	for _, r := range rules {
		w.found[r]++
	}
}

// append writes the event as NXLog forwards it and Logstash keeps it.
func (e *event) append(out []byte, record int) []byte {
	keywords, severity, level := e.source.keywords, "INFO", 2
	kind := e.kind
	if e.channel == securityChannel {
		kind = "AUDIT_SUCCESS"
		if e.failure {
			kind, keywords, severity, level = "AUDIT_FAILURE", auditFailure, "ERROR", 4
		}
	}
	fields := []field{
		{"@timestamp", e.time.Format("2006-01-02T15:04:05.000Z")},
		{"EventTime", e.time.Format("2006-01-02 15:04:05")},
		{"EventReceivedTime", e.time.Format("2006-01-02 15:04:05")},
		{"RecordNumber", record},
		{"Hostname", e.host.fqdn()},
		{"Channel", e.channel},
		{"EventID", e.id},
		{"SourceName", e.source.name},
		{"ProviderGuid", e.source.guid},
		{"Keywords", keywords},
		{"Severity", severity},
		{"SeverityValue", level},
		{"Task", e.task},
		{"Version", e.version},
		{"Opcode", "Info"},
		{"OpcodeValue", 0},
		{"ExecutionProcessID", e.source.pid},
		{"ThreadID", e.source.pid + 36},
	}
	if e.kind != "" && e.channel == sysmonChannel {
		fields = append(fields, field{"EventTypeOrignal", "INFO"}) // so spelled by the collector
	}
	if kind == "" {
		kind = "INFO"
	}
	fields = append(fields, field{"EventType", kind})
	if e.category != "" {
		fields = append(fields, field{"Category", e.category})
	}
	if a := e.account; a != nil {
		fields = append(fields, field{"AccountName", a.name}, field{"Domain", a.domain},
			field{"UserID", a.sid}, field{"AccountType", "User"})
	}
	fields = append(fields, e.data...)
	if e.message != "" {
		fields = append(fields, field{"Message", e.message})
	} else {
		fields = append(fields, field{"ERROR_EVT_UNRESOLVED", true})
	}
	fields = append(fields,
		field{"SourceModuleName", "eventlog"},
		field{"SourceModuleType", "im_msvistalog"},
		field{"host", "wec01." + dnsName},
		field{"port", 51514},
		field{"tags", []string{"huntbookSample"}},
		field{"@version", "1"},
	)
	return appendObject(out, fields)
}

func appendObject(out []byte, fields []field) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	out = append(out, '{')
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		for j, part := range []any{f.name, f.value} {
			b.Reset()
			if err := enc.Encode(part); err != nil {
				panic(err) // the values are texts, numbers and lists of texts
			}
			out = append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
			if j == 0 {
				out = append(out, ':')
			}
		}
	}
	return append(out, '}')
}

// sentence writes the message of an event: a headline, then a line a field.
func sentence(headline, indent string, data []field) string {
	var b strings.Builder
	b.WriteString(headline)
	for _, f := range data {
		b.WriteString("\r\n" + indent + f.name + ": ")
		b.WriteString(f.value.(string))
	}
	return b.String()
}
