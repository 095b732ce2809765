package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/standard"
)

// Options say how a Cluster sends. The zero value is usable.
type Options struct {
	// Bytes bounds a bulk request, 0 is 8 MiB; a larger document goes alone.
	Bytes int
	// Requests is how many are under way at once, 0 is 2.
	Requests int
	// Rounds is how often documents are sent again that the cluster was too busy
	// for, 0 is 10 times, some two minutes; Wait is the pause before the n-th time,
	// from 1.
	Rounds int
	Wait   func(n int) time.Duration
}

// Cluster is a cluster of Elasticsearch or OpenSearch as a Sink. It is for any
// number of goroutines.
type Cluster struct {
	client  *elastic.Client
	options Options
	slots   chan struct{}
}

// NewCluster returns a sink that sends through the client.
func NewCluster(client *elastic.Client, o Options) *Cluster {
	if o.Bytes == 0 {
		o.Bytes = 8 << 20
	}
	if o.Requests == 0 {
		o.Requests = 2
	}
	if o.Rounds == 0 {
		o.Rounds = 10
	}
	if o.Wait == nil {
		o.Wait = backoff
	}
	return &Cluster{client: client, options: o, slots: make(chan struct{}, o.Requests)}
}

// backoff is how long the n-th repetition waits: half a second, doubled up to 20 of
// them, less up to half of it by chance.
func backoff(n int) time.Duration {
	most := min(500*time.Millisecond<<min(n-1, 10), 20*time.Second)
	return most - rand.N(most/2) //nolint:gosec // chance, no secret
}

// Prepare finds out what the cluster is and puts the templates into it.
func (c *Cluster) Prepare(ctx context.Context, templates []standard.Template) error {
	if _, err := c.client.Info(ctx); err != nil {
		return err
	}
	for _, t := range templates {
		err := c.client.Do(ctx, elastic.Request{Method: http.MethodPut, Path: elastic.Path("_index_template", t.Name), Body: t.Body}, nil)
		switch {
		case errors.Is(err, elastic.ErrPermission):
			return fmt.Errorf("%w; the right manage_index_templates is needed for the index template %s", err, t.Name)
		case err != nil:
			return fmt.Errorf("the index template %s: %w", t.Name, err)
		}
	}
	return nil
}

// Send stores documents. An error comes after all requests that were under way
// have ended; the Result says what was done until then.
func (c *Cluster) Send(ctx context.Context, docs []standard.Document) (Result, error) {
	var mu sync.Mutex
	var total Result
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range c.split(docs) {
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			err := group.Wait()
			if err == nil {
				err = context.Cause(ctx)
			}
			return total, err
		}
		group.Go(func() error {
			defer func() { <-c.slots }()
			r, err := c.bulk(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			total.add(r)
			return err
		})
	}
	return total, group.Wait()
}

// split cuts documents into parts of bulk requests.
func (c *Cluster) split(docs []standard.Document) [][]standard.Document {
	var parts [][]standard.Document
	from, size := 0, 0
	for i := range docs {
		n := len(docs[i].JSON) + overhead
		if size+n > c.options.Bytes && i > from {
			parts = append(parts, docs[from:i])
			from, size = i, 0
		}
		size += n
	}
	if from < len(docs) {
		parts = append(parts, docs[from:])
	}
	return parts
}

// overhead is about what an action's own line takes.
const overhead = 100

// bulk sends documents until each is stored or refused.
func (c *Cluster) bulk(ctx context.Context, docs []standard.Document) (Result, error) {
	var total Result
	for round := 1; ; round++ {
		results, err := c.client.Bulk(ctx, body(docs))
		switch {
		case errors.Is(err, elastic.ErrTooLarge) && len(docs) > 1:
			return c.halves(ctx, docs, total)
		case errors.Is(err, elastic.ErrTooLarge):
			total.Refused = append(total.Refused, Refused{docs[0], err})
			return total, nil
		case err != nil:
			return total, err
		case len(results) != len(docs):
			return total, fmt.Errorf("%s answers for %d documents of %d; is something between that changes requests?", c.client, len(results), len(docs))
		}
		var again []standard.Document
		var reason error
		for i, r := range results {
			switch {
			case r.Exists():
				total.Known++
			case r.Err == nil:
				total.Stored++
			case errors.Is(r.Err, elastic.ErrBusy), errors.Is(r.Err, elastic.ErrServer):
				again, reason = append(again, docs[i]), r.Err
			case errors.Is(r.Err, elastic.ErrUser), errors.Is(r.Err, elastic.ErrPermission), errors.Is(r.Err, elastic.ErrNoIndex):
				return total, fmt.Errorf("the index %s: %w", docs[i].Index, r.Err)
			default:
				total.Refused = append(total.Refused, Refused{docs[i], r.Err})
			}
		}
		if len(again) == 0 {
			return total, nil
		}
		if round > c.options.Rounds {
			return total, fmt.Errorf("%d documents were not taken in %d rounds: %w", len(again), round, reason)
		}
		docs = again
		if err := pause(ctx, c.options.Wait(round)); err != nil {
			return total, err
		}
	}
}

// halves sends both halves of documents that are too many for one request.
func (c *Cluster) halves(ctx context.Context, docs []standard.Document, total Result) (Result, error) {
	for _, half := range [][]standard.Document{docs[:len(docs)/2], docs[len(docs)/2:]} {
		r, err := c.bulk(ctx, half)
		total.add(r)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// body is the bulk request for documents. Names of indices and ids need no escapes.
func body(docs []standard.Document) []byte {
	size := 0
	for i := range docs {
		size += len(docs[i].JSON) + overhead
	}
	b := make([]byte, 0, size)
	for i := range docs {
		b = append(b, `{"create":{"_index":"`...)
		b = append(b, docs[i].Index...)
		b = append(b, `","_id":"`...)
		b = append(b, docs[i].ID...)
		b = append(b, `"}}`...)
		b = append(b, '\n')
		b = append(b, docs[i].JSON...)
		b = append(b, '\n')
	}
	return b
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
