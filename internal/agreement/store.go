// Package agreement holds what a query finds on a real server against what the
// matcher finds in the same events.
//
// Events of the corpus are stored under a standard, in indices of the test's own;
// each rule is converted for several targets and asked there, and the documents that
// are found are compared by id with the events that match. What differs must stand
// in a list with its reason. The package is for tests. Data flows: files → documents
// → hits by rule → differences.
package agreement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

var date = regexp.MustCompile(`(\d{4}\.\d\d\.\d\d|undated)$`)

// Events are those of files, or some of them.
type Events struct {
	Paths []string
	Read  ingest.Options
	// Keep chooses by an event's id; nil keeps all.
	Keep func(id string) bool
}

// Each calls f for the batches, with the rows that are kept and their ids.
func (e Events) Each(ctx context.Context, f func(b *event.Batch, rows []int, ids []string) error) error {
	r, err := ingest.Open(ctx, e.Paths, e.Read)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var rows []int
		var ids []string
		for row, record := range b.Records {
			if id := standard.ID(record.Raw); e.Keep == nil || e.Keep(id) {
				rows, ids = append(rows, row), append(ids, id)
			}
		}
		if err := f(b, rows, ids); err != nil {
			return err
		}
	}
}

// Store stores events under a standard as ingest does, and makes them visible. The
// prefix stands before the name of every index. It returns the number of documents;
// equal events are one.
func Store(ctx context.Context, client *elastic.Client, s *standard.Standard, prefix string, events Events) (int, error) {
	to := sink.NewCluster(client, sink.Options{})
	templates, err := prefixed(s, prefix)
	if err != nil {
		return 0, err
	}
	if err := to.Prepare(ctx, templates); err != nil {
		return 0, err
	}
	w := s.Writer()
	stored := 0
	err = events.Each(ctx, func(b *event.Batch, rows []int, _ []string) error {
		all := w.Documents(b)
		docs := make([]standard.Document, len(rows))
		for i, row := range rows {
			docs[i] = all[row]
			// An index for each day would be hundreds of some events.
			docs[i].Index = prefix + date.ReplaceAllString(docs[i].Index, "all")
		}
		result, err := to.Send(ctx, docs)
		stored += result.Stored
		if len(result.Refused) > 0 {
			first := result.Refused[0]
			return fmt.Errorf("%d documents were refused, such as %s of %s: %w", len(result.Refused), first.Doc.ID, first.Doc.Index, first.Err)
		}
		return err
	})
	if err != nil {
		return stored, err
	}
	return stored, client.Do(ctx, elastic.Request{Method: http.MethodPost, Path: elastic.Path(prefix+"*", "_refresh")}, nil)
}

// prefixed are a standard's templates for indices with a prefix.
func prefixed(s *standard.Standard, prefix string) ([]standard.Template, error) {
	templates := s.Templates()
	for i, t := range templates {
		var body struct {
			Patterns []string `json:"index_patterns"`
			Priority int      `json:"priority"`
			Template struct {
				Settings map[string]any  `json:"settings"`
				Mappings json.RawMessage `json:"mappings"`
			} `json:"template"`
		}
		if err := json.Unmarshal(t.Body, &body); err != nil {
			return nil, err
		}
		for j, p := range body.Patterns {
			body.Patterns[j] = prefix + p
		}
		// Indices are searched by one node when all is stored, for all documents.
		body.Template.Settings["index.refresh_interval"] = "-1"
		body.Template.Settings["index.number_of_replicas"] = 0
		body.Template.Settings["index.max_result_window"] = 1_000_000
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		templates[i] = standard.Template{Name: prefix + t.Name, Body: text}
	}
	return templates, nil
}
