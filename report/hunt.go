// Package report writes what a hunt found: hunt.json, which machines read, and
// index.html, a page that opens from disk.
//
// It knows nothing of running rules, of Sigma or of ATT&CK's names: whoever
// runs the hunt fills a Hunt, whose texts may come from hostile rules and logs.
// Data flows: findings → Tally (times, hosts and counts of each rule) → Hunt →
// WriteJSON and WriteHTML. Both give the same bytes for the same Hunt.
package report

import "time"

// State says what became of a rule.
type State string

// The states of a rule: it matched, it matched nothing, it was left out, or it
// could not be used.
const (
	Fired   State = "fired"
	Quiet   State = "quiet"
	Skipped State = "skipped"
	Failed  State = "failed"
)

// Ran tells whether the rule was put to the data, so that its count is known.
func (s State) Ran() bool { return s == Fired || s == Quiet }

// Hunt is one hunt and what came of it. Its JSON form is hunt.json, a contract
// with other programs: every key is always there, null when unknown. Fields
// that only the page shows have no JSON key.
type Hunt struct {
	// Version is huntbook's own.
	Version string `json:"version"`
	Inputs  Inputs `json:"inputs"`
	// Seconds is how long the hunt took; the only thing in a Hunt that two
	// runs with the same inputs do not share.
	Seconds float64 `json:"seconds"`
	// Unfinished tells that the hunt was interrupted: numbers are those so
	// far, and Seconds is not known.
	Unfinished bool `json:"-"`
	// Engine says which cluster answered, "" for files.
	Engine string `json:"engine,omitempty"`
	// Events and Findings are numbers of events read and of findings.
	Events   int `json:"events"`
	Findings int `json:"findings"`
	// Rules has a row a rule, in an order that the caller chose; those that
	// were skipped or failed too.
	Rules []Rule `json:"rules"`

	// First and Last are the times of the oldest and the newest event, zero
	// when no event has a time. Buckets divide the time between them.
	First, Last time.Time `json:"-"`
	// Sources are the files that events came from.
	Sources []Source `json:"-"`
	// Broken is the number of records that could not be read, and Problems
	// tell of them and of files that nothing could read (the first some).
	Broken   int       `json:"-"`
	Problems []Problem `json:"-"`
	// Tactics are ATT&CK's, in the order of its matrix. Those that rules
	// name and that are missing here are shown behind them.
	Tactics []Tactic `json:"-"`
}

// Inputs is what the hunt was asked to do, as the user said it.
type Inputs struct {
	Rules []string
	Data  []string
	// Index are the indices of a cluster, whose address Data then is.
	Index     []string
	Pipelines []string
	Configs   []string
	// Filters are files and folders of Sigma filters, Placeholders the file of
	// their values, "" for none.
	Filters      []string
	Placeholders string
	Select       Selection
	// Since and Until are RFC 3339 times, Timezone the zone of times that
	// name none; empty when not given.
	Since, Until, Timezone string
}

// Selection says which of the rules were asked for; empty when all.
type Selection struct {
	Levels     []string
	MinLevel   string
	Statuses   []string
	Tags       []string
	LogSources []string
	Include    []string
	Exclude    []string
}

// Rule is a row of the report.
type Rule struct {
	// ID is the rule's UUID, "" when it has none.
	ID    string
	Title string
	// Path is relative to the folder of rules that it came from.
	Path string
	// Level is informational, low, medium, high or critical, "" when the
	// rule names none.
	Level string
	State State
	// Count is the number of findings of a rule that ran.
	Count int
	// Notebook is a slash-separated path relative to the hunt's folder, ""
	// when the rule has no notebook.
	Notebook string

	// Reason says why a rule was skipped or failed, or in what way its count may
	// be too low, in one line or a few.
	Reason string
	// Status is the rule's: stable, test, experimental, deprecated, …
	Status string
	// Tactics are short names ("lateral-movement"); Techniques and Tags (all
	// other tags) are what else the rule is tagged with.
	Tactics    []string
	Techniques []Technique
	Tags       []string
	Activity   Activity
}

// Activity is when and where a rule found something.
type Activity struct {
	// First and Last are zero when no finding has a time.
	First, Last time.Time
	// Buckets are numbers of findings in equal parts of the hunt's time,
	// nil when no finding has a time.
	Buckets []int
	// Hosts are in order of falling count, then of name.
	Hosts []HostCount
}

// HostCount is the number of findings on a host.
type HostCount struct {
	Host  string
	Count int
}

// Tactic is a column of ATT&CK's matrix.
type Tactic struct {
	// Short is as in tags ("initial-access"), Name as people read it.
	Short, Name string
}

// Technique is a technique or sub-technique of ATT&CK.
type Technique struct {
	// ID is "T1059" or "T1059.001"; Name may be empty.
	ID, Name string
	// Tactics are the short names of the tactics that it serves.
	Tactics []string
}

// Source is a file, or a member of an archive, that was read.
type Source struct {
	Name string
	// Shape is the form of its events ("winlogbeat 6", "flat"), may be "".
	Shape          string
	Events, Broken int
}

// Problem is a record or a file that could not be read.
type Problem struct {
	// Where is a source, with ":" and a line or record if known.
	Where string
	// What is wrong, in a sentence.
	What string
}
