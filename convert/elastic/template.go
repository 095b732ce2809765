package elastic

import (
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/sigma"
)

// Untemplated is a query string for a place where "{{" begins a template's tag, as in
// watches and monitors. Values escape their braces; what is left is a regular
// expression that repeats one, which may be written otherwise.
func Untemplated(r *sigma.Rule, query string) (string, error) {
	query = strings.ReplaceAll(query, `\{{`, `(\{){`)
	if strings.Contains(query, "{{") {
		return "", backend.UnsupportedRule(r, `the query has "{{" in it, which would begin a tag of a template`, "")
	}
	return query, nil
}
