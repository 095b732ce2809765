package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// Dead is what could not be stored: a record that is no event, or an event that the
// cluster refused.
type Dead struct {
	// Source and Record say where it came from, as event.Record.
	Source string `json:"source"`
	Record int    `json:"record"`
	// Line is the line of the file, where that is known.
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
	// Event is the record as it came.
	Event []byte `json:"-"`
}

// DeadLetters keeps what could not be stored.
type DeadLetters interface {
	// Keep returns when they are safe.
	Keep(ctx context.Context, letters []Dead) error
}

// DeadFile keeps dead letters in a file: an object a line with source, record,
// reason and event, which is text. It is made when the first one comes, and what
// is in it already stays.
type DeadFile struct{ Path string }

// Keep appends letters to the file.
func (f DeadFile) Keep(_ context.Context, letters []Dead) (err error) {
	if len(letters) == 0 {
		return nil
	}
	file, err := os.OpenFile(f.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	defer func() {
		if closeErr := file.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("dead letters: %w", closeErr)
		}
	}()
	var lines []byte
	for _, l := range letters {
		line, err := json.Marshal(struct {
			Dead
			Event string `json:"event"`
		}{l, string(l.Event)})
		if err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := file.Write(lines); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	return nil
}
