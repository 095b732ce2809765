// Package samples carries a small hunt of our own writing: some twenty Sigma
// rules and the event logs of a company on the day of an attack, so that
// huntbook has something to show before it is given anything.
//
// README.md beside this file tells the story. The package knows nothing of how
// rules are run. Data flows: generate (a program) → data and expected.tsv, the
// number of findings that each rule must give; the rules are written by hand.
package samples

import (
	"embed"
	"io/fs"
)

//go:generate go run ./generate .

// Name is how the samples are named where a path is expected.
const Name = "samples:"

//go:embed rules
var rules embed.FS

//go:embed data
var data embed.FS

// Rules are the rules, in folders by category or service.
func Rules() fs.FS { return sub(rules, "rules") }

// Data are the event logs: attack-story.json.gz, an object a line in the flat
// shape of the Mordor datasets.
func Data() fs.FS { return sub(data, "data") }

func sub(fsys embed.FS, dir string) fs.FS {
	s, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err) // fails only for names that are no paths
	}
	return s
}
