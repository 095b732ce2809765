package check

import (
	"strings"
	"testing"
)

// Every known validator of other tools is either checked here, or is listed as
// absent with a reason.
func TestKnownValidators(t *testing.T) {
	known := map[Origin]bool{}
	for _, c := range rows(read(t, "testdata/validators.tsv"), 2) {
		known[Origin{c[0], c[1]}] = true
	}
	told := map[Origin]int{}
	for _, c := range All() {
		for _, o := range c.From {
			if o.Who == Specification || o.Who == SigmaHQ {
				continue
			}
			told[o]++
			if !known[o] {
				t.Errorf("%s is from %s %s, which is not known", c.Code, o.Who, o.Name)
			}
		}
	}
	for _, a := range AllAbsent() {
		if a.Why == "" || told[a.Origin] > 0 || !known[a.Origin] {
			t.Errorf("%s %s: no reason, or there is a check, or nobody knows it", a.Who, a.Name)
		}
		told[a.Origin]++
	}
	for o := range known {
		if told[o] == 0 {
			t.Errorf("%s %s has no check and no reason", o.Who, o.Name)
		}
	}
	if len(known) < 150 {
		t.Errorf("%d validators are known, there were more", len(known))
	}
}

// The page has a place for every check, and no text breaks its tables.
func TestReference(t *testing.T) {
	page := Reference()
	for _, c := range All() {
		if !strings.Contains(page, "\n## "+c.Code+"\n") || !strings.Contains(page, "](#"+c.Code+") |") {
			t.Errorf("%s is not in the page", c.Code)
		}
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| [") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 5 {
			t.Errorf("a row with other cells: %s", line)
		}
		if len(line) > 600 {
			t.Errorf("a line of %d bytes: %.80s", len(line), line)
		}
	}
}
