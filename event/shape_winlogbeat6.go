package event

// winlogbeat6 is what Winlogbeat up to 6 writes: attributes at the top, the
// event's data in event_data or user_data.
//
//	{"log_name": "Security", "event_id": 4624, "event_data": {"LogonType": "3"}, …}
var winlogbeat6 = shape{
	name:    "winlogbeat 6",
	signs:   map[string]uint8{"event_data.": 1, "user_data.": 1, "event_id": 2, "log_name": 4, "source_name": 8},
	enough:  []uint8{1 | 2, 2 | 4, 2 | 8},
	windows: true,
	field: func(path string) field {
		return mapped(path, winlogbeat6Names, nil, "event_data.", "user_data.")
	},
}

var winlogbeat6Names = map[string]string{
	"activity_id":         "ActivityID",
	"computer_name":       "Computer",
	"event_id":            "EventID",
	"keywords":            "Keywords",
	"level":               "Level",
	"log_name":            "Channel",
	"message":             "Message",
	"opcode":              "Opcode",
	"process_id":          "ProcessID",
	"provider_guid":       "Provider_Guid",
	"record_number":       "EventRecordID",
	"related_activity_id": "RelatedActivityID",
	"source_name":         "Provider_Name",
	"task":                "Task",
	"thread_id":           "ThreadID",
	"user.identifier":     "UserID",
	"version":             "Version",
}
