package elastic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/sigma"
)

// DefaultIndices are those that Elastic Security searches unless told otherwise.
const DefaultIndices = "apm-*-transaction*,auditbeat-*,endgame-*,filebeat-*,logs-*,packetbeat-*,traces-apm*,winlogbeat-*,-*elastic-cloud-logs-*"

// Detection is a query as a rule of Elastic Security's detection engine.
type Detection struct {
	Rule *sigma.Rule
	// Part counts the queries of a rule that has several from 1; 0 is the only one.
	Part int
	// Type is the engine's kind of rule: query, eql or esql.
	Type string
	// Language is lucene, eql or esql.
	Language, Query string
	// Index are the indices to search; a rule of type esql names them itself.
	Index    []string
	Schedule Schedule
	// Span is the timespan of a correlation, which a run looks back over too.
	Span time.Duration
}

// apiRule is the body of a request that creates a rule through Kibana's alerting
// API; its params are those of the detection engine.
type apiRule struct {
	Name       string      `json:"name"`
	Consumer   string      `json:"consumer"`
	Enabled    bool        `json:"enabled"`
	Schedule   apiSchedule `json:"schedule"`
	Params     apiParams   `json:"params"`
	RuleTypeID string      `json:"rule_type_id"`
	Tags       []string    `json:"tags"`
	NotifyWhen string      `json:"notify_when"`
	Throttle   *string     `json:"throttle"`
	Actions    []string    `json:"actions"`
}

type apiSchedule struct {
	Interval string `json:"interval"`
}

type apiParams struct {
	Author              []string  `json:"author"`
	Description         string    `json:"description"`
	RuleID              string    `json:"ruleId"`
	FalsePositives      []string  `json:"falsePositives"`
	From                string    `json:"from"`
	To                  string    `json:"to"`
	Immutable           bool      `json:"immutable"`
	License             string    `json:"license"`
	OutputIndex         string    `json:"outputIndex"`
	Meta                meta      `json:"meta"`
	MaxSignals          int       `json:"maxSignals"`
	RiskScore           int       `json:"riskScore"`
	RiskScoreMapping    []string  `json:"riskScoreMapping"`
	Severity            string    `json:"severity"`
	SeverityMapping     []string  `json:"severityMapping"`
	Threat              []threat  `json:"threat"`
	References          []string  `json:"references"`
	Version             int       `json:"version"`
	ExceptionsList      []string  `json:"exceptionsList"`
	RelatedIntegrations []string  `json:"relatedIntegrations"`
	RequiredFields      []string  `json:"requiredFields"`
	Setup               string    `json:"setup"`
	Type                string    `json:"type"`
	Language            string    `json:"language"`
	Index               []string  `json:"index,omitempty"`
	Query               string    `json:"query"`
	Filters             *[]string `json:"filters,omitempty"`
}

// importRule is a line of the file that Elastic Security imports.
type importRule struct {
	ID                  string    `json:"id"`
	RuleID              string    `json:"rule_id"`
	Name                string    `json:"name"`
	Description         string    `json:"description"`
	Enabled             bool      `json:"enabled"`
	Severity            string    `json:"severity"`
	SeverityMapping     []string  `json:"severity_mapping"`
	RiskScore           int       `json:"risk_score"`
	RiskScoreMapping    []string  `json:"risk_score_mapping"`
	Type                string    `json:"type"`
	Language            string    `json:"language"`
	Index               []string  `json:"index,omitempty"`
	Query               string    `json:"query"`
	Filters             *[]string `json:"filters,omitempty"`
	Interval            string    `json:"interval"`
	From                string    `json:"from"`
	To                  string    `json:"to"`
	Meta                meta      `json:"meta"`
	Author              []string  `json:"author"`
	License             string    `json:"license"`
	FalsePositives      []string  `json:"false_positives"`
	References          []string  `json:"references"`
	Tags                []string  `json:"tags"`
	Threat              []threat  `json:"threat"`
	MaxSignals          int       `json:"max_signals"`
	OutputIndex         string    `json:"output_index"`
	Immutable           bool      `json:"immutable"`
	Version             int       `json:"version"`
	ExceptionsList      []string  `json:"exceptions_list"`
	RelatedIntegrations []string  `json:"related_integrations"`
	RequiredFields      []string  `json:"required_fields"`
	Setup               string    `json:"setup"`
	Throttle            string    `json:"throttle"`
	Actions             []string  `json:"actions"`
}

type meta struct {
	From string `json:"from"`
}

// maxSignals is the engine's own default.
const maxSignals = 100

// API is the rule as the body of a request to Kibana's alerting API.
func (d Detection) API() any {
	params := apiParams{
		Author: d.author(), Description: d.description(), RuleID: RuleID(d.Rule, d.Part), FalsePositives: filled(d.Rule.FalsePositives),
		From: d.Schedule.from(d.Span), To: "now", License: d.license(), Meta: meta{lookBack}, MaxSignals: maxSignals,
		RiskScore: d.risk(), RiskScoreMapping: []string{}, Severity: d.severity(), SeverityMapping: []string{},
		Threat: threats(d.Rule.Tags), References: filled(d.Rule.References), Version: 1,
		ExceptionsList: []string{}, RelatedIntegrations: []string{}, RequiredFields: []string{},
		Type: d.Type, Language: d.Language, Index: d.Index, Query: d.Query, Filters: d.filters(),
	}
	return apiRule{
		Name: d.name(), Consumer: "siem", Enabled: true, Schedule: apiSchedule{d.Schedule.String()}, Params: params,
		RuleTypeID: "siem." + d.Type + "Rule", Tags: filled(d.Rule.Tags), NotifyWhen: "onActiveAlert", Actions: []string{},
	}
}

// Import is the rule as a line of a file for the import of Elastic Security.
func (d Detection) Import() any {
	id := RuleID(d.Rule, d.Part)
	return importRule{
		ID: id, RuleID: id, Name: d.name(), Description: d.description(), Enabled: true,
		Severity: d.severity(), SeverityMapping: []string{}, RiskScore: d.risk(), RiskScoreMapping: []string{},
		Type: d.Type, Language: d.Language, Index: d.Index, Query: d.Query, Filters: d.filters(),
		Interval: d.Schedule.String(), From: d.Schedule.from(d.Span), To: "now", Meta: meta{lookBack},
		Author: d.author(), License: d.license(), FalsePositives: filled(d.Rule.FalsePositives), References: filled(d.Rule.References),
		Tags: filled(d.Rule.Tags), Threat: threats(d.Rule.Tags), MaxSignals: maxSignals, Version: 1,
		ExceptionsList: []string{}, RelatedIntegrations: []string{}, RequiredFields: []string{},
		Throttle: "no_actions", Actions: []string{},
	}
}

func (d Detection) name() string { return "SIGMA - " + Title(d.Rule, d.Part) }

// description is never empty: the engine refuses that.
func (d Detection) description() string { return cmp.Or(d.Rule.Description, "No description") }

func (d Detection) license() string { return cmp.Or(d.Rule.License, "DRL") }

func (d Detection) author() []string {
	if d.Rule.Author == "" {
		return []string{}
	}
	return []string{d.Rule.Author}
}

// filters are for queries alone.
func (d Detection) filters() *[]string {
	if d.Type == "esql" {
		return nil
	}
	return &[]string{}
}

var risks = map[string]int{"informational": 1, "low": 21, "medium": 47, "high": 73, "critical": 99}

func (d Detection) risk() int { return cmp.Or(risks[d.Rule.Level], risks["low"]) }

// severity is low also for what is informational, which the engine does not know.
func (d Detection) severity() string {
	switch d.Rule.Level {
	case "medium", "high", "critical":
		return d.Rule.Level
	}
	return "low"
}

// threat is a tactic of ATT&CK with its techniques.
type threat struct {
	Framework string      `json:"framework"`
	Tactic    reference   `json:"tactic"`
	Technique []technique `json:"technique"`
}

type reference struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Reference string `json:"reference"`
}

type technique struct {
	reference
	Subtechnique []reference `json:"subtechnique"`
}

// threats are the tactics that tags name, each with those techniques of it that
// they name too. A technique of no such tactic brings its first along.
func threats(tags []string) []threat {
	tactics, techniques := attack.OfTags(tags)
	out := []threat{}
	covered := map[string]bool{}
	add := func(tactic attack.Entry, only func(attack.Entry) bool) {
		t := threat{Framework: "MITRE ATT&CK", Tactic: referenceTo(tactic), Technique: []technique{}}
		for _, e := range techniques {
			if slices.Contains(e.Tactics, tactic.Short) && only(e) {
				covered[e.ID] = true
				t.add(e)
			}
		}
		out = append(out, t)
	}
	for _, tactic := range tactics {
		add(tactic, func(attack.Entry) bool { return true })
	}
	for _, e := range techniques {
		if !covered[e.ID] && len(e.Tactics) > 0 {
			add(attack.Lookup(e.Tactics[0]), func(other attack.Entry) bool { return !covered[other.ID] })
		}
	}
	return out
}

// add adds a technique, or a sub-technique under its own.
func (t *threat) add(e attack.Entry) {
	parent, _, sub := strings.Cut(e.ID, ".")
	at := slices.IndexFunc(t.Technique, func(x technique) bool { return x.ID == parent })
	if at < 0 {
		at = len(t.Technique)
		t.Technique = append(t.Technique, technique{referenceTo(attack.Lookup(parent)), []reference{}})
	}
	if sub {
		t.Technique[at].Subtechnique = append(t.Technique[at].Subtechnique, referenceTo(e))
	}
}

func referenceTo(e attack.Entry) reference { return reference{e.ID, e.Name, e.URL} }

// filled is a list that is never null in JSON.
func filled(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Title is a rule's title, with the number of its query where it has several.
func Title(r *sigma.Rule, part int) string {
	title := cmp.Or(r.Title, r.Name, r.ID, "untitled rule")
	if part > 1 {
		return fmt.Sprintf("%s (%d)", title, part)
	}
	return title
}
