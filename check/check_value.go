package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var valueChecks = []*Check{
	{
		Code: "control-character", Severity: diag.Warning,
		Prose: "A value holds a control character: in double quotes `\\t` is a tab and `\\n` a line break, not a backslash and a letter. Single quotes leave backslashes as they are.",
		Bad:   "detection:\n    selection:\n        Image|endswith: \"\\\\Temp\\tool.exe\"\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\Temp\\tool.exe'\n    condition: selection",
		From:  []Origin{pySigma("control_character")},
		item: func(d *document, it *item) {
			for i, v := range it.Written {
				s, ok := v.(sigma.String)
				if !ok {
					continue
				}
				for _, t := range s.Pattern {
					if at := strings.IndexFunc(t.Text, unicode.IsControl); at >= 0 {
						d.reportValue(it, i, fmt.Sprintf("the value holds a control character, U+%04X", []rune(t.Text[at:])[0]), "in single quotes a backslash is a backslash")
						break
					}
				}
			}
		},
	},
	{
		Code: "number-as-text", Severity: diag.Note,
		Prose: "A number stands in quotes, in a field whose name says that it holds numbers: EventID, DestinationPort, LogonType. Numbers are written without.",
		Bad:   "# file: win_security_example.yml\nlogsource:\n    product: windows\n    service: security\ndetection:\n    selection:\n        EventID: '4624'\n    condition: selection",
		Good:  "# file: win_security_example.yml\nlogsource:\n    product: windows\n    service: security\ndetection:\n    selection:\n        EventID: 4624\n    condition: selection",
		From:  []Origin{spec("Yaml File"), pySigma("number_as_string")},
		Fixes: "The quotes are removed, where no modifier takes text.",
		item: func(d *document, it *item) {
			if !numbered.MatchString(it.Field) || len(it.Modifiers) > 0 {
				return
			}
			for i := range it.Written {
				text, ok := d.written(it, i)
				if !ok || !aWhole.MatchString(text) {
					continue
				}
				var edits []Edit
				if t, ok := d.scalarOf(it.Places[i], text); ok && t.quote != 0 {
					edits = []Edit{{t.start, t.end, text}}
				}
				d.reportValue(it, i, "the number stands in quotes", "", edits...)
			}
		},
	},
	{
		Code: "number-form", Severity: diag.Warning,
		Prose: "A number without quotes is written in a form that YAML converts: 0x17 is read as 23, and 0010 by some readers as 8. Events have the text.",
		Bad:   "detection:\n    selection:\n        LogonId: 0x3e7\n    condition: selection",
		Good:  "detection:\n    selection:\n        LogonId: '0x3e7'\n    condition: selection",
		item: func(d *document, it *item) {
			for i, p := range it.Places {
				t, ok := d.scalar(p)
				if !ok || t.quote != 0 {
					continue
				}
				text, read := plainEnd.Split(t.text, 2)[0], plainText(it.Written[i])
				if _, isNumber := it.Written[i].(sigma.Number); !oddNumber.MatchString(text) || !isNumber && read != text {
					continue
				}
				if read == text {
					d.report(p, len(text), fmt.Sprintf("%s is a text here and a number to other readers of YAML", text), "put it in quotes")
				} else {
					d.report(p, len(text), fmt.Sprintf("%s is read as %s", text, read), "put it in quotes")
				}
			}
		},
	},
	{
		Code: "yaml-word", Severity: diag.Note,
		Prose: "A word without quotes is true or false to YAML 1.1 readers, such as pySigma's, and a text to newer ones: yes, no, on, off.",
		Bad:   "# file: image_load_example.yml\nlogsource:\n    category: image_load\n    product: windows\ndetection:\n    selection:\n        Signed: no\n        Image|endswith: '\\example.exe'\n    condition: selection",
		Good:  "# file: image_load_example.yml\nlogsource:\n    category: image_load\n    product: windows\ndetection:\n    selection:\n        Signed: 'no'\n        Image|endswith: '\\example.exe'\n    condition: selection",
		item: func(d *document, it *item) {
			for i := range it.Written {
				text, ok := d.written(it, i)
				if !ok || !oldBoolean.MatchString(text) {
					continue
				}
				if t, ok := d.scalar(it.Places[i]); ok && t.quote == 0 {
					d.report(it.Places[i], len(text), fmt.Sprintf("%s is true or false to some readers of YAML", text), "put it in quotes, or write true or false")
				}
			}
		},
	},
	{
		Code: "null-in-list", Severity: diag.Warning,
		Prose: "null stands in a list of values. The specification does not allow it: it is a search identifier of its own.",
		Bad:   "detection:\n    selection:\n        ParentImage:\n            - 'x'\n            - null\n    condition: selection",
		Good:  "detection:\n    selection_one:\n        ParentImage: 'x'\n    selection_none:\n        ParentImage: null\n    condition: 1 of selection_*",
		From:  []Origin{spec("Special Field Values"), rSigma("null_in_value_list")},
		item: func(d *document, it *item) {
			for i, v := range it.Written {
				if _, null := v.(sigma.Null); null && len(it.Written) > 1 {
					d.report(it.Places[i], 4, "null stands in a list of values", "make it a search identifier of its own, and link both with or")
				}
			}
		},
	},
	{
		Code: "duplicate-value", Severity: diag.Warning,
		Prose: "A list has the same value twice; letter case makes no difference unless the field is compared with it.",
		Bad:   "detection:\n    selection:\n        Image|endswith:\n            - '\\example.exe'\n            - '\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{pySigmaHQ("field_duplicate_value")},
		Fixes: "The second one is removed, when it is the same to the letter.",
		item: func(d *document, it *item) {
			seen := map[string]string{}
			for i, v := range it.Written {
				key := fmt.Sprintf("%T %v", v, v)
				exact := key
				if !it.has("re", "cased", "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "fieldref") {
					key = strings.ToLower(key)
				}
				first, again := seen[key]
				if !again {
					seen[key] = exact
					continue
				}
				var edits []Edit
				if text, ok := d.written(it, i); ok && first == exact {
					edits = d.removeEntry(it.Places[i], text)
				}
				d.reportValue(it, i, "the value stands in the list already", "", edits...)
			}
		},
	},
	{
		Code: "covered-value", Severity: diag.Note,
		Prose: "Some values of a list change nothing, since another one is found wherever they are. That may be meant, to say what is expected.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains:\n            - 'bypass'\n            - 'bypass -enc'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: 'bypass'\n    condition: selection",
		item: func(d *document, it *item) {
			if len(it.Written) < 2 || len(it.Written) > maxCompared || it.All || it.Negated || len(it.Modifiers) != 1 || !it.has("contains", "startswith", "endswith") {
				return
			}
			covers := map[string]func(s, part string) bool{"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix}[it.Modifiers[0]]
			texts := make([]string, len(it.Written))
			for i, v := range it.Written {
				texts[i] = strings.ToLower(plainText(v))
			}
			first, by, others := -1, -1, 0
			for i, text := range texts {
				j := slices.IndexFunc(texts, func(part string) bool { return part != "" && part != text && covers(text, part) })
				switch {
				case j >= 0 && first < 0:
					first, by = i, j
				case j >= 0:
					others++
				}
			}
			if first < 0 {
				return
			}
			message := fmt.Sprintf("%q in the same list is found wherever %q is", plainText(it.Written[by]), plainText(it.Written[first]))
			if others > 0 {
				message += fmt.Sprintf(", and %d more values change nothing", others)
			}
			d.reportValue(it, first, message, "")
		},
	},
	{
		Code: "value-matches-all", Severity: diag.Warning,
		Prose: "An empty text with contains, startswith or endswith is in every value.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains: ''\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine: ''\n    condition: selection",
		item: func(d *document, it *item) {
			if !it.has("contains", "startswith", "endswith") || it.has("re", "fieldref") {
				return
			}
			for i, v := range it.Written {
				if s, ok := v.(sigma.String); ok && len(s.Pattern) == 0 {
					d.report(it.Places[i], 2, "the empty text is in every value", "leave the modifier out to ask for empty values")
				}
			}
		},
	},
	{
		Code: "value-blank", Severity: diag.Note,
		Prose: "A value that is compared as a whole begins or ends with a blank, which is rarely meant. (With contains it often is.)",
		Bad:   "detection:\n    selection:\n        Image|endswith: '\\example.exe '\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		item: func(d *document, it *item) {
			if it.Field == "" || strings.Contains(strings.ToLower(it.Field), "commandline") || it.has("contains", "re", "windash", "base64", "base64offset") {
				return
			}
			for i, v := range it.Written {
				text := plainText(v)
				before := strings.TrimLeft(text, " \t") != text && !it.has("endswith")
				behind := strings.TrimRight(text, " \t") != text && !it.has("startswith")
				if strings.TrimSpace(text) != "" && (before || behind) {
					d.reportValue(it, i, "the value begins or ends with a blank", "")
				}
			}
		},
	},
	{
		Code: "doubled-backslash", Severity: diag.Note,
		Prose: "Backslashes are doubled, which is not needed where no wildcard follows. The single notation is recommended.",
		Bad:   "detection:\n    selection:\n        Image: 'C:\\\\Windows\\\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image: 'C:\\Windows\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Escape Character")},
		Fixes: "Each pair between letters becomes one backslash.",
		item: func(d *document, it *item) {
			if it.has("re") {
				return
			}
			for i := range it.Written {
				text, ok := d.written(it, i)
				pair := doubled
				if it.has("expand") {
					pair = doubledNoSign
				}
				if !ok || !pair.MatchString(text) || strings.Contains(text, `\\\`) {
					continue
				}
				now := text
				for pair.MatchString(now) {
					now = pair.ReplaceAllString(now, `$1\$2`)
				}
				d.reportValue(it, i, "backslashes are doubled where one is enough", "", d.replace(it.Places[i], text, now)...)
			}
		},
	},
	{
		Code: "list-of-one", Severity: diag.Note,
		Prose: "A list has one value. It is written on the line of its field.",
		Bad:   "detection:\n    selection:\n        Image|endswith:\n            - '\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{sigmaHQ("Item Lists")},
		Fixes: "The value is moved to the line of its field.",
		item: func(d *document, it *item) {
			if it.Field == "" || len(it.Places) != 1 || it.Places[0].Line == it.Pos.Line {
				return
			}
			key, value := d.offset(it.Pos), d.offset(it.Places[0])
			if key < 0 || value < key {
				return
			}
			between := aListOfOne.FindIndex(d.Data[key:value])
			if between == nil || d.continues(it.Places[0]) && d.scalarSpans(it, 0) {
				return
			}
			d.report(it.Places[0], 1, "a list has one value", "write it on the line of its field", Edit{key + between[0], value, ": "})
		},
	},
}

// maxCompared bounds the values of a list that are compared with each other.
const maxCompared = 1000

var (
	numbered   = regexp.MustCompile(`(ID|Id|Port|Code|Type|Level|Count|Size)$`)
	aWhole     = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	oddNumber  = regexp.MustCompile(`^[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[0-9][0-9_]*_[0-9_]*)$`)
	oldBoolean = regexp.MustCompile(`^(?i)(yes|no|on|off|y|n)$`)
	doubled    = regexp.MustCompile(`([A-Za-z0-9:)_.%-])\\\\([A-Za-z0-9({_.%-])`)
	// doubledNoSign leaves out the percent sign, of which a single backslash would
	// make a plain one where placeholders are.
	doubledNoSign = regexp.MustCompile(`([A-Za-z0-9:)_.%-])\\\\([A-Za-z0-9({_.-])`)
	aListOfOne    = regexp.MustCompile(`:[ \t]*\r?\n[ \t]*-[ \t]+$`)
)

// scalarSpans tells that a value goes over several lines.
func (d *document) scalarSpans(it *item, i int) bool {
	_, ok := d.written(it, i)
	return !ok
}
