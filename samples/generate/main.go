// Command generate writes the sample data: an attack on a small company as its
// event logs tell it, in the flat shape of the Mordor datasets, and the number
// of findings that each sample rule must give on it.
//
// Nothing is random and no clock is read: the same source gives the same
// events. Every event is written by hand here (attack.go) or made by the noise
// around it (noise.go); an event that a rule must find says so where it is
// made, so that the expected numbers come from the story and not from an
// evaluation of the rules.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FOLDER, where FOLDER is samples")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	w := story()
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(w.lines()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "data", "attack-story.json.gz"), packed.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "expected.tsv"), w.expected(), 0o644)
}

// story runs the day from its first to its last event.
func story() *world {
	w := newWorld()
	w.noise()
	w.attack()
	return w
}
