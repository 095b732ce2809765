package standard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// form describes the keys of a standard's file.
var form = []struct{ key, prose string }{
	{"title, description", "what people read"},
	{"pipeline", "the pipeline whose rules look for these fields"},
	{"original", "the field that keeps the whole event as text; it is stored and not searched"},
	{"index: {windows, other}", "names of indices, with `{log}` and `{date}` (of UTC) in them; `other` is for events that are not of a Windows event log"},
	{"logs: {NAME: [CHANNEL…]}", "names for channels; channels are written as they are spelt here"},
	{"other_logs", "the name of all other channels"},
	{"time: {fields, received}", "fields of an event's data that tell its time better than its header does, whose time then goes to the field `received`"},
	{"drop: {values, fields}", "values that mean nothing in these fields"},
	{"lowercase: [FIELD…]", "fields that are written in lower case"},
	{"fields: {FIELD: NAME}", "what a field of a Windows event becomes, by the name that Sigma's rules use: a name, a list of names, or null, which leaves it out. FIELD.* stands for all below it"},
	{"events: [{logs, ids, fields, set}]", "what differs by event, and constants to `set`. Later entries go before earlier ones, and all before `fields`"},
	{"unnamed", "what stands before the names of all other fields"},
	{"misfits", "where a value goes that does not fit its field's type; `{name}` and `{field}` stand for the name and the field"},
	{"rewrite: {NAME: FUNCTION}", "a function or table for every value of a name; what it makes nothing of stays"},
	{"pairs: [{field, logs, ids, between, equals, to: {KEY: NAME}}]", "names and values that one field holds as text, as `MD5=…,SHA1=…`"},
	{"derived: [{from, to, take}]", "a field made of a written one, where the event has none, by a function or table"},
	{"tables: {NAME: {VALUE: VALUE}}", "tables that `rewrite` and `derived` name"},
	{"types: {TYPE: [NAME…]}", "`long`, `ip`, `boolean`, `date` or `keyword`; everything else is text. NAME* stands for all names that begin so"},
	{"template: {settings, text}", "settings of the indices, and how text is mapped"},
}

// Reference is the page about the form of standards, and those that are built in.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Standards

` + "`huntbook ingest --standard NAME`" + ` gives events of the Windows event log the fields, values
and indices of a convention. It does so for Winlogbeat 6 and 7, NXLog, flat Mordor
datasets and event log files alike, since every shape has been given the names of
Sigma's rules before. ` + "`--standard FILE.yml`" + ` reads one of your own.

Of several fields that become one name the first that the event has is written; the
others keep their own names, unless they say the same. A text of more than 32,766
bytes, which Lucene does not take as one term, is stored as overlapping pieces. Events
that are not of a Windows event log keep their fields, as text, and @timestamp.

## The form

| key | |
|---|---|
`)
	for _, k := range form {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.key, k.prose)
	}
	b.WriteString("\nFunctions:\n\n| function | what it makes |\n|---|---|\n")
	for _, f := range functions {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, f.prose)
	}
	for _, name := range Names() {
		s, err := Load(name)
		if err != nil || name == None {
			continue
		}
		s.describe(&b)
	}
	b.WriteString("\n## none\n\nEvents as they came, with @timestamp where they have none, in `events-{date}`.\n")
	return b.String()
}

// describe writes what a standard does.
func (s *Standard) describe(b *strings.Builder) {
	d := &s.def
	fmt.Fprintf(b, "\n## %s\n\n%s%s. Rules find them with the pipeline `%s`. The whole event is in `%s`. Indices are\n`%s`, and\n`%s` for other events.\n",
		s.ID, strings.ToUpper(d.Description[:1]), d.Description[1:], s.Pipeline, d.Original, d.Index.Windows, d.Index.Other)
	b.WriteString("\n| log | channels |\n|---|---|\n")
	for _, log := range slices.Sorted(maps.Keys(d.Logs)) {
		fmt.Fprintf(b, "| %s | %s |\n", log, strings.Join(d.Logs[log], ", "))
	}
	fmt.Fprintf(b, "| %s | all others |\n", d.OtherLogs)
	b.WriteString("\n| event | field | becomes |\n|---|---|---|\n")
	row := func(event string, all renames) {
		for _, r := range all {
			names := "nothing"
			if len(r.names) > 0 {
				names = "`" + strings.Join(r.names, "`, `") + "`"
			}
			fmt.Fprintf(b, "| %s | `%s` | %s |\n", event, r.field, names)
		}
	}
	row("any", d.Fields)
	for _, e := range d.Events {
		where := strings.Join(e.Logs, ", ")
		if len(e.IDs) > 0 {
			where += " " + strings.Join(e.IDs, ", ")
		}
		row(where, e.Fields)
	}
	for _, p := range d.Pairs {
		for _, key := range slices.Sorted(maps.Keys(p.To)) {
			fmt.Fprintf(b, "| %s %s | %s in `%s` | `%s` |\n", strings.Join(p.Logs, ", "), strings.Join(p.IDs, ", "), key, p.Field, p.To[key])
		}
	}
	b.WriteString("\n| field | made of | by |\n|---|---|---|\n")
	for _, x := range d.Derived {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", x.To, x.From, x.Take)
	}
}
