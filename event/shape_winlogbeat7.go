package event

// winlogbeat7 is what Winlogbeat 7 and 8 and the Elastic Agent write: everything
// of the event log under winlog, ECS fields beside it.
//
//	{"winlog": {"channel": "Security", "event_id": 4624, "event_data": {"LogonType": "3"}, …}, …}
var winlogbeat7 = shape{
	name:    "winlogbeat 7",
	signs:   map[string]uint8{"winlog.": 1},
	enough:  []uint8{1},
	windows: true,
	field: func(path string) field {
		return mapped(path, winlogbeat7Names, winlogbeat7StandIns, "winlog.event_data.", "winlog.user_data.")
	},
}

var winlogbeat7Names = map[string]string{
	"message":                    "Message",
	"winlog.activity_id":         "ActivityID",
	"winlog.channel":             "Channel",
	"winlog.computer_name":       "Computer",
	"winlog.event_id":            "EventID",
	"winlog.keywords":            "Keywords",
	"winlog.level":               "Level",
	"winlog.opcode":              "Opcode",
	"winlog.process.pid":         "ProcessID",
	"winlog.process.thread.id":   "ThreadID",
	"winlog.provider_guid":       "Provider_Guid",
	"winlog.provider_name":       "Provider_Name",
	"winlog.record_id":           "EventRecordID",
	"winlog.related_activity_id": "RelatedActivityID",
	"winlog.task":                "Task",
	"winlog.user.identifier":     "UserID",
	"winlog.version":             "Version",
}

// winlogbeat7StandIns are ECS fields that say the same as a field of winlog that
// an event may lack.
var winlogbeat7StandIns = map[string]string{
	"event.code":     "EventID",
	"event.provider": "Provider_Name",
	"log.level":      "Level",
}
