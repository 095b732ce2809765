package check

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/huntbook/huntbook/sigma"
)

// knownSource is a log source of Sigma's taxonomy.
type knownSource struct {
	product, category, service string
	// events are the ids that a category stands for in the log of a service
	// of the Windows event log.
	eventService string
	events       []string
	// fields are the names of its fields, nil when they are not known.
	fields []string
}

// The tables' sources and licences stand in data/SOURCE.md; TestTables writes
// the tables.
var (
	//go:embed data/logsources.tsv
	logSourceTable string
	//go:embed data/prefixes.tsv
	prefixTable string
)

var knownSources = sync.OnceValue(func() []knownSource {
	var out []knownSource
	for _, c := range rows(logSourceTable, 6) {
		out = append(out, knownSource{c[0], c[1], c[2], c[3], list(c[4]), list(c[5])})
	}
	return out
})

// rows splits a table with a line of heads.
func rows(table string, columns int) [][]string {
	var out [][]string
	for i, line := range strings.Split(table, "\n") {
		if c := strings.Split(line, "\t"); i > 0 && len(c) == columns {
			out = append(out, c)
		}
	}
	return out
}

func list(cell string) []string {
	if cell == "" {
		return nil
	}
	return strings.Split(cell, ",")
}

// isKnown tells whether the taxonomy has the product, and both the category and
// the service with it. Which go together it does not say.
func isKnown(l sigma.LogSource) bool {
	has := func(is func(knownSource) bool) bool {
		return slices.ContainsFunc(knownSources(), func(k knownSource) bool { return k.product == l.Product && is(k) })
	}
	return has(func(k knownSource) bool { return l.Category == "" || k.category == l.Category }) &&
		has(func(k knownSource) bool { return l.Service == "" || k.service == l.Service })
}

// fieldsOf are the fields of a log source, nil when they are not known.
func fieldsOf(l sigma.LogSource) []string {
	for _, k := range knownSources() {
		if k.product == l.Product && k.category == l.Category && k.service == l.Service {
			return k.fields
		}
	}
	return nil
}

// eventsOf are the event ids that a category of Windows stands for.
func eventsOf(l sigma.LogSource) []string {
	for _, k := range knownSources() {
		if l.Product == "windows" && k.product == l.Product && k.category == l.Category && l.Category != "" {
			return k.events
		}
	}
	return nil
}

// categoryOf is the category that stands for an event of a service's log, ""
// for none.
func categoryOf(service, event string) string {
	for _, k := range knownSources() {
		if k.eventService == service && slices.Contains(k.events, event) {
			return k.category
		}
	}
	return ""
}

// systems are the words that file names have for products.
var systems = map[string]string{"windows": "win", "linux": "lnx", "macos": "macos"}

// prefixOf is how the name of a rule's file begins in SigmaHQ's repository, ""
// where there is no convention.
func prefixOf(l sigma.LogSource) string {
	for _, c := range rows(prefixTable, 4) {
		product, category, service, prefix := c[0], c[1], c[2], c[3]
		if product != "" && product != l.Product || category != "" && category != l.Category || service != "" && service != l.Service ||
			product == "" && service == "" && category == "" {
			continue
		}
		system, known := systems[l.Product]
		if !strings.Contains(prefix, "{os}") {
			return prefix
		}
		if known {
			return strings.ReplaceAll(prefix, "{os}", system)
		}
	}
	return ""
}
