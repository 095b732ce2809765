package event

import "strings"

// flat is what NXLog writes, and both flat forms of the Mordor datasets: System
// attributes and event data side by side at the top.
//
//	{"Channel": "Security", "EventID": 4624, "Hostname": "WS5", "LogonType": "3", …}
var flat = shape{
	name:    "flat",
	signs:   map[string]uint8{"Channel": 1, "EventID": 2, "Provider_Name": 4, "SourceName": 4},
	enough:  []uint8{1 | 2, 2 | 4},
	field:   asIs,
	windows: true,
	repair:  swapEventTypes,
}

// alias is a second name of a flat event's field.
type alias struct{ from, to string }

var aliases = []alias{
	{"SourceName", "Provider_Name"},
	{"ProviderGuid", "Provider_Guid"},
	{"Hostname", "Computer"},
	{"RecordNumber", "EventRecordID"},
	{"ExecutionProcessID", "ProcessID"},
}

// severities are what NXLog puts into EventType, over Sysmon's field of the same
// name.
var severities = map[string]bool{
	"AUDIT_FAILURE": true, "AUDIT_SUCCESS": true, "CRITICAL": true, "DEBUG": true,
	"ERROR": true, "INFO": true, "VERBOSE": true, "WARNING": true,
}

// swapEventTypes exchanges EventType and EventTypeOrignal (it is spelled so)
// where the severity stands in EventType and Sysmon's value in the other.
func swapEventTypes(b *Builder) {
	a, o := b.known.eventType, b.known.eventTypeOriginal
	now, original, channel := b.winner(a), b.winner(o), b.winner(b.known.channel)
	if now == nil || original == nil || channel == nil ||
		!severities[string(b.text(now))] || severities[string(b.text(original))] ||
		!strings.Contains(strings.ToLower(string(b.text(channel))), "sysmon") {
		return
	}
	now.col, original.col = o, a
	a.from, o.from = o.from, a.from
	a.to, o.to = o.to, a.to
}
