package ingest

import "slices"

// maxPlaces is how many broken records a Summary keeps the places of.
const maxPlaces = 100

// Summary says what reading found.
type Summary struct {
	// Files counts what held events: files and members of archives. Events
	// and Bytes count what was given out, as rows and as JSON.
	Files, Events int
	Bytes         int64
	// Outside and Undated count events that were left out because their time
	// is outside the wanted range, or because they have none.
	Outside, Undated int
	// Broken counts records that could not be read; BrokenPlaces are the
	// first of them.
	Broken       int
	BrokenPlaces []Place
	// Unknown are files in folders and archives that hold no events that can
	// be read, with what they seem to be.
	Unknown []Place
	// Notes are oddities that did no harm.
	Notes []Place
	// Duplicates are files that were given more than once, under the name
	// that was not read.
	Duplicates []string
	// Failed are archives and named files that could not be read, wholly or
	// from some point on.
	Failed []error
}

// Place is somewhere in the inputs.
type Place struct {
	// Name is a path as in event.Source.
	Name string
	// Line and Record count from 1; 0 where they make no sense.
	Line, Record int
	Reason       string
}

func (s *Summary) addBroken(p Place) {
	s.Broken++
	if len(s.BrokenPlaces) < maxPlaces {
		s.BrokenPlaces = append(s.BrokenPlaces, p)
	}
}

func (s *Summary) clone() Summary {
	c := *s
	c.BrokenPlaces = slices.Clone(s.BrokenPlaces)
	c.Unknown = slices.Clone(s.Unknown)
	c.Notes = slices.Clone(s.Notes)
	c.Duplicates = slices.Clone(s.Duplicates)
	c.Failed = slices.Clone(s.Failed)
	return c
}
