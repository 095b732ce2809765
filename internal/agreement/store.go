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

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

// Store reads at most so many events of files (0 is all), stores them under a
// standard as ingest does, and makes them visible. The prefix stands before the name
// of every index. It returns the number of events; equal ones are stored once.
func Store(ctx context.Context, client *elastic.Client, s *standard.Standard, prefix string, most int, paths ...string) (int, error) {
	to := sink.NewCluster(client, sink.Options{})
	templates, err := prefixed(s, prefix)
	if err != nil {
		return 0, err
	}
	if err := to.Prepare(ctx, templates); err != nil {
		return 0, err
	}
	r, err := ingest.Open(ctx, paths, ingest.Options{})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	w := s.Writer()
	n := 0
	for most == 0 || n < most {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, err
		}
		docs := w.Documents(b)
		if most > 0 {
			docs = docs[:min(len(docs), most-n)]
		}
		for i := range docs {
			docs[i].Index = prefix + docs[i].Index
		}
		result, err := to.Send(ctx, docs)
		if err != nil {
			return n, err
		}
		if len(result.Refused) > 0 {
			return n, fmt.Errorf("%d documents were refused, such as %s of %s: %w", len(result.Refused), result.Refused[0].Doc.ID, result.Refused[0].Doc.Index, result.Refused[0].Err)
		}
		n += len(docs)
	}
	return n, client.Do(ctx, elastic.Request{Method: http.MethodPost, Path: elastic.Path(prefix+"*", "_refresh")}, nil)
}

// prefixed are a standard's templates for indices with a prefix.
func prefixed(s *standard.Standard, prefix string) ([]standard.Template, error) {
	templates := s.Templates()
	for i, t := range templates {
		var body map[string]any
		if err := json.Unmarshal(t.Body, &body); err != nil {
			return nil, err
		}
		patterns, _ := body["index_patterns"].([]any)
		for j, p := range patterns {
			patterns[j] = prefix + p.(string)
		}
		// Indices are searched when all is stored, by one node.
		template, _ := body["template"].(map[string]any)
		settings, _ := template["settings"].(map[string]any)
		settings["index.refresh_interval"], settings["index.number_of_replicas"] = "-1", 0
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		templates[i] = standard.Template{Name: prefix + t.Name, Body: text}
	}
	return templates, nil
}
