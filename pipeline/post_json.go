package pipeline

import (
	"bytes"
	"encoding/json"
	"strings"
)

var postJSON = Postprocessor{
	Name:       "json",
	Prose:      `Puts the query into a JSON text, in the place of each value "%QUERY%".`,
	Parameters: []Parameter{{"json_template", "the JSON text"}},
	Example: QueryExample{
		Item:    `{type: json, json_template: '{"size": 10, "query": {"query_string": "%QUERY%"}}'}`,
		Queries: []string{`A:"1"`},
		Result:  `{"size":10,"query":{"query_string":"A:\"1\""}}`,
	},
	read: func(d dict) postprocess {
		text := d.need("json_template")
		if n := d.get("json_template"); n != nil && !json.Valid([]byte(text)) {
			d.r.errorf(n, "json", "json_template is no valid JSON")
			text = "null"
		}
		return func(query any, _ *postContext) (any, error) {
			var b bytes.Buffer
			err := json.Compact(&b, []byte(replaceInJSON(text, "%QUERY%", jsonText(query))))
			return b.String(), err
		}
	},
}

// replaceInJSON replaces the string values of a valid JSON text that are the
// given text. Keys stay.
func replaceInJSON(text, old, by string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			b.WriteByte(text[i])
			continue
		}
		end := i + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		literal := text[i : end+1]
		var s string
		isKey := strings.HasPrefix(strings.TrimLeft(text[end+1:], " \t\r\n"), ":")
		if !isKey && json.Unmarshal([]byte(literal), &s) == nil && s == old {
			literal = by
		}
		b.WriteString(literal)
		i = end
	}
	return b.String()
}
