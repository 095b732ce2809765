package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/huntbook/huntbook/event"
)

// parse decodes the events of a file, an object a line, with huntbook's decoder, which
// visits every key; no field is asked for. What matching costs is held against it.
func parse(path string, out io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := event.NewDecoder(event.Options{}, nil)
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	events := 0
	for lines.Scan() {
		if err := decoder.Read(lines.Bytes()); err != nil {
			return fmt.Errorf("%s, line %d: %w", path, events+1, err)
		}
		events++
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = fmt.Fprintln(out, events)
	return err
}
