// Package sink puts documents where they stay: into a cluster of Elasticsearch or
// OpenSearch, or as lines into a stream; and what can't be put there into a dead
// letter file, with the reason.
//
// A Cluster sends documents in bulk requests, several at once, and returns when
// each is acknowledged or refused. What the cluster was too busy for is sent again;
// a request that is too large is halved. Documents are created under their own ids,
// so one that is sent twice is stored once. The package knows nothing of where
// documents come from. Data flows: []standard.Document → bulk requests → Result.
package sink

import (
	"bufio"
	"context"
	"io"

	"github.com/huntbook/huntbook/standard"
)

// Sink takes documents.
type Sink interface {
	// Prepare is called once, before the first documents.
	Prepare(ctx context.Context, templates []standard.Template) error
	// Send returns when it is known what became of every document. The error is
	// about those that are neither stored nor refused: send them again.
	Send(ctx context.Context, docs []standard.Document) (Result, error)
}

// Result says what became of documents.
type Result struct {
	// Stored counts documents that are new, Known those that were there already.
	Stored, Known int
	Refused       []Refused
}

// Refused is a document that the sink does not take.
type Refused struct {
	Doc standard.Document
	// Err says why, in one line.
	Err error
}

func (r *Result) add(other Result) {
	r.Stored += other.Stored
	r.Known += other.Known
	r.Refused = append(r.Refused, other.Refused...)
}

// Lines writes documents as JSON, an object a line.
type Lines struct{ w *bufio.Writer }

// NewLines returns a sink that writes to w.
func NewLines(w io.Writer) *Lines { return &Lines{bufio.NewWriterSize(w, 1<<20)} }

// Prepare does nothing.
func (*Lines) Prepare(context.Context, []standard.Template) error { return nil }

// Send writes the documents, in order, and flushes.
func (l *Lines) Send(_ context.Context, docs []standard.Document) (Result, error) {
	for _, d := range docs {
		_, _ = l.w.Write(d.JSON)
		_ = l.w.WriteByte('\n')
	}
	return Result{Stored: len(docs)}, l.w.Flush()
}
