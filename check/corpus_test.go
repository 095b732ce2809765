package check

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

func corpus(t *testing.T, folders ...string) *ruleset.Set {
	t.Helper()
	var paths []string
	for _, f := range folders {
		paths = append(paths, shared(t, "sigma", f))
	}
	set, err := ruleset.Load(paths, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var ruleFolders = []string{"rules", "rules-compliance", "rules-placeholder", "rules-threat-hunting"}

// SigmaHQ's rules are looked through by people and by pySigma's validators: an
// error in one of them is a mistake of ours, or has a reason here. Warnings are
// few, and each kind of them was looked at.
func TestCorpus(t *testing.T) {
	result := Run(corpus(t, ruleFolders...))
	// How many findings of a code are too many. What stands here was looked at
	// and is right: values that are not seen on purpose (homoglyphs, padding),
	// rules that take all but a list, ids that name themselves in related, a
	// part of a condition and an empty text that change nothing.
	most := map[string]int{
		"invisible-character": 43, "condition-negative": 4, "logsource-generic": 4,
		"related-self": 2, "condition-needless": 2, "value-matches-all": 1,
	}
	counts := map[string]int{}
	for _, f := range result.Findings {
		if counts[f.Code]++; f.Severity == diag.Error || f.Severity == diag.Warning && counts[f.Code] > most[f.Code] {
			t.Errorf("%s: %s", f.Severity, f.Diagnostic.Error())
		}
	}
	if n := len(result.Findings); result.Rules < 3000 || n > 700 {
		t.Errorf("%d findings in %d rules", n, result.Rules)
	}
}

// Repaired rules lower to the same trees, but for numbers that stood in quotes;
// a second repair finds nothing to do.
func TestCorpusFixes(t *testing.T) {
	set := corpus(t, append([]string{"deprecated", "unsupported"}, ruleFolders...)...)
	all := func(Finding) bool { return true }
	fixed := 0
	seen := map[*diag.File]bool{}
	for _, x := range Run(set).Findings {
		if len(x.Edits) == 0 || seen[x.File] {
			continue
		}
		seen[x.File] = true
		data, done := fixFile(x.File, all)
		if len(done) == 0 {
			t.Errorf("%s: no repair", x.File.Path)
		}
		fixed += len(done)
		again := &diag.File{Path: x.File.Path, Data: data}
		if _, more := fixFile(again, all); len(more) > 0 {
			t.Errorf("%s: a second repair has something to do: %v", x.File.Path, codes(more))
		}
		if before, after := lowered(x.File), lowered(again); before != after {
			t.Errorf("%s means something else:\n%s\n%s", x.File.Path, before, after)
		}
		if lines := changedLines(x.File.Data, data); lines > 2*len(done) {
			t.Errorf("%s: %d repairs change %d lines", x.File.Path, len(done), lines)
		}
	}
	if fixed < 500 {
		t.Errorf("%d repairs", fixed)
	}
}

// lowered writes the trees of a file's rules.
func lowered(f *diag.File) string {
	var b strings.Builder
	rules, _ := sigma.Parse(f)
	for _, r := range rules {
		if l, _ := pipeline.Lower(r, nil); l != nil {
			b.WriteString(tree(l.Expr()) + "\n")
		}
	}
	return b.String()
}

// changedLines counts the lines of one text that the other does not have.
func changedLines(a, b []byte) int {
	has := map[string]bool{}
	for line := range bytes.Lines(b) {
		has[string(line)] = true
	}
	n := 0
	for line := range bytes.Lines(a) {
		if !has[string(line)] {
			n++
		}
	}
	return n
}

// The samples that huntbook carries are an example of how rules are written.
func TestSamples(t *testing.T) {
	set, err := ruleset.Load([]string{filepath.Join("..", "samples", "rules")}, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Run(set).Findings {
		if f.Severity != diag.Note {
			t.Errorf("%s: %s", f.Severity, f.Diagnostic.Error())
		}
	}
}
