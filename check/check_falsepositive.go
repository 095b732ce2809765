package check

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
)

var falsePositiveChecks = []*Check{
	{
		Code: "falsepositive-missing", Severity: diag.Note,
		Prose: "The rule says nothing of false positives. Where none are known the text is Unknown, where none are expected Unlikely.",
		Bad:   "# without: falsepositives",
		Good:  "falsepositives:\n    - Unknown",
		From:  []Origin{sigmaHQ("False Positives")},
		document: func(d *document) {
			if d.kind == "rule" && d.isMissing("falsepositives") {
				d.reportMissing("the rule says nothing of false positives", "write Unknown, Unlikely, or which ones there are")
			}
		},
	},
	{
		Code: "falsepositive-word", Severity: diag.Note,
		Prose: "A false positive is told with words that SigmaHQ does not take: None, Pentest, Penetration Test, Red Team. Attacks that are paid for are none.",
		Bad:   "falsepositives:\n    - Pentest",
		Good:  "falsepositives:\n    - Unlikely",
		From:  []Origin{sigmaHQ("False Positives"), pySigmaHQ("falsepositives_banned_word")},
		document: func(d *document) {
			for _, e := range d.entries("falsepositives") {
				text := strings.ToLower(strings.TrimSpace(e.Text))
				for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }) {
					if word == "pentest" || word == "pentesting" || word == "pentester" || word == "penetration" || text == "none" || text == "red team" {
						d.reportText(e.Value, e.Text, fmt.Sprintf("%q is no false positive", e.Text), "write Unlikely when none are expected")
						break
					}
				}
			}
		},
	},
	{
		Code: "falsepositive-typo", Severity: diag.Note,
		Prose: "A word that false positives often have is misspelt.",
		Bad:   "falsepositives:\n    - Unkown",
		Good:  "falsepositives:\n    - Unknown",
		From:  []Origin{pySigmaHQ("falsepositives_typo_word")},
		Fixes: "The word is corrected.",
		document: func(d *document) {
			for _, e := range d.entries("falsepositives") {
				for word := range strings.FieldsSeq(e.Text) {
					right := typos[strings.ToLower(word)]
					if right == "" {
						continue
					}
					if first, _ := utf8.DecodeRuneInString(word); unicode.IsUpper(first) {
						right = capital(right)
					}
					d.reportText(e.Value, e.Text, fmt.Sprintf("%q is misspelt", word), fmt.Sprintf("write %q", right),
						d.replace(e.Value, e.Text, strings.Replace(e.Text, word, right, 1))...)
				}
			}
		},
	},
	{
		Code: "falsepositive-capital", Severity: diag.Note,
		Prose: "An entry of falsepositives does not begin with a capital letter.",
		Bad:   "falsepositives:\n    - unknown",
		Good:  "falsepositives:\n    - Unknown",
		From:  []Origin{pySigmaHQ("falsepositives_capital")},
		Fixes: "The first letter becomes a capital one.",
		document: func(d *document) {
			for _, e := range d.entries("falsepositives") {
				if isLowerWord(strings.SplitN(e.Text, " ", 2)[0]) || smallWords[strings.SplitN(e.Text, " ", 2)[0]] {
					d.reportText(e.Value, e.Text, "the entry begins in lower case", "", d.replace(e.Value, e.Text, capital(e.Text))...)
				}
			}
		},
	},
	{
		Code: "falsepositive-short", Severity: diag.Warning,
		Prose: "An entry of falsepositives has less than two characters.",
		Bad:   "falsepositives:\n    - X",
		Good:  "falsepositives:\n    - Unknown",
		From:  []Origin{spec("Schema"), rSigma("falsepositive_too_short")},
		document: func(d *document) {
			for _, e := range d.entries("falsepositives") {
				if utf8.RuneCountInString(e.Text) < 2 {
					d.reportText(e.Value, e.Text, fmt.Sprintf("%q says nothing", e.Text), "")
				}
			}
		},
	},
}

// typos are words that are often misspelt, in lower case.
var typos = map[string]string{
	"unkown": "unknown", "uknown": "unknown", "unknow": "unknown", "unkonwn": "unknown", "unknwon": "unknown",
	"ligitimate": "legitimate", "legitim": "legitimate", "legitimeate": "legitimate", "legimate": "legitimate", "legitmate": "legitimate",
	"unlikly": "unlikely", "unlikley": "unlikely", "adminstrator": "administrator", "adminstrators": "administrators",
}

func capital(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}
