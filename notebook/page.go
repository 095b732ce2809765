package notebook

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/sigma"
)

// Page is what a notebook of one rule is made of. Every text in it may come
// from a hostile rule.
type Page struct {
	Rule *sigma.Rule
	// RulePath says where the rule came from, for the reader.
	RulePath string
	// YAML is the text that a query cell holds, when that is not the rule's
	// own document: a correlation with the rules that it names, a document
	// that a global one completes.
	YAML string
	// Data are the paths that the events come from, relative to the folder
	// of the notebook where possible.
	Data []string
	// DataFlags say where and how a cluster, whose address Data then is, keeps its
	// events.
	DataFlags []DataFlag
	// Timezone is the zone of times without one, "" for UTC.
	Timezone string
	// Queries are the rule in the language of a target, if it was converted.
	Queries []Query
	// Server is the address of a cluster, Index where its events are when the
	// pipeline names no index. A password in the address is left out.
	Server, Index string
	// Related are rules to look at next.
	Related []Related
	// Version is that of huntbook, Engine what answered: "Elasticsearch 8.19.4 …"; ""
	// where nothing was asked.
	Version, Engine string
	// Findings is the file with the rule's findings, relative to the folder of the
	// notebook, for flavours that read it.
	Findings string
	Options  Options
}

// DataFlag is a flag of %data: "index" and its value.
type DataFlag struct{ Name, Value string }

// Query is a rule, or a part of one, in the language of a target.
type Query struct {
	Text string
	// Language names the text for highlighting ("json"), "" for none.
	Language  string
	Target    string
	Pipelines []string
	// Fields are the fields that the text reads, as the target names them.
	Fields []string
	// Index are the indices to search, Unmapped the fields that no pipeline
	// knew, Warnings what else the reader must know.
	Index, Unmapped, Warnings []string
}

// Options are the values of the parameters cell.
type Options struct {
	// Rows is the number of findings in a table, Limit the number that is
	// fetched; the count is always of all. EventSize is the number of bytes
	// of an event that a table shows.
	Rows, Limit, EventSize int
	// Since and Until bound the time of events; zero is no bound.
	Since, Until time.Time
}

// DefaultOptions are options that suit most hunts.
func DefaultOptions() Options { return Options{Rows: 50, Limit: 1000, EventSize: 16 << 10} }

// The methods are what templates use beside the fields.

// Title is the rule's, or a stand-in for a rule that has none.
func (p *Page) Title() string {
	if t := strings.TrimSpace(p.Rule.Title); t != "" {
		return t
	}
	return "Rule without a title"
}

// Source is the YAML text of the rule.
func (p *Page) Source() string {
	if p.YAML != "" {
		return p.YAML
	}
	return p.Rule.Text
}

// CellRule is the text that a %%sigma cell with the rule hands to an engine.
func (p *Page) CellRule() string { return cellBody(p.Source()) + "\n" }

// LogSource is the rule's log source in one line: "windows / process_creation".
func (p *Page) LogSource() string {
	l := p.Rule.LogSource
	parts := slices.DeleteFunc([]string{l.Product, l.Category, l.Service}, func(s string) bool { return s == "" })
	return strings.Join(parts, " / ")
}

// Logs say where events of the rule's log source come from, and what must be switched
// on to have them; none where that is not known.
func (p *Page) Logs() []string { return logsOf(p.Rule.LogSource) }

// Processes tells that the rule is about processes, which have parents.
func (p *Page) Processes() bool { return p.Rule.LogSource.Category == "process_creation" }

// Hash is the SHA-256 of the rule's text.
func (p *Page) Hash() string {
	sum := sha256.Sum256([]byte(unixLines(p.Source())))
	return hex.EncodeToString(sum[:])
}

// Tactics are those that the rule's tags name, in the order of the matrix.
func (p *Page) Tactics() []attack.Entry {
	tactics, _ := attack.OfTags(p.Rule.Tags)
	return tactics
}

// Techniques are those that the rule's tags name.
func (p *Page) Techniques() []attack.Entry {
	_, techniques := attack.OfTags(p.Rule.Tags)
	return techniques
}

// OtherTags are the tags that name neither a tactic nor a technique of today's
// ATT&CK.
func (p *Page) OtherTags() string {
	var other []string
	for _, t := range p.Rule.Tags {
		if attack.Lookup(t).ID == "" {
			other = append(other, t)
		}
	}
	return strings.Join(other, ", ")
}

// Since and Until are the bounds in RFC 3339, "" for none.
func (p *Page) Since() string { return timeText(p.Options.Since) }

// Until is the upper bound; see Since.
func (p *Page) Until() string { return timeText(p.Options.Until) }

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// ServerURL is the server's address without user and password.
func (p *Page) ServerURL() string {
	u, err := url.Parse(p.Server)
	if err != nil {
		return p.Server
	}
	u.User = nil
	return u.String()
}

// Indices are all indices of the queries, comma-separated as Elasticsearch
// takes them, or the page's own.
func (p *Page) Indices() string {
	var all []string
	for _, q := range p.Queries {
		for _, i := range q.Index {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
	}
	if len(all) == 0 {
		return p.Index
	}
	return strings.Join(all, ",")
}

// Several tells whether the rule became more than one query.
func (p *Page) Several() bool { return len(p.Queries) > 1 }
