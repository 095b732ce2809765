package pipeline

import (
	"slices"

	"github.com/huntbook/huntbook/sigma"
)

var transformWildcardPlaceholders = Transformation{
	Name:       "wildcard_placeholders",
	Prose:      "Replaces placeholders (modifier expand) by a wildcard, so that a rule can be used though nobody knows their values; it then matches more than it should. In a regular expression it is \".*\".",
	Parameters: placeholderParameters,
	Example: Example{
		Item:      `{type: wildcard_placeholders, exclude: [known]}`,
		Detection: `{User|expand: 'adm_%site%', Host|re|expand: '^%site%$'}`,
		Result:    `User = "adm_*" and Host =~ /^.*$/`,
	},
	read: func(d dict) transform {
		handles := readHandled(d)
		return transformFunc(func(a *application) {
			a.itemsWithField(func(p placed) bool {
				wildcard := "*"
				if slices.ContainsFunc(p.values, func(v sigma.Value) bool { _, ok := v.(sigma.Regexp); return ok }) {
					// The values of an item are of one kind.
					wildcard = ".*"
				}
				return a.replacePlaceholders(p, func(name string) ([]string, bool) { return []string{wildcard}, handles(name) })
			})
		})
	},
}
