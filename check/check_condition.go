package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

const twoSearches = "    selection:\n        Image|endswith: '\\example.exe'\n    filter_main_user:\n        User: 'x'\n"

var conditionChecks = []*Check{
	{
		Code: "unused-identifier", Severity: diag.Warning,
		Prose: "The condition does not use a search identifier, so that it changes nothing.",
		Bad:   "detection:\n" + twoSearches + "    condition: selection",
		Good:  "detection:\n" + twoSearches + "    condition: selection and not filter_main_user",
		From:  []Origin{pySigma("dangling_detection")},
		section: func(d *document) {
			used := d.usedNames()
			if used == nil {
				return
			}
			for _, id := range d.detection.Identifiers {
				if !used[id.Name] {
					d.reportText(id.Pos, id.Name, fmt.Sprintf("the condition does not use %q", id.Name), "")
				}
			}
		},
	},
	{
		Code: "all-of-them", Severity: diag.Note,
		Prose: "The condition is over `all of them`: whoever adds a filter to the rule changes its meaning.",
		Bad:   "detection:\n    selection_image:\n        Image|endswith: '\\example.exe'\n    selection_user:\n        User: 'x'\n    condition: all of them",
		Good:  "detection:\n    selection_image:\n        Image|endswith: '\\example.exe'\n    selection_user:\n        User: 'x'\n    condition: all of selection_*",
		From:  []Origin{spec("Condition"), pySigma("all_of_them_condition")},
		section: func(d *document) {
			d.quantifiers(func(of *sigma.CondOf) {
				if of.All && isThem(of) && len(of.Names) > 1 {
					d.report(of.Pos, len(of.Pattern), "\"all of them\" is discouraged", "write \"all of selection_*\"")
				}
			})
		},
	},
	{
		Code: "them-alone", Severity: diag.Note,
		Prose: "The condition is over `them`, and there is one search identifier.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: 1 of them",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{pySigma("them_condition_with_single_detection"), pySigmaHQ("ofthem_condition")},
		Fixes: "The identifier's name is written instead.",
		section: func(d *document) {
			d.quantifiers(func(of *sigma.CondOf) {
				if isThem(of) && len(of.Names) == 1 {
					d.report(of.Pos, len(of.Pattern), fmt.Sprintf("\"them\" is %s alone", of.Names[0]), "", d.writeName(of)...)
				}
			})
		},
	},
	{
		Code: "of-alone", Severity: diag.Note,
		Prose: "The condition is over all identifiers of a name with `*`, and there is one. (With selection_* and filter_* that is usual: more may come.)",
		Bad:   "detection:\n    image_one:\n        Image|endswith: '\\example.exe'\n    condition: 1 of image_*",
		Good:  "detection:\n    selection_one:\n        Image|endswith: '\\example.exe'\n    condition: 1 of selection_*",
		From:  []Origin{pySigmaHQ("ofselection_condition")},
		section: func(d *document) {
			d.quantifiers(func(of *sigma.CondOf) {
				if len(of.Names) == 1 && strings.Contains(of.Pattern, "*") && !strings.HasPrefix(of.Pattern, "selection") && !strings.HasPrefix(of.Pattern, "filter") {
					d.report(of.Pos, len(of.Pattern), fmt.Sprintf("%q is %s alone", of.Pattern, of.Names[0]), "write its name")
				}
			})
		},
	},
	{
		Code: "of-without-star", Severity: diag.Warning,
		Prose: "The condition has `1 of` or `all of` before a name without `*`. In rules of version 1 (dates with slashes, counting in the condition) that is about the items of the identifier, in later ones it is the identifier itself.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: 1 of selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Condition"), pySigmaHQ("missing_asterisk_condition")},
		Fixes: "The name is written alone, in rules that are not of version 1.",
		section: func(d *document) {
			d.quantifiers(func(of *sigma.CondOf) {
				if of.Items {
					d.report(of.Pos, len(of.Pattern), fmt.Sprintf("this is about the items of %q in a rule of version 1, and about all of it in a later one", of.Pattern), "make its items search identifiers of their own")
				} else if !strings.Contains(of.Pattern, "*") && !isThem(of) {
					d.report(of.Pos, len(of.Pattern), fmt.Sprintf("%q is one identifier", of.Pattern), "write its name alone, or add a *", d.writeName(of)...)
				}
			})
		},
	},
	{
		Code: "condition-case", Severity: diag.Note,
		Prose: "An operator of the condition is written in capital letters, which some tools don't know.",
		Bad:   "detection:\n" + twoSearches + "    condition: selection AND NOT filter_main_user",
		Good:  "detection:\n" + twoSearches + "    condition: selection and not filter_main_user",
		From:  []Origin{spec("Condition")},
		Fixes: "The operator is written in lower case.",
		section: func(d *document) {
			for _, c := range d.detection.Conditions {
				d.words(c, func(p diag.Pos, start int, word string) {
					low := strings.ToLower(word)
					if low == word || !slices.Contains(operators, low) || d.detection.Identifier(word) != nil {
						return
					}
					var edits []Edit
					if start >= 0 {
						edits = []Edit{{start, start + len(word), low}}
					}
					d.report(p, len(word), fmt.Sprintf("the operator %s is written in lower case", word), "", edits...)
				})
			}
		},
	},
	{
		Code: "condition-constant", Severity: diag.Warning,
		Prose: "The condition is true of every event, or of none, whatever its parts are.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection and not selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		section: func(d *document) {
			for _, c := range d.detection.Conditions {
				if t := tableOf(c.Expr); t != nil && (t.always(true) || t.always(false)) {
					what := "true of every event"
					if t.always(false) {
						what = "true of no event"
					}
					d.report(c.Pos, d.width(c.Pos, c.Text), "the condition is "+what, "")
				}
			}
		},
	},
	{
		Code: "condition-needless", Severity: diag.Warning,
		Prose: "A part of the condition makes no difference: in `a or a and b` it is b.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    selection_user:\n        User: 'x'\n    condition: selection or (selection and selection_user)",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    selection_user:\n        User: 'x'\n    condition: selection and selection_user",
		section: func(d *document) {
			for _, c := range d.detection.Conditions {
				t := tableOf(c.Expr)
				if t == nil || t.always(true) || t.always(false) {
					continue
				}
				for i, name := range t.names {
					if !t.dependsOn(i) {
						d.report(c.Pos, d.width(c.Pos, c.Text), fmt.Sprintf("%s makes no difference to the condition", name), "")
					}
				}
			}
		},
	},
	{
		Code: "condition-negative", Severity: diag.Warning,
		Prose: "The condition is true of an event that fulfils none of its parts: the rule matches nearly everything.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: not selection",
		Good:  "detection:\n" + twoSearches + "    condition: selection and not filter_main_user",
		section: func(d *document) {
			if d.kind != "rule" {
				return
			}
			for _, c := range d.detection.Conditions {
				if t := tableOf(c.Expr); t != nil && !t.always(true) && t.value(0) {
					d.report(c.Pos, d.width(c.Pos, c.Text), "an event that fulfils none of the parts matches", "say what is looked for beside what is not")
				}
			}
		},
	},
	{
		Code: "condition-aggregation", Severity: diag.Warning,
		Prose: "The condition counts events with `|`, which v2 of the specification took out. A correlation says it.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    timeframe: 5m\n    condition: selection | count() by User > 5",
		Good:  exampleCorrelation,
		From:  []Origin{spec("Correlations"), rSigma("deprecated_aggregation_syntax")},
		section: func(d *document) {
			for _, c := range d.detection.Conditions {
				if c.Aggregation != "" && d.detection.Timeframe != "" {
					d.report(c.Pos, d.width(c.Pos, c.Text), "the condition counts as v1 rules did", "write a correlation")
				}
			}
		},
	},
	{
		Code: "timeframe-unused", Severity: diag.Warning,
		Prose: "The detection has a timeframe, and its condition counts nothing.",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    timeframe: 5m\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		section: func(d *document) {
			counted := slices.ContainsFunc(d.detection.Conditions, func(c sigma.Condition) bool { return c.Aggregation != "" })
			if d.detection.Timeframe != "" && !counted {
				d.report(d.detection.Pos, 1, "the timeframe means nothing to this condition", "write a correlation to count events")
			}
		},
	},
	{
		Code: "filter-name", Severity: diag.Note,
		Prose: "What the condition takes out is not named filter_main_* (needed, or usual everywhere) or filter_optional_* (software that not everyone has).",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    known_user:\n        User: 'x'\n    condition: selection and not known_user",
		Good:  "detection:\n" + twoSearches + "    condition: selection and not filter_main_user",
		From:  []Origin{sigmaHQ("Condition")},
		section: func(d *document) {
			if d.kind != "rule" {
				return
			}
			for _, c := range d.detection.Conditions {
				positive := d.positive(c.Expr)
				d.negated(c.Expr, false, func(p diag.Pos, name string) {
					if !strings.HasPrefix(name, "filter") && len(positive) > 0 && !positive[name] {
						d.report(p, len(name), fmt.Sprintf("%s is a filter by its use, and not by its name", name), "name it filter_main_* or filter_optional_*")
					}
				})
			}
		},
	},
}

var operators = []string{"and", "or", "not", "of", "all", "any", "them"}

func isThem(of *sigma.CondOf) bool { return strings.EqualFold(of.Pattern, "them") }

// walk calls f for every node of a condition.
func walk(e sigma.ConditionExpr, f func(sigma.ConditionExpr)) {
	f(e)
	switch e := e.(type) {
	case *sigma.CondAnd:
		for _, x := range e.X {
			walk(x, f)
		}
	case *sigma.CondOr:
		for _, x := range e.X {
			walk(x, f)
		}
	case *sigma.CondNot:
		walk(e.X, f)
	}
}

// quantifiers calls f for every "1 of" and "all of" of the conditions.
func (d *document) quantifiers(f func(*sigma.CondOf)) {
	for _, c := range d.detection.Conditions {
		walk(c.Expr, func(e sigma.ConditionExpr) {
			if of, ok := e.(*sigma.CondOf); ok {
				f(of)
			}
		})
	}
}

// usedNames are the identifiers that the conditions are about, the parts of a
// v1 correlation among them; nil without a condition.
func (d *document) usedNames() map[string]bool {
	if len(d.detection.Conditions) == 0 {
		return nil
	}
	used := map[string]bool{}
	add := func(e sigma.ConditionExpr) {
		walk(e, func(e sigma.ConditionExpr) {
			switch e := e.(type) {
			case *sigma.CondRef:
				used[e.Name] = true
			case *sigma.CondOf:
				for _, n := range e.Names {
					used[n] = true
				}
			}
		})
	}
	for _, c := range d.detection.Conditions {
		add(c.Expr)
	}
	if d.rule != nil && d.rule.Correlation != nil {
		for _, r := range d.rule.Correlation.Rules {
			add(r.Part)
		}
	}
	return used
}

// positive are the names that a condition asks for.
func (d *document) positive(e sigma.ConditionExpr) map[string]bool {
	names := map[string]bool{}
	d.negated(e, true, func(_ diag.Pos, name string) { names[name] = true })
	return names
}

// negated calls f for the names that a condition takes out, not for those that
// it asks for; when it is negated itself, the other way round.
func (d *document) negated(e sigma.ConditionExpr, not bool, f func(diag.Pos, string)) {
	switch e := e.(type) {
	case *sigma.CondAnd:
		for _, x := range e.X {
			d.negated(x, not, f)
		}
	case *sigma.CondOr:
		for _, x := range e.X {
			d.negated(x, not, f)
		}
	case *sigma.CondNot:
		d.negated(e.X, !not, f)
	case *sigma.CondRef:
		if not {
			f(e.Pos, e.Name)
		}
	case *sigma.CondOf:
		if not && !isThem(e) {
			f(e.Pos, e.Pattern)
		}
	}
}

var aWord = regexp.MustCompile(`[^\s()|]+`)

// words calls f for the words of a condition before its "|"; start is where one
// begins in the file, -1 where that can't be told.
func (d *document) words(c sigma.Condition, f func(p diag.Pos, start int, word string)) {
	text, _, _ := strings.Cut(c.Text, "|")
	t, exact := d.scalarOf(c.Pos, c.Text)
	for _, at := range aWord.FindAllStringIndex(text, -1) {
		p, start := c.Pos, -1
		if exact {
			start = t.start + at[0]
			if t.quote != 0 {
				start++
			}
			p = c.Pos.Shift(utf8.RuneCount(d.Data[t.start:start]))
		}
		f(p, start, text[at[0]:at[1]])
	}
}

// writeName replaces "1 of NAME" by the one identifier that it stands for.
func (d *document) writeName(of *sigma.CondOf) []Edit {
	at := d.offset(of.Pos)
	if at < 0 || !strings.HasPrefix(string(d.Data[at:]), of.Pattern) {
		return nil
	}
	line := max(d.lines[of.Pos.Line-1], at-maxQuantifier)
	before := quantifier.FindIndex(d.Data[line:at])
	if before == nil {
		return nil
	}
	return []Edit{{line + before[0], at + len(of.Pattern), of.Names[0]}}
}

// maxQuantifier bounds the bytes that are looked at before a name.
const maxQuantifier = 32

var quantifier = regexp.MustCompile(`(?i)(1|any|all) +of +$`)
