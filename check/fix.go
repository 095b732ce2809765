package check

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// Fix repairs the files that findings are about, and returns the findings that
// are repaired, in their order. What one repair makes possible is done too, as
// far as wanted says yes, so that a second run finds nothing to repair. A repair
// after which a rule would mean something else is left out. A file is written
// whole or not at all.
func Fix(findings []Finding, wanted func(Finding) bool) ([]Finding, error) {
	var done []Finding
	seen := map[*diag.File]bool{}
	for _, x := range findings {
		if len(x.Edits) == 0 || seen[x.File] {
			continue
		}
		seen[x.File] = true
		data, fixed := fixFile(x.File, wanted)
		if len(fixed) == 0 {
			continue
		}
		if err := write(x.File, data); err != nil {
			return done, err
		}
		done = append(done, fixed...)
	}
	return done, nil
}

// maxRounds bounds how often the repaired text is looked through again.
const maxRounds = 10

// fixFile repairs the text of a file.
func fixFile(f *diag.File, wanted func(Finding) bool) ([]byte, []Finding) {
	before := meaning(f)
	data := f.Data
	var fixed []Finding
	for range maxRounds {
		keeps := func(now []byte) bool { return meaning(&diag.File{Path: f.Path, Data: now}) == before }
		var chosen []Finding
		for _, x := range checkAlone(&diag.File{Path: f.Path, Data: data}) {
			if len(x.Edits) > 0 && wanted(x) {
				chosen = append(chosen, x)
			}
		}
		now, applied := apply(data, chosen)
		if !keeps(now) {
			now, applied = applyOne(data, chosen, keeps)
		}
		if len(applied) == 0 {
			break
		}
		data, fixed = now, append(fixed, applied...)
	}
	return data, fixed
}

// applyOne makes the edits of the first finding whose edits keep the meaning.
func applyOne(data []byte, findings []Finding, keeps func([]byte) bool) ([]byte, []Finding) {
	for _, x := range findings {
		if now, applied := apply(data, []Finding{x}); len(applied) > 0 && keeps(now) {
			return now, applied
		}
	}
	return data, nil
}

// checkAlone makes the checks that need no other file.
func checkAlone(f *diag.File) []Finding {
	docs, diags := sigma.ParseAll(f)
	files := group(&ruleset.Set{All: docs.Rules, Filters: docs.Filters, Broken: docs.Broken, Diagnostics: diags})
	var out []Finding
	for _, x := range files {
		x.run()
		out = append(out, x.sorted()...)
	}
	return out
}

// apply makes the edits of findings; of two that touch the same bytes the first
// one is made.
func apply(data []byte, findings []Finding) ([]byte, []Finding) {
	var edits []Edit
	var applied []Finding
	touched := make([]bool, len(data)+1)
	for _, x := range findings {
		if slices.ContainsFunc(x.Edits, func(e Edit) bool { return slices.Contains(touched[e.Start:max(e.End, e.Start+1)], true) }) {
			continue
		}
		for _, e := range x.Edits {
			for i := e.Start; i < max(e.End, e.Start+1); i++ {
				touched[i] = true
			}
		}
		edits = append(edits, x.Edits...)
		applied = append(applied, x)
	}
	slices.SortFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Start, b.Start) })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(data[at:e.Start])
		out.WriteString(e.Text)
		at = e.End
	}
	out.Write(data[at:])
	return out.Bytes(), applied
}

// write puts the text in the place of the file, wherever a link leads, with the
// rights that it had.
func write(f *diag.File, data []byte) error {
	path, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		return fmt.Errorf("%s can't be written: %w", f.Path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%s can't be written: %w", f.Path, err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, f.Data) {
		return fmt.Errorf("%s has changed since it was read; run it again", f.Path)
	}
	if err := atomicfile.Write(path, data); err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm())
}
