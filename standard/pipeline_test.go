package standard_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/pipeline"
)

// channelOf is a channel in which an event of that id occurs, by the fields of the
// pipelines' mappings.
func channelOf(id string) string {
	n, _ := strconv.Atoi(id)
	switch {
	case id == "400" || id == "403" || id == "600" || id == "800":
		return "Windows PowerShell"
	case id == "4103" || id == "4104":
		return "Microsoft-Windows-PowerShell/Operational"
	case n <= 255:
		return "Microsoft-Windows-Sysmon/Operational"
	case id == "7045":
		return "System"
	case id == "16384":
		return "Application"
	case 5857 <= n && n <= 5861:
		return "Microsoft-Windows-WMI-Activity/Operational"
	case id == "1024", id == "1102":
		return "Microsoft-Windows-TerminalServices-RDPClient/Operational"
	case id == "1116":
		return "Microsoft-Windows-Windows Defender/Operational"
	}
	return "Security"
}

// where gives the ids of the events that a row of a mapping is for.
func where(row pipeline.SummaryRow) []string {
	field, values, conditional := strings.Cut(row.Where, " = ")
	switch {
	case field == "EventID":
		return strings.Split(values, ", ")
	case strings.Contains(values, "Defender"):
		return []string{"1116"}
	case conditional:
		return []string{map[string]string{
			"process_creation": "1", "powershell-classic": "400", "wmi_event": "20", "dns_query": "22", "Security": "4624",
		}[values]}
	case row.What == "IntegrityLevel", row.What == "Initiated":
		return []string{"1", "3"}
	}
	// Anywhere else: an event of which the mapping says nothing.
	return []string{"1234"}
}

// foreign are names that are not of events: those that pipelines give to parts of
// Hashes, what Defender calls otherwise, and Sigma's name for the computer.
func foreign(field string) bool {
	return strings.HasPrefix(field, "hash_") || slices.Contains([]string{"Imphash", "md5", "sha1", "sha256", "ComputerName", "ThreatName"}, field)
}

// For each entry of the standards' pipelines: the standard writes the very field
// that it names, for the events that it is for.
func TestPipelinesNameWhatIsWritten(t *testing.T) {
	for _, name := range []string{"helk", "ecs"} {
		s := load(t, name)
		p, err := pipeline.Load(s.Pipeline)
		if err != nil {
			t.Fatal(err)
		}
		chain := chain(t, s)
		rows := p.Summary().Fields
		if len(rows) < 100 {
			t.Fatalf("%s: %d rows", s.Pipeline, len(rows))
		}
		for _, row := range rows {
			if foreign(row.What) || strings.Contains(row.To, "Engine Version") || strings.HasPrefix(row.To, "winlog.event_data.") && strings.Contains(row.Where, "Defender") {
				continue
			}
			names := strings.Split(strings.ReplaceAll(row.To, ".caseless", ""), ", ")
			for _, id := range where(row) {
				if id == "" {
					t.Errorf("%s: %s where %s: an event for this is missing in the test", s.Pipeline, row.What, row.Where)
					continue
				}
				// One of these fits the type of any field.
				fits := false
				for _, value := range []string{"Sample", "4242", "10.1.2.3", "true"} {
					fits = fits || writes(t, s.ID, row.What, id, value, names) && finds(t, s.ID, chain, row.What, id, value)
				}
				if !fits {
					t.Errorf("%s: %s of event %s is to be %s (%s), and is not there", s.Pipeline, row.What, id, row.To, row.Where)
				}
			}
		}
	}
}

func sample(t *testing.T, field, id, value string) string {
	t.Helper()
	event := map[string]any{"Channel": channelOf(id), "EventID": id, "SourceName": "s", "@timestamp": "2024-03-05T15:04:06Z"}
	event[field] = value
	switch field {
	case "EventID", "Channel":
		event[field] = map[string]string{"EventID": id, "Channel": channelOf(id)}[field]
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// writes tells whether an event's document has one of the fields.
func writes(t *testing.T, standard, field, id, value string, names []string) bool {
	doc := flatten(t, documents(t, standard, sample(t, field, id, value))[0].JSON)
	return slices.ContainsFunc(names, func(n string) bool { return len(doc[n]) > 0 })
}

// finds tells whether a rule that asks for the value finds the document.
func finds(t *testing.T, standard string, chain *pipeline.Chain, field, id, value string) bool {
	switch field {
	case "EventID":
		value = id
	case "Channel":
		value = channelOf(id)
	}
	l, diags := pipeline.Lower(ruleFor(t, channelOf(id), id, field, value), chain)
	if l == nil {
		t.Fatal(diags)
	}
	return flatten(t, documents(t, standard, sample(t, field, id, value))[0].JSON).matches(t, l.Expr())
}
