package elastic

import (
	"math"
	"slices"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// ElastAlertCorrelations are the types of correlation that ElastAlert has types for.
var ElastAlertCorrelations = []string{
	"event_count", "value_count", "value_sum", "value_avg", "value_min", "value_max", "value_percentile", "value_median",
}

// ElastAlertLimits are what ElastAlert can't say of correlations, or says otherwise.
func ElastAlertLimits() []string {
	return []string{
		"Of correlations that count events or values, those that ask for at least so many can be expressed; of others, also those that ask for at most.",
		"Counted values and groups are compared with regard to case. Sums, averages and the like are computed for the last timespan at each run, for the 10,000 largest groups.",
		"An alias of a correlation must mean one field.",
		"ElastAlert reads one rule from a file, as -o FOLDER/ writes them, and takes no two of one name, which is the title.",
	}
}

var metrics = map[string]string{
	"value_sum": "sum", "value_avg": "avg", "value_min": "min", "value_max": "max", "value_percentile": "percentiles", "value_median": "percentiles",
}

// Correlate makes the rule one about the events that its filter finds together. The
// fields say what the index calls whole values.
func (r *ElastAlert) Correlate(c *pipeline.Correlation, fields *Fields) error {
	rule, s := c.Rule, c.Rule.Correlation
	fail := func(reason string) error { return backend.UnsupportedCorrelation(rule, "ElastAlert "+reason) }
	if s.Span <= 0 {
		return fail("needs a timespan")
	}
	if len(s.Condition.Bounds) != 1 {
		return fail("knows one bound only")
	}
	bound := s.Condition.Bounds[0]
	groups, err := names(c, s.GroupBy)
	if err != nil {
		return err
	}
	field, err := names(c, s.Condition.Fields)
	if err != nil {
		return err
	}
	r.QueryKey = yamlList(groups)
	for _, name := range slices.Concat(groups, field) {
		// Events without the field are in no group and have no value.
		r.Filter = append(r.Filter, object{"exists": object{"field": name}})
	}
	switch s.Type {
	case "event_count":
		n, ok := atLeast(bound)
		if !ok {
			return fail("can't tell that there were few events, or exactly so many, where there were some")
		}
		r.Type, r.NumEvents, r.Timeframe = "frequency", n, NewDuration(s.Span)
		return nil
	case "value_count":
		n, ok := atLeast(bound)
		switch {
		case !ok:
			return fail("can't tell that there were few values, or exactly so many, where there were some")
		case len(field) != 1:
			return fail("counts the values of one field only")
		}
		n--
		r.Type, r.CardinalityField, r.MaxCardinality, r.Timeframe = "cardinality", yamlText(field[0]), &n, NewDuration(s.Span)
		return nil
	}
	return r.metric(s, bound, field, fields, fail)
}

// atLeast is the number from which on a bound holds.
func atLeast(b sigma.Bound) (int, bool) {
	n := math.Ceil(b.Value)
	if b.Op == "gt" {
		n = math.Floor(b.Value) + 1
	}
	return int(n), (b.Op == "gt" || b.Op == "gte") && n >= 1 && n < math.MaxInt32
}

func (r *ElastAlert) metric(s *sigma.Correlation, bound sigma.Bound, field []string, fields *Fields, fail func(string) error) error {
	if len(field) != 1 {
		return fail("computes with one field only")
	}
	r.Type, r.MetricAggKey, r.MetricAggType = "metric_aggregation", yamlText(field[0]), metrics[s.Type]
	if r.MetricAggType == "percentiles" {
		percent := int(s.Condition.Percentile)
		if float64(percent) != s.Condition.Percentile || len(r.QueryKey) > 1 {
			return fail("knows percentiles of whole numbers only, and of groups by one field")
		}
		r.PercentileRange = &percent
	}
	// The thresholds themselves do not count.
	threshold := func(value float64) *yamlNumber { n := yamlNumber(value); return &n }
	switch bound.Op {
	case "gt":
		r.MaxThreshold = threshold(bound.Value)
	case "gte":
		r.MaxThreshold = threshold(math.Nextafter(bound.Value, math.Inf(-1)))
	case "lt":
		r.MinThreshold = threshold(bound.Value)
	case "lte":
		r.MinThreshold = threshold(math.Nextafter(bound.Value, math.Inf(1)))
	default:
		return fail("can't compare a value with exactly one number")
	}
	// The groups are those of an aggregation, which needs whole values.
	for i, name := range r.QueryKey {
		r.QueryKey[i] = yamlText(fields.FieldName(string(name)))
	}
	r.BufferTime, r.AllowBufferTimeOverlap = NewDuration(s.Span), true
	if len(r.QueryKey) > 0 {
		r.TermsSize = 10000
	}
	return nil
}

// names are what the events of all rules call fields of a correlation.
func names(c *pipeline.Correlation, fields []sigma.FieldName) ([]string, error) {
	var out []string
	for _, f := range fields {
		var called []string
		for _, in := range c.Inputs {
			for _, name := range in.Names(f.Name) {
				if !slices.Contains(called, name) {
					called = append(called, name)
				}
			}
		}
		if len(called) != 1 {
			return nil, backend.UnsupportedCorrelation(c.Rule, "ElastAlert knows one name for a field, and the rules call "+f.Name+" by several")
		}
		out = append(out, called[0])
	}
	return out, nil
}
