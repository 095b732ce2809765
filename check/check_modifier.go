package check

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var modifierChecks = []*Check{
	{
		Code: "all-without-contains", Severity: diag.Warning,
		Prose: "A field has to equal several different values at once, which it can't.",
		Bad:   "detection:\n    selection:\n        CommandLine|all:\n            - '-enc'\n            - 'bypass'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains|all:\n            - '-enc'\n            - 'bypass'\n    condition: selection",
		From:  []Origin{pySigma("invalid_modifier_combinations")},
		item: func(d *document, it *item) {
			if it.Field == "" || !it.All || it.Negated || len(it.Modifiers) > 1 && !it.has("cased") {
				return
			}
			plain := 0
			for _, v := range it.Written {
				if s, ok := v.(sigma.String); !ok || s.Pattern.IsPlain() {
					plain++
				}
			}
			if plain > 1 {
				i := slices.Index(it.Modifiers, "all")
				p, width := d.modifier(it, i)
				d.report(p, width, "the field can't equal all of these values", "add contains before all, or leave all out")
			}
		},
	},
	{
		Code: "base64offset-alone", Severity: diag.Warning,
		Prose: "base64offset makes pieces of what stands in the field, which has more before and behind. contains has to follow.",
		Bad:   "detection:\n    selection:\n        CommandLine|base64offset: 'http://'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|base64offset|contains: 'http://'\n    condition: selection",
		From:  []Origin{spec("Encoding"), pySigma("invalid_modifier_combinations")},
		item: func(d *document, it *item) {
			if i := slices.Index(it.Modifiers, "base64offset"); i >= 0 && !it.has("contains") {
				p, width := d.modifier(it, i)
				d.report(p, width, "base64offset without contains finds nothing", "add |contains")
			}
		},
	},
	{
		Code: "windash-all", Severity: diag.Note,
		Prose: "windash and all stand together. To pySigma before 1.0 all forms of a dash had to be there at once; huntbook links the forms with OR.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains|all|windash:\n            - ' -f '\n            - ' -q '\n    condition: selection",
		Good:  "detection:\n    selection_force:\n        CommandLine|contains|windash: ' -f '\n    selection_quiet:\n        CommandLine|contains|windash: ' -q '\n    condition: all of selection_*",
		From:  []Origin{pySigma("invalid_modifier_combinations")},
		item: func(d *document, it *item) {
			if i := slices.Index(it.Modifiers, "windash"); i >= 0 && it.has("all") {
				p, width := d.modifier(it, i)
				d.report(p, width, "older tools misread windash with all", "use a search identifier for each value")
			}
		},
	},
	{
		Code: "modifier-repeated", Severity: diag.Warning,
		Prose: "A modifier stands twice. Only base64 means something then.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains|contains: 'bypass'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: 'bypass'\n    condition: selection",
		From:  []Origin{pySigma("invalid_modifier_combinations")},
		Fixes: "The second one is removed, when the value stays the same.",
		item: func(d *document, it *item) {
			for i, m := range it.Modifiers {
				if m == "base64" || !slices.Contains(it.Modifiers[:i], m) {
					continue
				}
				var edits []Edit
				if slices.Contains([]string{"contains", "startswith", "endswith", "all", "cased", "windash", "neq"}, m) {
					edits = d.withModifiers(it, slices.Delete(slices.Clone(it.Modifiers), i, i+1))
				}
				p, width := d.modifier(it, i)
				d.report(p, width, fmt.Sprintf("the modifier %s stands here twice", m), "", edits...)
				return
			}
		},
	},
	{
		Code: "modifier-contradiction", Severity: diag.Warning,
		Prose: "Two of contains, startswith and endswith stand together, which is contains.",
		Bad:   "detection:\n    selection:\n        CommandLine|startswith|endswith: 'bypass'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: 'bypass'\n    condition: selection",
		From:  []Origin{rSigma("incompatible_modifiers")},
		item: func(d *document, it *item) {
			first := ""
			for i, m := range it.Modifiers {
				if m != "contains" && m != "startswith" && m != "endswith" {
					continue
				}
				if first != "" && first != m {
					p, width := d.modifier(it, i)
					d.report(p, width, fmt.Sprintf("%s and %s together mean contains", first, m), "keep the one that is meant")
					return
				}
				first = m
			}
		},
	},
	{
		Code: "expand-without-placeholder", Severity: diag.Note,
		Prose: "The modifier expand stands before values without a placeholder.",
		Bad:   "detection:\n    selection:\n        User|expand: 'admin'\n    condition: selection",
		Good:  "detection:\n    selection:\n        User|expand: '%Administrators%'\n    condition: selection",
		From:  []Origin{spec("Placeholders")},
		item: func(d *document, it *item) {
			i := slices.Index(it.Modifiers, "expand")
			if i < 0 || slices.ContainsFunc(it.Written, func(v sigma.Value) bool {
				s, ok := v.(sigma.String)
				return !ok || strings.Contains(s.Pattern.String(), "%")
			}) {
				return
			}
			p, width := d.modifier(it, i)
			d.report(p, width, "no value has a placeholder", "leave expand out")
		},
	},
	{
		Code: "placeholder-escaped", Severity: diag.Warning,
		Prose: "A backslash stands before what looks like a placeholder, and makes its percent sign a plain one: the text itself is looked for. A path needs two backslashes there.",
		Bad:   "detection:\n    selection:\n        Image|expand: 'C:\\Users\\%Administrators%\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|expand: 'C:\\Users\\\\%Administrators%\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Placeholders")},
		item: func(d *document, it *item) {
			if !it.has("expand") || it.has("re") {
				return
			}
			for i := range it.Written {
				text, ok := d.written(it, i)
				if m := anEscaped.FindStringSubmatch(text); ok && m != nil && len(sigma.PlaceholdersOf(it.Values[i])) == 0 {
					d.reportValue(it, i, fmt.Sprintf("%s is no placeholder here: a backslash stands before it", m[1]), `write \\% for a backslash before a placeholder, and \% on both sides for a text`)
				}
			}
		},
	},
	{
		Code: "placeholder-without-expand", Severity: diag.Warning,
		Prose: "A value is one of the specification's placeholders, and the modifier expand is missing: the text itself is looked for.",
		Bad:   "detection:\n    selection:\n        User: '%Administrators%'\n    condition: selection",
		Good:  "detection:\n    selection:\n        User|expand: '%Administrators%'\n    condition: selection",
		From:  []Origin{spec("Standard Placeholders")},
		item: func(d *document, it *item) {
			for i, v := range it.Written {
				for _, name := range []string{"Administrators", "JumpServers", "Workstations", "Servers", "DomainControllers"} {
					if !it.has("expand") && strings.Contains(plainText(v), "%"+name+"%") {
						d.reportValue(it, i, fmt.Sprintf("%%%s%% is a placeholder with the modifier expand only", name), "add |expand")
					}
				}
			}
		},
	},
	{
		Code: "cidr-host-bits", Severity: diag.Note,
		Prose: "The address of a network has bits set behind its prefix: 10.0.0.5/8 is 10.0.0.0/8.",
		Bad:   "# file: net_connection_win_example.yml\nlogsource:\n    category: network_connection\n    product: windows\ndetection:\n    selection:\n        DestinationIp|cidr: '10.0.0.5/8'\n    condition: selection",
		Good:  "# file: net_connection_win_example.yml\nlogsource:\n    category: network_connection\n    product: windows\ndetection:\n    selection:\n        DestinationIp|cidr: '10.0.0.0/8'\n    condition: selection",
		Fixes: "The network's own address is written.",
		item: func(d *document, it *item) {
			if !it.has("cidr") {
				return
			}
			for i, v := range it.Written {
				text := plainText(v)
				prefix, err := netip.ParsePrefix(text)
				if err == nil && prefix != prefix.Masked() {
					now := prefix.Masked().String()
					d.reportValue(it, i, fmt.Sprintf("the network is %s", now), "", d.replace(it.Places[i], text, now)...)
				}
			}
		},
	},
}

// anEscaped finds %name% behind a backslash.
var anEscaped = regexp.MustCompile(`\\(%[^%\s\\]+%)`)
