package elastic

import (
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
)

// special are the characters with a meaning. "<" and ">" have one too, at the
// start of a bare term only, and no escape: such a term is quoted.
const special = `+-=!(){}[]^"~:/\*?`

var (
	quoted = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: special, Pairs: []string{"&&", "||"}, Space: true}
	// phrase has the escapes that a reader needs between quotes, and those of
	// braces, which are tags where a query stands in a template.
	phrase = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: `"\{}`}
	bare   = backend.Escaping{Escape: `\`, Chars: special, Pairs: []string{"&&", "||"}, Space: true, Any: "*", One: "?"}
	// A hyphen or plus inside of a name is plain.
	fieldName = backend.Escaping{Escape: `\`, Chars: `=!(){}[]^"~:/\*?<>`, Pairs: []string{"&&", "||"}, Space: true}
)

var reserved = []string{"AND", "OR", "NOT", "TO"}

// FieldName writes a field's name.
func FieldName(name string) string {
	if slices.Contains(reserved, name) || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+") {
		return `\` + fieldName.Text(name)
	}
	return fieldName.Text(name)
}
