package check

import (
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// parserChecks are what reading a file finds. Where the parser says error, the
// rule can't be used, and the other checks look at the rest of it.
var parserChecks = []*Check{
	{
		Code: "unreadable", Severity: diag.Error,
		Prose: "The file can't be opened.",
		From:  []Origin{rSigma("file_read_error")},
	},
	{
		Code: "too-large", Severity: diag.Error,
		Prose: "The file is larger than 4 MiB: it is a log rather than a rule.",
	},
	{
		Code: "not-text", Severity: diag.Error,
		Prose: "The file is no text in UTF-8, or something stands where a text should: a title can't be a list.",
		Bad:   "license: [MIT, BSD-3-Clause]",
		Good:  "license: MIT",
		From:  []Origin{spec("Yaml File")},
	},
	{
		Code: "yaml", Severity: diag.Error,
		Prose: "The file is not valid YAML. What the parser says is where it gave up, which may be a line behind the mistake.",
		Bad:   "title: Tool: The Renamed One",
		Good:  "title: 'Tool: The Renamed One'",
		From:  []Origin{spec("Yaml File"), rSigma("yaml_parse_error")},
	},
	{
		Code: "too-complex", Severity: diag.Error,
		Prose: "The document has more than 200,000 nodes or 64 levels, aliases counted for what they stand for.",
	},
	{
		Code: "duplicate-key", Severity: diag.Error,
		Prose: "A map has the same key twice. YAML forbids it; readers that allow it keep one of both, and not always the same one.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains: '-enc'\n        CommandLine|contains: 'bypass'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains|all:\n            - '-enc'\n            - 'bypass'\n    condition: selection",
		From:  []Origin{spec("Yaml File")},
	},
	{
		Code: "key", Severity: diag.Error,
		Prose: "A key is a list or a map instead of a text.",
		Bad:   "detection:\n    selection:\n        [Image, CommandLine]: 'x'\n    condition: selection",
		Good:  "detection:\n    selection:\n        - Image: 'x'\n        - CommandLine: 'x'\n    condition: selection",
	},
	{
		Code: "merge", Severity: diag.Error,
		Prose: "A YAML merge key (`<<`) takes a map, or an alias of one.",
		Bad:   "detection:\n    selection:\n        <<: text\n        Image: 'x'\n    condition: selection",
		Good:  "detection:\n    selection:\n        <<: {CommandLine: 'y'}\n        Image: 'x'\n    condition: selection",
	},
	{
		Code: "action", Severity: diag.Error,
		Prose: "The `action` of a v1 rule collection is none of `global`, `reset` and `repeat`.",
		Bad:   "action: globl",
		Good:  "title: Example of a Rule",
	},
	{
		Code: "not-a-rule", Severity: diag.Error,
		Prose: "The document is no Sigma rule: it has no title, log source or detection. In folders, files of other YAML are passed over.",
		Bad:   "# as it is\nservices:\n    web: {}",
		Good:  "title: Example of a Rule",
		From:  []Origin{rSigma("not_a_mapping")},
	},
	{
		Code: "no-rule", Severity: diag.Error,
		Prose: "The file holds no document.",
		Bad:   "# as it is\n# all of it is a comment",
		Good:  "title: Example of a Rule",
	},
	{
		Code: "no-title", Severity: diag.Error,
		Prose: "The title is mandatory. It is what an analyst sees first.",
		Bad:   "# without: title",
		Good:  "title: Example of a Rule",
		From:  []Origin{spec("Title"), rSigma("missing_title"), rSigma("empty_title")},
	},
	{
		Code: "no-detection", Severity: diag.Error,
		Prose: "The rule has no detection section.",
		Bad:   "# without: detection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Detection"), rSigma("missing_detection"), rSigma("missing_correlation"), rSigma("missing_filter")},
	},
	{
		Code: "detection", Severity: diag.Error,
		Prose: "The detection section is no map of search identifiers and a condition.",
		Bad:   "detection: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Detection")},
	},
	{
		Code: "no-identifier", Severity: diag.Error,
		Prose: "The detection has a condition and nothing that it could be about.",
		Bad:   "detection:\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Search-Identifier"), rSigma("empty_detection"), rSigma("missing_filter_selection")},
	},
	{
		Code: "no-condition", Severity: diag.Error,
		Prose: "The detection does not say how its search identifiers are combined.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Condition"), rSigma("missing_condition"), rSigma("missing_filter_condition")},
	},
	{
		Code: "condition", Severity: diag.Error,
		Prose: "The condition can't be read: it names a search identifier that is not there, ends in a dangling `not` or `and`, or has a parenthesis too many.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection and not",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    filter:\n        User: 'x'\n    condition: selection and not filter",
		From:  []Origin{spec("Condition"), pySigma("dangling_condition"), rSigma("condition_references_unknown")},
	},
	{
		Code: "empty-search", Severity: diag.Error,
		Prose: "A search identifier is empty. To some tools it matches everything, to others nothing.",
		Bad:   "detection:\n    selection: {}\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Search-Identifier")},
	},
	{
		Code: "empty-list", Severity: diag.Error,
		Prose: "A field has an empty list of values.",
		Bad:   "detection:\n    selection:\n        Image|endswith: []\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image: null\n    condition: selection",
		From:  []Origin{spec("Lists"), rSigma("empty_value_list")},
	},
	{
		Code: "value", Severity: diag.Error,
		Prose: "A field's value is a map or a list in a list. Nested fields are written with dots.",
		Bad:   "# file: gcp_example.yml\nlogsource:\n    product: gcp\n    service: gcp.audit\ndetection:\n    selection:\n        data:\n            name: 'x'\n    condition: selection",
		Good:  "# file: gcp_example.yml\nlogsource:\n    product: gcp\n    service: gcp.audit\ndetection:\n    selection:\n        data.name: 'x'\n    condition: selection",
		From:  []Origin{spec("Maps")},
	},
	{
		Code: "unknown-modifier", Severity: diag.Error,
		Prose: "The modifier is none that Sigma has.",
		Bad:   "detection:\n    selection:\n        Image|endwith: '\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Value Modifiers")},
	},
	{
		Code: "modifier", Severity: diag.Error,
		Prose: "A modifier can't be applied to the value: a comparison to a text, a network that is none, a regular expression that can't be read or needs look-around, modifiers in an order that means nothing.",
		Bad:   "# file: net_connection_win_example.yml\nlogsource:\n    category: network_connection\n    product: windows\ndetection:\n    selection:\n        DestinationIp|cidr: '10.0.0.0/33'\n    condition: selection",
		Good:  "# file: net_connection_win_example.yml\nlogsource:\n    category: network_connection\n    product: windows\ndetection:\n    selection:\n        DestinationIp|cidr: '10.0.0.0/8'\n    condition: selection",
		From:  []Origin{spec("Value Modifiers"), pySigma("invalid_modifier_combinations"), pySigmaHQ("unsupported_regex_group_construct")},
	},
	{
		Code: "modifier-value", Severity: diag.Error,
		Prose: "What the modifiers made of the value is no text: UTF-16 needs base64 or base64offset behind it.",
		Bad:   "detection:\n    selection:\n        CommandLine|utf16: 'ping'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|utf16|base64offset|contains: 'ping'\n    condition: selection",
		From:  []Origin{spec("Encoding")},
	},
	{
		Code: "single-value-all", Severity: diag.Warning,
		Prose: "The modifier `all` stands before a single value. The specification does not allow it, and some tools refuse the rule.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains|all: '-enc'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: '-enc'\n    condition: selection",
		From:  []Origin{spec("Generic Modifiers"), pySigmaHQ("invalid_all_modifier"), rSigma("single_value_all_modifier")},
		Fixes: "The modifier is removed.",
		repair: func(s *source, d *diag.Diagnostic) []Edit {
			t, ok := s.scalar(d.Pos)
			if !ok {
				return nil
			}
			key, _, _ := strings.Cut(t.text, ":")
			if t.quote != 0 {
				key = t.text
			}
			parts := strings.Split(key, "|")
			kept := parts[:0:0]
			for i, p := range parts {
				if i == 0 || p != "all" {
					kept = append(kept, p)
				}
			}
			return s.replace(d.Pos, key, strings.Join(kept, "|"))
		},
	},
	{
		Code: "no-logsource", Severity: diag.Error,
		Prose: "The log source is mandatory. Without one a rule is matched against every event.",
		Bad:   "# without: logsource",
		Good:  "logsource:\n    category: process_creation\n    product: windows",
		From:  []Origin{spec("LogSource"), rSigma("missing_logsource"), rSigma("missing_filter_logsource")},
	},
	{
		Code: "logsource", Severity: diag.Error,
		Prose: "The log source is no map of category, product and service.",
		Bad:   "logsource: windows",
		Good:  "logsource:\n    category: process_creation\n    product: windows",
		From:  []Origin{spec("LogSource")},
	},
	{
		Code: "logsource-key", Severity: diag.Warning,
		Prose: "A key of the log source looks like a misspelt one. Other keys are allowed, and mean nothing to tools.",
		Bad:   "logsource:\n    category: process_creation\n    product: windows\n    defintion: with command lines",
		Good:  "logsource:\n    category: process_creation\n    product: windows\n    definition: with command lines",
		From:  []Origin{spec("LogSource"), pySigma("fieldname_logsource")},
	},
	{
		Code: "unknown-status", Severity: diag.Error,
		Prose:  "The status is none of the specification's.",
		Bad:    "status: experimetal",
		Good:   "status: experimental",
		From:   []Origin{spec("Status"), rSigma("invalid_status")},
		Fixes:  "A misspelt status becomes the nearest one.",
		repair: func(s *source, d *diag.Diagnostic) []Edit { return nearest(s, d, sigma.Statuses) },
	},
	{
		Code: "unknown-level", Severity: diag.Error,
		Prose:  "The level is none of the specification's.",
		Bad:    "level: hihg",
		Good:   "level: high",
		From:   []Origin{spec("Level"), rSigma("invalid_level")},
		Fixes:  "A misspelt level becomes the nearest one.",
		repair: func(s *source, d *diag.Diagnostic) []Edit { return nearest(s, d, sigma.Levels) },
	},
	{
		Code: "related", Severity: diag.Error,
		Prose: "`related` is no list of maps with id and type.",
		Bad:   "related: 7d6b3f0a-53b5-4b6c-8d0e-0a7c52b1f9d1",
		Good:  "related:\n    - id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a\n      type: renamed",
		From:  []Origin{spec("Identification"), rSigma("related_missing_required")},
	},
	{
		Code: "not-a-list", Severity: diag.Error,
		Prose: "A map stands where the specification has a list of texts.",
		Bad:   "references:\n    report: https://example.com/report",
		Good:  "references:\n    - https://example.com/report",
		From:  []Origin{spec("Schema")},
	},
	{
		Code: "aggregation", Severity: diag.Error,
		Prose: "A v1 rule counts with `|` in its condition and has several conditions.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition:\n        - selection | count() > 5\n        - selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
	},
	{
		Code: "timeframe", Severity: diag.Warning,
		Prose: "A v1 rule counts with `|` in its condition and has no timeframe: all of the time is one window.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection | count() > 5",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
	},
	{
		Code: "timespan", Severity: diag.Error,
		Prose: "The span of time is missing or can't be read: a whole number and one of the letters s, m, h, d, w, M, y.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10 minutes\n    condition: {gte: 10}",
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		From:  []Origin{spec("Correlations, Timespan"), rSigma("missing_correlation_timespan"), rSigma("invalid_timespan_format")},
	},
	{
		Code: "correlation", Severity: diag.Error,
		Prose: "The correlation is no map, or stands beside a detection.",
		Bad:   "correlation: event_count",
		Good:  "title: Example of a Rule",
		From:  []Origin{spec("Correlations, Correlation Section")},
	},
	{
		Code: "correlation-type", Severity: diag.Error,
		Prose: "The type of the correlation is missing or unknown.",
		Bad:   "correlation:\n    type: event_cont\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}",
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		From:  []Origin{spec("Correlations, Correlation Type"), rSigma("missing_correlation_type"), rSigma("invalid_correlation_type")},
	},
	{
		Code: "correlation-rules", Severity: diag.Warning,
		Prose: "A correlation names a rule twice. It is an error when it names none, or too many to be put in order.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example, example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		From:  []Origin{spec("Correlations, Related Rules"), rSigma("missing_correlation_rules"), rSigma("empty_correlation_rules")},
	},
	{
		Code: "correlation-key", Severity: diag.Warning,
		Prose: "The correlation has a key that means nothing. It is an error when it is likely a misspelt one.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n    remark: more than usual\n" + exampleRule,
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		From:  []Origin{spec("Correlations, Correlation Section")},
	},
	{
		Code: "correlation-condition", Severity: diag.Warning,
		Prose: "A part of the correlation's condition means nothing, such as a percentile to event_count. It is an error when the condition is missing, compares with no number, or can't be fulfilled.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10, field: User}\n" + exampleRule,
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		From: []Origin{
			spec("Correlations, Condition"), rSigma("missing_correlation_condition"), rSigma("missing_condition_field"),
			rSigma("condition_value_not_numeric"), rSigma("invalid_condition_operator"),
		},
	},
	{
		Code: "aliases", Severity: diag.Warning,
		Prose: "An alias is used nowhere, or can't be read (an error): aliases are a map from names to maps from rules to fields.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n    aliases:\n        account: {example: User}\n" + exampleRule,
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [account]\n    timespan: 10m\n    condition: {gte: 10}\n    aliases:\n        account: {example: User}\n" + exampleRule,
		From:  []Origin{spec("Correlations, Field Name Aliases")},
	},
	{
		Code: "generate", Severity: diag.Error,
		Prose: "`generate` is true or false.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n    generate: sometimes",
		Good:  "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n    generate: true\n" + exampleRule,
		From:  []Origin{spec("Correlations, Generate"), rSigma("generate_not_boolean")},
	},
	{
		Code: "filter", Severity: diag.Error,
		Prose: "The filter section is no map.",
		Bad:   "filter: 'User: x'",
		Good:  "filter:\n    rules: any\n    selection:\n        User: 'x'\n    condition: not selection",
		From:  []Origin{spec("Filters, Global Filter")},
	},
	{
		Code: "filter-rules", Severity: diag.Error,
		Prose: "The filter does not say which rules it is for: `any`, or a list of ids and names.",
		Bad:   "filter:\n    selection:\n        User: 'x'\n    condition: not selection",
		Good:  "filter:\n    rules: any\n    selection:\n        User: 'x'\n    condition: not selection",
		From:  []Origin{spec("Filters, Relative rules"), rSigma("missing_filter_rules")},
	},
	{
		Code: "filter-condition", Severity: diag.Error,
		Prose: "A filter has one condition, without counting.",
		Bad:   "filter:\n    rules: any\n    selection:\n        User: 'x'\n    condition:\n        - not selection\n        - selection",
		Good:  "filter:\n    rules: any\n    selection:\n        User: 'x'\n    condition: not selection",
		From:  []Origin{spec("Filters, filter condition")},
	},
	{
		Code: "placeholders", Severity: diag.Error,
		Prose: "A document of placeholders holds something else than lists of texts.",
		Bad:   "# as it is\nplaceholders:\n    admins: []",
		Good:  "# as it is\nplaceholders:\n    admins: [root]",
	},
	{
		Code: "placeholder", Severity: diag.Error,
		Prose: "A placeholder's value can't be put where the rule has it: the regular expression that comes of it can't be read.",
		Bad:   "detection:\n    selection:\n        CommandLine|re|expand: 'a%tool%b'\n    condition: selection\n---\n# as it is\nplaceholders:\n    tool: ['(']",
		Good:  "detection:\n    selection:\n        CommandLine|re|expand: 'a%tool%b'\n    condition: selection\n---\n# as it is\nplaceholders:\n    tool: ['(x|y)']",
	},
}

// exampleRule is a document for the examples of correlations to name.
const exampleRule = "---\nname: example"

// nearest replaces a word by the known one that it looks like.
func nearest(s *source, d *diag.Diagnostic, known []string) []Edit {
	t, ok := s.scalar(d.Pos)
	if !ok {
		return nil
	}
	word := t.text
	if t.quote == 0 {
		runes := []rune(word)
		if len(runes) < d.Width {
			return nil // it goes on in the next line
		}
		word = string(runes[:d.Width])
	}
	for _, k := range known {
		if strings.Contains(sigma.Suggest(strings.ToLower(strings.TrimSpace(word)), known), `"`+k+`"`) {
			return s.replace(d.Pos, word, k)
		}
	}
	return nil
}
