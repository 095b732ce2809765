package hunt

import (
	"strings"
	"testing"

	"github.com/huntbook/huntbook/engine"
)

// The rules of a correlation stand in another file.
const correlated = `title: Two on a host
level: high
correlation: {type: temporal, rules: [first, second], group-by: [Computer], timespan: 3h}
`

const counted = `title: Twice the same
logsource: {product: windows, service: security}
detection: {selection: {EventID: 1}, timeframe: 2h, condition: selection | count() > 1}
`

func named(name, eventID string) string {
	return "name: " + name + "\n" + ruleText("", eventID)
}

func TestCorrelation(t *testing.T) {
	p := newGround(t, map[string]string{
		"bases.yml": named("first", "1") + "---\n" + named("second", "2"), "two.yml": correlated, "v1.yml": counted,
		"lost.yml": strings.Replace(correlated, "second", "secnd", 1),
	})
	outcome := p.hunt()
	if !outcome.Failed || len(outcome.Diagnostics) != 1 || !strings.Contains(outcome.Diagnostics[0].Error(), `lost.yml:3:46: the correlation names rule "secnd"`) {
		t.Errorf("a correlation without its rule: %v", outcome.Diagnostics)
	}
	if got, want := p.names("out"), "findings.ndjson hunt.json index.html two.ipynb v1.ipynb"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
	const a1 = `{"@timestamp":"2020-09-04T10:00:00Z","Channel":"Security","EventID":1,"Computer":"A"}`
	const b1 = `{"@timestamp":"2020-09-04T11:00:00Z","Channel":"Security","EventID":1,"Computer":"B"}`
	const a2 = `{"@timestamp":"2020-09-04T12:00:00Z","Channel":"Security","EventID":2,"Computer":"A"}`
	want := `{"rule_id":null,"rule_title":"Twice the same","rule_path":"v1.yml","level":null,"source":"logs.json","record":2,"time":"2020-09-04T11:00:00Z",` +
		`"events":[` + a1 + `,` + b1 + `],"event_count":2,"first_time":"2020-09-04T10:00:00Z","group":{}}` + "\n" +
		`{"rule_id":null,"rule_title":"Two on a host","rule_path":"two.yml","level":"high","source":"logs.json","record":3,"time":"2020-09-04T12:00:00Z",` +
		`"events":[` + a1 + `,` + a2 + `],"event_count":2,"first_time":"2020-09-04T10:00:00Z","group":{"Computer":"A"}}` + "\n"
	if got := p.files("out")["findings.ndjson"]; got != want {
		t.Errorf("findings.ndjson is\n%s, want\n%s", got, want)
	}
	states := map[string]string{}
	for _, r := range outcome.Hunt.Rules {
		states[r.Path] += string(r.State) + " "
	}
	for path, want := range map[string]string{"bases.yml": "skipped skipped ", "two.yml": "fired ", "v1.yml": "fired ", "lost.yml": "failed "} {
		if states[path] != want {
			t.Errorf("%s: %s, want %s", path, states[path], want)
		}
	}
	query := ""
	for _, c := range p.notebook("out/two.ipynb").Cells {
		if c.ID == "query" {
			query = c.Source
		}
	}
	if !strings.Contains(query, "name: first") || !strings.Contains(query, "name: second") || !strings.HasSuffix(query, correlated[:len(correlated)-1]) {
		t.Errorf("the query cell lacks the rules that the correlation names:\n%s", query)
	}
}

// TestAloneCorrelation: the notebook of a correlation gives by itself what the
// hunt wrote, with a bound too.
func TestAloneCorrelation(t *testing.T) {
	p := newGround(t, map[string]string{"bases.yml": named("first", "1") + "---\n" + named("second", "2"), "two.yml": correlated, "v1.yml": counted})
	p.alone(p.options())
	o := p.options()
	o.Bounds = engine.Bounds{Limit: 1}
	p.alone(o)
	p.write("logs.json", strings.Replace(events, `"@timestamp":"2020-09-04T11:00:00Z",`, "", 1))
	p.alone(p.options())
}
