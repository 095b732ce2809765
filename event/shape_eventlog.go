package event

import "strings"

// eventLog is the event's XML written as JSON, as evtx_dump, Chainsaw's reader
// and converters of XML give it. They differ in how they write attributes:
//
//	{"Event": {"System": {"Provider": {"#attributes": {"Name": "…"}}, …}, "EventData": {"Image": "…"}}}
//	{"Event": {"System": {"Provider_attributes": {"Name": "…"}, …}, …}}
//	{"Event": {"System": {"Provider": {"@Name": "…"}, …}, "EventData": {"Data": [{"@Name": "Image", "#text": "…"}]}}}
//	{"System": {"Provider": {"Name": "…"}, "EventID": {"Value": 1}, …}, "EventData": {"Image": "…"}}
var eventLog = shape{
	name:    "Event.System",
	signs:   map[string]uint8{"Event.System.": 1, "System.Channel": 2, "System.EventRecordID": 4},
	enough:  []uint8{1, 2 | 4},
	field:   eventLogField,
	windows: true,
	repair:  pairData,
}

// systemNames are the paths under System, attributes written plainly.
var systemNames = map[string]string{
	"Channel":                       "Channel",
	"Computer":                      "Computer",
	"Correlation.ActivityID":        "ActivityID",
	"Correlation.RelatedActivityID": "RelatedActivityID",
	"EventID":                       "EventID",
	"EventID.Qualifiers":            "Qualifiers",
	"EventID.Value":                 "EventID",
	"EventRecordID":                 "EventRecordID",
	"Execution.ProcessID":           "ProcessID",
	"Execution.ThreadID":            "ThreadID",
	"Keywords":                      "Keywords",
	"Level":                         "Level",
	"Opcode":                        "Opcode",
	"Provider.Guid":                 "Provider_Guid",
	"Provider.Name":                 "Provider_Name",
	"Qualifiers":                    "Qualifiers",
	"Security.UserID":               "UserID",
	"Task":                          "Task",
	"TimeCreated.SystemTime":        "TimeCreated",
	"Version":                       "Version",
}

// plainAttributes writes the spellings of an attribute and of an element's text
// in one way.
var plainAttributes = strings.NewReplacer("_attributes.", ".", "#attributes.", "", "@", "", ".#text", "")

func eventLogField(path string) field {
	inner := strings.TrimPrefix(path, "Event.")
	if rest, ok := strings.CutPrefix(inner, "System."); ok {
		if name, ok := systemNames[plainAttributes.Replace(rest)]; ok {
			return field{name: name}
		}
		return field{name: path}
	}
	if rest, ok := strings.CutPrefix(inner, "UserData."); ok {
		// The data lies in one more element whose name is the provider's.
		if _, data, ok := strings.Cut(rest, "."); ok {
			rest = data
		}
		return dataField(path, rest)
	}
	if rest, ok := strings.CutPrefix(inner, "EventData."); ok {
		switch plainAttributes.Replace(rest) {
		case "Data.Name":
			return field{part: dataName}
		case "Data":
			if rest != "Data" {
				return field{part: dataText}
			}
		}
		return dataField(path, rest)
	}
	return field{name: path}
}

// dataField names an element of the data; attributes of the element around it
// stay at their path.
func dataField(path, name string) field {
	if strings.HasPrefix(name, "#attributes") || strings.HasPrefix(name, "@") || strings.HasPrefix(name, "xmlns") {
		return field{name: path}
	}
	return field{name: strings.TrimSuffix(name, ".#text"), weight: eventData}
}

// pairData makes fields of Data elements that have their name beside them; text
// without a name is the field Data.
func pairData(b *Builder) {
	if !b.paired {
		return
	}
	entries := b.scan.entries
	name, text := int32(-1), int32(-1)
	flush := func() {
		switch {
		case name >= 0 && text >= 0:
			c := b.wantedColumn(string(b.text(&entries[name])))
			entries[text].list = 0
			b.offer(text, c, eventData)
		case name >= 0: // an empty element
			c := b.wantedColumn(string(b.text(&entries[name])))
			entries[name].list, entries[name].end = 0, entries[name].start
			b.offer(name, c, eventData)
		case text >= 0:
			b.offer(text, b.wantedColumn("Data"), eventData)
		}
		name, text = -1, -1
	}
	var list, item uint32
	for i := range entries {
		e := &entries[i]
		p := e.part
		if e.dead || e.kind == List || p == whole {
			continue
		}
		if e.list != list || e.item != item || p == dataName && name >= 0 || p == dataText && text >= 0 {
			flush()
			list, item = e.list, e.item
		}
		if p == dataName {
			name = int32(i)
		} else {
			text = int32(i)
		}
	}
	flush()
}
