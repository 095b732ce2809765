package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var wildcardChecks = []*Check{
	{
		Code: "wildcard-modifier", Severity: diag.Note,
		Prose: "Values begin or end with `*` where a modifier says the same: contains, startswith, endswith.",
		Bad:   "detection:\n    selection:\n        CommandLine: '*bypass*'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: 'bypass'\n    condition: selection",
		From:  []Origin{spec("String Wildcard"), pySigma("wildcards_instead_of_modifiers")},
		Fixes: "The modifier is written and the `*` removed, when all values of the field are alike.",
		item: func(d *document, it *item) {
			if it.Field == "" || len(it.Written) == 0 || slices.ContainsFunc(it.Modifiers, func(m string) bool { return m != "all" && m != "cased" && m != "neq" }) {
				return
			}
			modifier := ""
			for i, v := range it.Written {
				m := affix(v)
				if m == "" || i > 0 && m != modifier {
					return
				}
				modifier = m
			}
			edits := d.withModifiers(it, append([]string{modifier}, it.Modifiers...))
			for i := range it.Written {
				edits = append(edits, d.stripStars(it, i)...)
			}
			if len(edits) != 1+len(it.Written) {
				edits = nil
			}
			d.reportText(it.Pos, it.label(), fmt.Sprintf("the modifier %s says the same as *", modifier), fmt.Sprintf("write %s|%s", it.Field, strings.Join(append([]string{modifier}, it.Modifiers...), "|")), edits...)
		},
	},
	{
		Code: "wildcard-needless", Severity: diag.Note,
		Prose: "A value has `*` where its modifier puts one anyway.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains: '*bypass*'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: 'bypass'\n    condition: selection",
		Fixes: "The `*` is removed.",
		item: func(d *document, it *item) {
			begins, ends := it.has("contains", "endswith"), it.has("contains", "startswith")
			if it.has("re", "base64", "base64offset", "fieldref") || !begins && !ends {
				return
			}
			for i, v := range it.Written {
				s, ok := v.(sigma.String)
				if !ok || len(s.Pattern) < 2 {
					continue
				}
				if first, last := s.Pattern[0].Kind, s.Pattern[len(s.Pattern)-1].Kind; begins && first == sigma.AnyChars || ends && last == sigma.AnyChars {
					d.reportValue(it, i, "the modifier puts a * there anyway", "", d.stripNeedless(it, i, begins, ends)...)
				}
			}
		},
	},
	{
		Code: "wildcard-doubled", Severity: diag.Note,
		Prose: "Two `*` stand beside each other, which is one.",
		Bad:   "detection:\n    selection:\n        Image|startswith: 'C:\\Temp**.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|startswith: 'C:\\Temp*.exe'\n    condition: selection",
		From:  []Origin{pySigma("double_wildcard")},
		Fixes: "One of them is removed.",
		item: func(d *document, it *item) {
			if it.has("re") {
				return
			}
			for i := range it.Written {
				text, ok := d.written(it, i)
				if now := singleStars(text); ok && now != text {
					d.reportValue(it, i, "two wildcards stand beside each other", "", d.replace(it.Places[i], text, now)...)
				}
			}
		},
	},
	{
		Code: "wildcard-alone", Severity: diag.Note,
		Prose: "The value is `*` alone: the field is there. The modifier exists says so.",
		Bad:   "detection:\n    selection:\n        CommandLine: '*'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|exists: true\n    condition: selection",
		From:  []Origin{spec("Field Existence"), rSigma("wildcard_only_value")},
		item: func(d *document, it *item) {
			for i, v := range it.Written {
				if s, ok := v.(sigma.String); ok && it.Field != "" && !it.has("re") && len(s.Pattern) == 1 && s.Pattern[0].Kind == sigma.AnyChars {
					d.reportValue(it, i, "* alone asks whether the field is there", "write \"|exists: true\" when that is meant")
				}
			}
		},
	},
	{
		Code: "wildcard-escaped", Severity: diag.Note,
		Prose: "A backslash takes the meaning of a wildcard away: `\\*` is a star. Behind a folder, `\\\\*` is meant: a backslash and anything.",
		Bad:   "detection:\n    selection:\n        Image|startswith: 'C:\\Users\\*\\Temp'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|startswith: 'C:\\Users\\\\*\\Temp'\n    condition: selection",
		From:  []Origin{spec("Escape Character"), pySigma("escaped_wildcard")},
		item: func(d *document, it *item) {
			if it.has("re") {
				return
			}
			for i, v := range it.Written {
				s, ok := v.(sigma.String)
				if !ok {
					continue
				}
				for _, t := range s.Pattern {
					if t.Kind == sigma.Literal && strings.ContainsAny(t.Text, "*?") {
						d.reportValue(it, i, "a backslash takes the meaning of the wildcard away", `write \\* when a backslash and anything is meant`)
						break
					}
				}
			}
		},
	},
}

// affix is the modifier that says the same as the wildcards around a value, ""
// when there is none.
func affix(v sigma.Value) string {
	s, ok := v.(sigma.String)
	n := len(s.Pattern)
	if !ok || n < 2 {
		return ""
	}
	begins, ends := s.Pattern[0].Kind == sigma.AnyChars, s.Pattern[n-1].Kind == sigma.AnyChars
	inner := s.Pattern
	if begins {
		inner = inner[1:]
	}
	if ends {
		inner = inner[:len(inner)-1]
	}
	if !inner.IsPlain() {
		return ""
	}
	switch {
	case begins && ends:
		return "contains"
	case begins:
		return "endswith"
	case ends:
		return "startswith"
	}
	return ""
}

// stripStars removes the wildcards around a value.
func (d *document) stripStars(it *item, i int) []Edit { return d.stripNeedless(it, i, true, true) }

func (d *document) stripNeedless(it *item, i int, begins, ends bool) []Edit {
	text, ok := d.written(it, i)
	if !ok {
		return nil
	}
	pattern := it.Written[i].(sigma.String).Pattern
	now := text
	if begins && pattern[0].Kind == sigma.AnyChars {
		now, pattern = strings.TrimLeft(now, "*"), pattern[1:]
	}
	if n := len(pattern); ends && n > 0 && pattern[n-1].Kind == sigma.AnyChars {
		now, pattern = strings.TrimRight(now, "*"), pattern[:n-1]
	}
	if !equalPatterns(sigma.ParsePattern(now), pattern) {
		return nil
	}
	return d.replace(it.Places[i], text, now)
}

// singleStars removes stars that are wildcards and stand behind another.
func singleStars(s string) string {
	var b strings.Builder
	star := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			b.WriteByte(s[i])
			i++
			star = false
		case s[i] == '*' && star:
			continue
		default:
			star = s[i] == '*'
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
