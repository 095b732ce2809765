package elastic

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/pipeline"
)

// ElastAlert is a rule of ElastAlert 2, whose schema says what the keys mean.
type ElastAlert struct {
	Name        yamlText   `yaml:"name"`
	Description yamlText   `yaml:"description,omitempty"`
	Index       yamlText   `yaml:"index"`
	Type        string     `yaml:"type"`
	Priority    int        `yaml:"priority"`
	Filter      []any      `yaml:"filter"`
	QueryKey    []yamlText `yaml:"query_key,omitempty"`

	Timeframe        Duration `yaml:"timeframe,omitempty"`
	NumEvents        int      `yaml:"num_events,omitempty"`
	CardinalityField yamlText `yaml:"cardinality_field,omitempty"`
	MaxCardinality   *int     `yaml:"max_cardinality,omitempty"`

	BufferTime             Duration    `yaml:"buffer_time,omitempty"`
	AllowBufferTimeOverlap bool        `yaml:"allow_buffer_time_overlap,omitempty"`
	MetricAggKey           yamlText    `yaml:"metric_agg_key,omitempty"`
	MetricAggType          string      `yaml:"metric_agg_type,omitempty"`
	PercentileRange        *int        `yaml:"percentile_range,omitempty"`
	MaxThreshold           *yamlNumber `yaml:"max_threshold,omitempty"`
	MinThreshold           *yamlNumber `yaml:"min_threshold,omitempty"`
	TermsSize              int         `yaml:"terms_size,omitempty"`

	Realert map[string]int `yaml:"realert"`
	Alert   []yamlText     `yaml:"alert"`
}

// Duration is a length of time in the greatest unit that divides it.
type Duration map[string]int

// NewDuration is nil for no time.
func NewDuration(d time.Duration) Duration {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"days", 24 * time.Hour}, {"hours", time.Hour}, {"minutes", time.Minute}} {
		if d > 0 && d%unit.length == 0 {
			return Duration{unit.name: int(d / unit.length)}
		}
	}
	if d == 0 {
		return nil
	}
	return Duration{"seconds": int(d / time.Second)}
}

// AlertOption names what ElastAlert does about a match.
var AlertOption = backend.Option{Name: "alert_methods", Default: "debug", Description: "what ElastAlert does about a match, with commas; debug writes to its log"}

var priorities = map[string]int{"informational": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

// NewElastAlert is a rule of type any, with a filter that is a query of
// Elasticsearch.
func NewElastAlert(l *pipeline.Lowered, part int, filter []any, indices, alert string) *ElastAlert {
	priority, known := priorities[l.Rule.Level]
	if !known {
		priority = priorities["low"]
	}
	return &ElastAlert{
		Name: yamlText(Title(l.Rule, part)), Description: yamlText(l.Rule.Description), Index: yamlText(strings.Join(Indices(l, indices), ",")), Type: "any",
		Priority: priority, Filter: filter, Realert: map[string]int{"minutes": 0}, Alert: yamlList(Names(alert)),
	}
}

// YAML is the rule as a document.
func (r *ElastAlert) YAML() (string, error) {
	for i, f := range r.Filter {
		r.Filter[i] = yamlTexts(f)
	}
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(r); err != nil {
		return "", err
	}
	if err := enc.Close(); err != nil {
		return "", err
	}
	return variable.ReplaceAllString(b.String(), `\x24$1`), nil
}

// variable is what ElastAlert replaces by a variable of its environment, before it
// reads a rule's file as YAML. A text that has one stands in quotes, so the escape
// can take the place of the character.
var variable = regexp.MustCompile(`\$([A-Za-z0-9_{])`)

// yamlText is a text that has quotes where the encoder would write it in a form that
// not every reader takes, such as a block that begins with a tab.
type yamlText string

func yamlList(texts []string) []yamlText {
	var out []yamlText
	for _, s := range texts {
		out = append(out, yamlText(s))
	}
	return out
}

// MarshalYAML gives the text its style.
func (t yamlText) MarshalYAML() (any, error) {
	s := string(t)
	odd := func(r rune) bool { return r != '\n' && (r < ' ' || !unicode.IsPrint(r)) }
	block := strings.Contains(s, "\n") && (strings.TrimSpace(s[:1]) == "" || strings.Contains(s, " \n"))
	// ElastAlert's reader takes "=" for a default and "<<" for a merge.
	if block || s == "=" || s == "<<" || variable.MatchString(s) || strings.ContainsFunc(s, odd) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}, nil
	}
	return s, nil
}

// yamlNumber is a number without an exponent, which ElastAlert's reader would take for
// a text.
type yamlNumber float64

// MarshalYAML writes the number.
func (n yamlNumber) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatFloat(float64(n), 'f', -1, 64)}, nil
}

// yamlTexts makes the texts in a query such ones.
func yamlTexts(v any) any {
	switch v := v.(type) {
	case string:
		return yamlText(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = yamlTexts(x)
		}
		return out
	case map[string]any:
		out := make(map[yamlText]any, len(v))
		for key, x := range v {
			out[yamlText(key)] = yamlTexts(x)
		}
		return out
	case object:
		return yamlTexts(map[string]any(v))
	}
	return v
}
