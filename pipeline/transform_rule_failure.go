package pipeline

import "github.com/huntbook/huntbook/diag"

var transformRuleFailure = Transformation{
	Name:       "rule_failure",
	Prose:      "Refuses a rule that meets the conditions, with a message.",
	Parameters: []Parameter{{"message", "what to tell the user"}},
	Example: Example{
		Item:      `{type: rule_failure, message: no such logs here, rule_conditions: [{type: contains_field, field: Image}]}`,
		Detection: `{Image: x}`,
		Result:    `error: no such logs here`,
	},
	read: func(d dict) transform {
		message := d.need("message")
		return transformFunc(func(a *application) { a.fail(diag.Error, "rule-failure", message, "the pipeline refuses the rule") })
	},
}
