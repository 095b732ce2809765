// Package xpackwatcher writes watches for Elasticsearch's Watcher, with query strings
// as es-qs has them.
package xpackwatcher

import (
	"regexp"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is xpack-watcher.
var Target = &backend.Target{
	Name:        "xpack-watcher",
	Families:    []string{"elasticsearch"},
	Description: "Watches for Elasticsearch's Watcher that log how often a rule matched, with the query string of es-qs.",
	Reference:   "https://www.elastic.co/docs/explore-analyze/alerting/watcher/how-watcher-works",
	Limits: append(elastic.QueryStringLimits(),
		"A watch looks at the time since its last run and a minute more, by the field @timestamp.",
		"A watch writes to Elasticsearch's log; other actions are yours to add."),
	Formats: []backend.Format{
		{Name: "default", Description: "the body of the request that puts the watch", Extension: "json"},
		{Name: "curl", Description: "a command that puts the watch", Extension: "sh"},
	},
	Options: append(append(elastic.SigmacOptions(), elastic.ScheduleOptions()...),
		elastic.IndexOption("*"),
		backend.Option{Name: "es", Default: "localhost:9200", Description: "the server that the command of the format curl asks"},
	),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
condition: selection`,
		Query: `{
  "trigger": {
    "schedule": {
      "interval": "5m"
    }
  },
  "input": {
    "search": {
      "request": {
        "indices": [
          "*"
        ],
        "body": {
          "query": {
            "bool": {
              "filter": [
                {
                  "range": {
                    "@timestamp": {
                      "gt": "{{ctx.trigger.scheduled_time}}||-5m-1m",
                      "lte": "{{ctx.trigger.scheduled_time}}"
                    }
                  }
                },
                {
                  "query_string": {
                    "query": "Image.keyword:*\\\\powershell.exe"
                  }
                }
              ]
            }
          },
          "size": 0
        }
      }
    }
  },
  "condition": {
    "compare": {
      "ctx.payload.hits.total": {
        "gt": 0
      }
    }
  },
  "actions": {
    "log": {
      "logging": {
        "text": "{{ctx.metadata.name}} ({{ctx.metadata.level}}): {{ctx.payload.hits.total}} events"
      }
    }
  },
  "metadata": {
    "rule_id": "c374c4f5-b8cd-5147-bd20-83f1a3bc3192",
    "name": "t",
    "description": "",
    "level": "",
    "tags": []
  }
}`,
	},
	New: newWriter,
}

type writer struct {
	elastic.QueryString
	format, indices, server string
	schedule                elastic.Schedule
}

func newWriter(format string, o map[string]string) (backend.Backend, error) {
	fields, err := elastic.NewFields(o)
	if err != nil {
		return nil, err
	}
	schedule, err := elastic.NewSchedule(o)
	return &writer{elastic.QueryString{Fields: fields, Bare: true, Whole: true}, format, o["index_names"], o["es"], schedule}, err
}

type watch struct {
	Trigger   trigger   `json:"trigger"`
	Input     input     `json:"input"`
	Condition condition `json:"condition"`
	Actions   actions   `json:"actions"`
	Metadata  metadata  `json:"metadata"`
}

type trigger struct {
	Schedule struct {
		Interval string `json:"interval"`
	} `json:"schedule"`
}

type input struct {
	Search struct {
		Request request `json:"request"`
	} `json:"search"`
}

type request struct {
	Indices []string       `json:"indices"`
	Body    map[string]any `json:"body"`
}

type condition struct {
	Compare map[string]map[string]int `json:"compare"`
}

type actions struct {
	Log struct {
		Logging struct {
			Text string `json:"text"`
		} `json:"logging"`
	} `json:"log"`
}

type metadata struct {
	ID          string   `json:"rule_id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Level       string   `json:"level"`
	Tags        []string `json:"tags"`
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := w.QueryString.Query(l, e)
	if err != nil {
		return nil, err
	}
	// The request is a template of Mustache.
	if text, err = elastic.Untemplated(l.Rule, text); err != nil {
		return nil, err
	}
	part := elastic.Part(l, e)
	id := elastic.RuleID(l.Rule, part)
	out := w.watch(l, part, id, text)
	if w.format == "curl" {
		return "curl -sS -X PUT -H 'Content-Type: application/json' " + word(w.server+"/_watcher/watch/"+id) + " --data-binary " +
			word(backend.Query{Value: out}.JSON()), nil
	}
	return out, nil
}

func (w *writer) watch(l *pipeline.Lowered, part int, id, text string) watch {
	var out watch
	out.Trigger.Schedule.Interval = w.schedule.String()
	out.Input.Search.Request = request{elastic.Indices(l, w.indices), map[string]any{
		"size": 0,
		"query": map[string]any{"bool": map[string]any{"filter": []any{
			map[string]any{"range": map[string]any{"@timestamp": map[string]any{
				"gt": "{{ctx.trigger.scheduled_time}}||-" + w.schedule.String() + "-1m", "lte": "{{ctx.trigger.scheduled_time}}",
			}}},
			map[string]any{"query_string": map[string]any{"query": text}},
		}}},
	}}
	out.Condition.Compare = map[string]map[string]int{"ctx.payload.hits.total": {"gt": 0}}
	out.Actions.Log.Logging.Text = "{{ctx.metadata.name}} ({{ctx.metadata.level}}): {{ctx.payload.hits.total}} events"
	out.Metadata = metadata{id, elastic.Title(l.Rule, part), l.Rule.Description, l.Rule.Level, append([]string{}, l.Rule.Tags...)}
	return out
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// word writes a word for a shell.
func word(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + apostrophe.ReplaceAllString(s, `'\''`) + "'"
}

var apostrophe = regexp.MustCompile(`'`)
