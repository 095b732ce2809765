// Package esrule writes rules for the detection engine of Elastic Security, with
// query strings as es-qs has them.
package esrule

import (
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is es-rule.
var Target = &backend.Target{
	Name:        "es-rule",
	Families:    []string{"elasticsearch"},
	Description: "Rules for the detection engine of Elastic Security: a rule a line, for its import, with the query string of es-qs.",
	Reference:   "https://www.elastic.co/docs/api/doc/kibana/operation/operation-importrules",
	Limits:      elastic.QueryStringLimits(),
	Formats:     []backend.Format{{Name: "default", Description: "a detection rule as a line of a file to import", Extension: "ndjson"}},
	Options:     append(append(elastic.SigmacOptions(), elastic.ScheduleOptions()...), elastic.IndexOption(elastic.DefaultIndices)),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
condition: selection`,
		Query: `{
  "id": "c374c4f5-b8cd-5147-bd20-83f1a3bc3192",
  "rule_id": "c374c4f5-b8cd-5147-bd20-83f1a3bc3192",
  "name": "SIGMA - t",
  "description": "No description",
  "enabled": true,
  "severity": "low",
  "severity_mapping": [],
  "risk_score": 21,
  "risk_score_mapping": [],
  "type": "query",
  "language": "lucene",
  "index": [
    "apm-*-transaction*",
    "auditbeat-*",
    "endgame-*",
    "filebeat-*",
    "logs-*",
    "packetbeat-*",
    "traces-apm*",
    "winlogbeat-*",
    "-*elastic-cloud-logs-*"
  ],
  "query": "Image.keyword:*\\\\powershell.exe",
  "filters": [],
  "interval": "5m",
  "from": "now-360s",
  "to": "now",
  "meta": {
    "from": "1m"
  },
  "author": [],
  "license": "DRL",
  "false_positives": [],
  "references": [],
  "tags": [],
  "threat": [],
  "max_signals": 100,
  "output_index": "",
  "immutable": false,
  "version": 1,
  "exceptions_list": [],
  "related_integrations": [],
  "required_fields": [],
  "setup": "",
  "throttle": "no_actions",
  "actions": []
}`,
	},
	New: newWriter,
}

type writer struct {
	elastic.QueryString
	indices  string
	schedule elastic.Schedule
}

func newWriter(_ string, o map[string]string) (backend.Backend, error) {
	fields, err := elastic.NewFields(o)
	if err != nil {
		return nil, err
	}
	schedule, err := elastic.NewSchedule(o)
	return &writer{elastic.QueryString{Fields: fields, Bare: true, Whole: true}, o["index_names"], schedule}, err
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := w.QueryString.Query(l, e)
	if err != nil {
		return nil, err
	}
	return elastic.Detection{
		Rule: l.Rule, Part: elastic.Part(l, e), Type: "query", Language: "lucene", Query: text,
		Index: elastic.Indices(l, w.indices), Schedule: w.schedule,
	}.Import(), nil
}
