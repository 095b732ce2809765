package elastic

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // a name-based UUID (version 5) is made of it
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Part tells which of a rule's queries is that of a condition, counted from 1; 0
// where there is one only.
func Part(l *pipeline.Lowered, e ir.Expr) int {
	for i, x := range l.Exprs {
		if x == e && len(l.Exprs) > 1 {
			return i + 1
		}
	}
	return 0
}

// uuid is the form of ids that Kibana takes for a rule's object.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// RuleID is an id for what is imported: the rule's own for its first query, for
// others and for rules without a UUID one that is always the same.
func RuleID(r *sigma.Rule, part int) string {
	if part <= 1 && uuid.MatchString(r.ID) {
		return r.ID
	}
	name := cmp.Or(r.ID, r.Name, r.Title)
	if part > 1 {
		name += " " + strconv.Itoa(part)
	}
	h := sha1.Sum([]byte("huntbook\x00" + name)) //nolint:gosec // as above
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// Schedule is how often a rule runs.
type Schedule struct {
	every int
	unit  string
}

// lookBack is the time that a rule looks back beyond its last run, for events that
// arrive late.
const lookBack = "1m"

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// ScheduleOptions say how often rules run.
func ScheduleOptions() []backend.Option {
	return []backend.Option{
		{Name: "schedule_interval", Default: "5", Description: "how often the rule runs, in schedule_interval_unit"},
		{Name: "schedule_interval_unit", Default: "m", Description: "s, m, h or d"},
	}
}

// IndexOption names the indices to search where pipelines do not.
func IndexOption(value string) backend.Option {
	return backend.Option{Name: "index_names", Default: value, Description: "the indices to search, with commas, where no pipeline names any"}
}

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]{0,5}$`)

// Every reads a number that an option holds, from 1 on.
func Every(o map[string]string, name string) (int, error) {
	if !wholeNumber.MatchString(o[name]) {
		return 0, fmt.Errorf("%w %s is a number from 1 on, not %q", backend.ErrOption, name, o[name])
	}
	return strconv.Atoi(o[name])
}

// NewSchedule reads the ScheduleOptions.
func NewSchedule(o map[string]string) (Schedule, error) {
	every, err := Every(o, "schedule_interval")
	if err != nil {
		return Schedule{}, err
	}
	unit := o["schedule_interval_unit"]
	if units[unit] == 0 {
		return Schedule{}, fmt.Errorf("%w schedule_interval_unit is s, m, h or d, not %q", backend.ErrOption, unit)
	}
	return Schedule{every, unit}, nil
}

// String is the interval as Kibana and Elasticsearch write it: 5m.
func (s Schedule) String() string { return strconv.Itoa(s.every) + s.unit }

// from is where a run begins to search for what spans some time.
func (s Schedule) from(span time.Duration) string {
	span += time.Duration(s.every)*units[s.unit] + time.Minute
	return fmt.Sprintf("now-%ds", int(span.Seconds()))
}

// Indices are those that pipelines name, or those of an option.
func Indices(l *pipeline.Lowered, option string) []string {
	if len(l.Index) > 0 {
		return l.Index
	}
	return Names(option)
}
