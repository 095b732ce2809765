// Package attack names MITRE ATT&CK's tactics and techniques.
//
// It holds the names of ATT&CK v19 (Enterprise) and looks up the tags that Sigma
// rules carry: "attack.t1059.001", "attack.persistence". It knows nothing of
// rules. A tag that it does not know gives a zero Entry, never an error: rules
// are older and newer than any table. Data flows: tag → Entry.
package attack

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// Version is the release of ATT&CK that the names are from.
const Version = "19"

// Kind tells what an Entry is.
type Kind string

// The kinds; an Entry of an unknown tag has none.
const (
	Tactic    Kind = "tactic"
	Technique Kind = "technique"
)

// Entry is a tactic or a technique of ATT&CK.
type Entry struct {
	Kind Kind
	// ID is "TA0003", "T1059" or "T1059.001".
	ID string
	// Name is ATT&CK's; for a sub-technique its own alone ("PowerShell").
	Name string
	// Short is a tactic's short name ("credential-access"), "" otherwise.
	Short string
	// Parent is the name of a sub-technique's technique, "" otherwise.
	Parent string
	// Tactics are the short names of a technique's tactics, in the order of
	// the matrix.
	Tactics []string
	// URL is the page at attack.mitre.org.
	URL string
}

// FullName is the name as ATT&CK's pages title it: "Command and Scripting
// Interpreter: PowerShell".
func (e Entry) FullName() string {
	if e.Parent == "" {
		return e.Name
	}
	return e.Parent + ": " + e.Name
}

// renamed maps short names that rules used before v19 to today's. Version 19
// split Defense Evasion: Stealth kept its id, Defense Impairment is new.
var renamed = map[string]string{"defense-evasion": "stealth"}

// Lookup returns what a Sigma tag stands for. It takes "attack.t1059.001",
// "attack.ta0002", "attack.credential-access", the older spelling with "_", any
// case, and all of them without "attack.". Other tags give a zero Entry, groups
// ("attack.g0016") and software ("attack.s0002") among them.
func Lookup(tag string) Entry {
	name := strings.ToLower(strings.TrimSpace(tag))
	name = strings.TrimPrefix(name, "attack.")
	name = strings.ReplaceAll(name, "_", "-")
	if now, ok := renamed[name]; ok {
		name = now
	}
	return table().byKey[name]
}

// Tactics returns all tactics in the order of the matrix.
func Tactics() []Entry { return slices.Clone(table().tactics) }

// Techniques returns all techniques and sub-techniques in the order of their ids.
func Techniques() []Entry {
	var out []Entry
	for _, e := range table().byKey {
		if e.Kind == Technique {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// OfTags returns the tactics and the techniques that tags name, each once:
// tactics in the order of the matrix, techniques in the order of their ids. A
// tactic that only a technique implies is not among them.
func OfTags(tags []string) (tactics, techniques []Entry) {
	named := map[string]bool{}
	for _, tag := range tags {
		e := Lookup(tag)
		if e.Kind == Technique && !named[e.ID] {
			techniques = append(techniques, e)
		}
		named[e.ID] = true
	}
	for _, e := range table().tactics {
		if named[e.ID] {
			tactics = append(tactics, e)
		}
	}
	slices.SortFunc(techniques, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return tactics, techniques
}

//go:embed data/attack.tsv
var data string

type names struct {
	tactics []Entry
	byKey   map[string]Entry // by lower-case id, tactics also by short name
}

var table = sync.OnceValue(func() names {
	t := names{byKey: map[string]Entry{}}
	for line := range strings.Lines(data) {
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(column) != 4 {
			continue
		}
		e := Entry{Kind: Kind(column[0]), ID: column[1], Name: column[2]}
		if e.Kind == Tactic {
			e.Short = column[3]
			e.URL = "https://attack.mitre.org/tactics/" + e.ID + "/"
			t.tactics = append(t.tactics, e)
			t.byKey[e.Short] = e
		} else {
			e.Tactics = strings.Split(column[3], ",")
			e.URL = "https://attack.mitre.org/techniques/" + strings.ReplaceAll(e.ID, ".", "/") + "/"
			if parent, _, sub := strings.Cut(e.ID, "."); sub {
				e.Parent = t.byKey[strings.ToLower(parent)].Name
			}
		}
		t.byKey[strings.ToLower(e.ID)] = e
	}
	return t
})
