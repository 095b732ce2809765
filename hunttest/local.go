package hunttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"testing/fstest"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
)

// Local runs scripts with the embedded engine. It is for one goroutine.
type Local struct {
	engine *engine.Local
	files  fstest.MapFS
}

// The name under which the engine reads a case's events, and their file.
const input, events = "script:", "events.json"

// NewLocal makes the embedded engine ready.
func NewLocal() (*Local, error) {
	files := fstest.MapFS{}
	options := ingest.Options{Embedded: map[string]fs.FS{input: files}}
	e, err := engine.NewLocal(".", options, engine.Bounds{})
	if err != nil {
		return nil, err
	}
	return &Local{e, files}, nil
}

// Run writes the events into a file in memory and asks the engine.
func (l *Local) Run(ctx context.Context, list []Event, rules string) ([]Finding, error) {
	var b bytes.Buffer
	for _, e := range list {
		b.Write(e.JSON)
		b.WriteByte('\n')
	}
	l.files[events] = &fstest.MapFile{Data: b.Bytes()}
	if _, err := l.engine.Open(ctx, engine.Data{Paths: []string{input}}); err != nil {
		return nil, err
	}
	result, err := l.engine.Run(ctx, engine.Query{Rule: rules, Limit: len(list) + 1})
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, f := range result.Findings {
		finding := Finding{list[f.Record-1].ID}
		if result.Correlation {
			if finding, err = related(f.Event, list); err != nil {
				return nil, err
			}
		}
		found = append(found, finding)
	}
	return found, nil
}

// related finds the ids of the events that a correlation's finding lists.
func related(array json.RawMessage, list []Event) (Finding, error) {
	var objects []json.RawMessage
	if err := json.Unmarshal(array, &objects); err != nil {
		return nil, fmt.Errorf("the events of a correlation: %w", err)
	}
	var finding Finding
	for _, o := range objects {
		for _, e := range list {
			if bytes.Equal(e.JSON, o) && !slices.Contains(finding, e.ID) {
				finding = append(finding, e.ID)
				break
			}
		}
	}
	return finding, nil
}
