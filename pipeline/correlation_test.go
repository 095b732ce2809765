package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// The fields that a correlation looks at get the names that each rule's events have
// for them; what can't be lowered is told where the correlation names it.
func TestLowerCorrelation(t *testing.T) {
	const rules = `
title: A process
name: process
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: \a.exe}, condition: s}
---
title: A logon
name: logon
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: With a placeholder
name: custom
logsource: {product: custom}
detection: {s: {a|expand: '%x%'}, condition: s}
---
title: Many
name: many
correlation: {type: event_count, rules: [logon], group-by: [TargetUserName], timespan: 5m, condition: {gte: 3}}
---
`
	for _, c := range []struct {
		name, pipeline, correlation string
		// want are lines "input: field=names" or messages.
		want string
	}{
		{"no pipeline", "", "{type: event_count, rules: [logon], group-by: [TargetUserName], timespan: 5m, condition: {gte: 3}}",
			"logon: TargetUserName=[TargetUserName]"},
		{"a pipeline renames", "ecs_windows", "{type: value_count, rules: [logon], group-by: [TargetUserName], timespan: 5m, condition: {field: IpAddress, gte: 3}}",
			"logon: TargetUserName=[winlog.event_data.TargetUserName] IpAddress=[source.ip]"},
		{"aliases are other fields in each rule", "ecs_windows", "{type: temporal, rules: [process, logon], group-by: [who], timespan: 5m, aliases: {who: {process: User, logon: TargetUserName}}}",
			"process: who=[winlog.event_data.User user.name]\nlogon: who=[winlog.event_data.TargetUserName]"},
		{"two ways in which a rule applies", "windows-logsources", "{type: event_count, rules: [process], group-by: [Image], timespan: 5m, condition: {gte: 3}}",
			"process: Image=[Image NewProcessName]"},
		{"a correlation of correlations", "", "{type: event_count, rules: [many], timespan: 5m, condition: {gte: 3}}",
			`correlation-chain 2: "many" is a correlation too, and a query is about single events`},
		{"a rule that can't be used", "", "{type: temporal, rules: [logon, custom], timespan: 5m}",
			`placeholder 2: rule "custom" can't be used`},
		{"a rule that is nowhere", "", "{type: event_count, rules: [nowhere], timespan: 5m, condition: {gte: 3}}",
			`correlation-rule 2: the correlation names rule "nowhere"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			others, _ := sigma.Parse(&diag.File{Path: "rules.yml", Data: []byte(rules)})
			parsed, diags := sigma.Parse(&diag.File{Path: "c.yml", Data: []byte("title: C\ncorrelation: " + c.correlation + "\n")})
			if len(others) < 3 || len(parsed) != 1 || diags.HasErrors() {
				t.Fatal(others, parsed, diags)
			}
			chain := NewChain()
			if c.pipeline != "" {
				p, err := Load(c.pipeline)
				if err != nil {
					t.Fatal(err)
				}
				chain = NewChain(p)
			}
			rule := parsed[0]
			lowered, diags := LowerCorrelation(rule, sigma.NewLibrary(others, parsed), chain)
			var got []string
			if lowered == nil {
				for _, d := range diags.Errors() {
					got = append(got, fmt.Sprintf("%s %d: %s", d.Code, d.Pos.Line, d.Message))
				}
			} else {
				for _, in := range lowered.Inputs {
					line := in.Name + ":"
					for _, f := range append(rule.Correlation.GroupBy, rule.Correlation.Condition.Fields...) {
						line += fmt.Sprintf(" %s=%v", f.Name, in.Names(f.Name))
					}
					got = append(got, line)
				}
			}
			if text := strings.Join(got, "\n"); !strings.HasPrefix(text, c.want) || lowered != nil && text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
		})
	}
}
