package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huntbook/huntbook/elastic"
	"github.com/huntbook/huntbook/engine"
)

const (
	// together is the number of rules that are counted in a request.
	together = 64
	// page is the number of documents in an answer.
	page = 500
	// patience is how long the cluster may work on one search.
	patience = "60s"
	// spaced is how long to leave a cluster alone that could not answer all, at first;
	// each pause is twice the last, up to the longest.
	spaced  = 3 * time.Second
	longest = 15 * time.Second
	// returning is how long shards are waited for that are away, as while a node
	// restarts.
	returning = 2 * time.Minute
)

// answer counts all questions, fetches the documents of those that have some, and
// hands each over to done in their order.
func (c *Cluster) answer(ctx context.Context, questions []*question, done func(*question) error) error {
	pending := slices.DeleteFunc(slices.Clone(questions), func(q *question) bool { return q.query == nil })
	c.Progress.Asked.Add(int64(len(questions) - len(pending)))
	// What is asked of the same indices is asked together.
	slices.SortStableFunc(pending, func(a, b *question) int { return slices.Compare(a.index.names, b.index.names) })
	if err := c.count(ctx, pending, together); err != nil {
		return err
	}
	for _, q := range pending {
		if errors.Is(q.failed, elastic.ErrClauses) {
			if err := c.split(ctx, q); err != nil {
				return err
			}
		}
	}
	if again := tryAgain(pending); len(again) > 0 {
		err := c.retry(ctx, func() (bool, error) {
			err := c.askAgain(ctx, again)
			again = slices.DeleteFunc(again, func(q *question) bool { return !q.away })
			return len(again) > 0, err
		})
		if err != nil {
			return err
		}
	}
	for _, q := range pending {
		if q.failed != nil {
			q.info.Err = q.failed
		}
	}
	return c.fetch(ctx, questions, done)
}

// tryAgain are the questions that a cluster which was busy or away may answer later.
func tryAgain(questions []*question) []*question {
	var out []*question
	for _, q := range questions {
		for _, kind := range []error{elastic.ErrBusy, elastic.ErrTimeout, elastic.ErrUnreachable, elastic.ErrServer} {
			if errors.Is(q.failed, kind) {
				out = append(out, q)
				break
			}
		}
		if q.failed == nil && q.info.Incomplete != "" && q.parts == nil {
			out = append(out, q)
		}
	}
	return out
}

// askAgain asks questions apart. The first tells whether the cluster is there at all:
// each request is patient, and of thousands in vain there would be no end.
func (c *Cluster) askAgain(ctx context.Context, questions []*question) error {
	if err := c.count(ctx, questions[:1], 1); err != nil || errors.Is(questions[0].failed, elastic.ErrUnreachable) {
		return err
	}
	return c.count(ctx, questions[1:], 1)
}

// retry calls try after each pause until nothing is left that may come back, or until
// that was waited for long enough: then once only, for the rest of a scan.
func (c *Cluster) retry(ctx context.Context, try func() (left bool, err error)) error {
	wait := spaced
	for waited := time.Duration(0); waited < returning; waited += wait {
		if waited > 0 {
			wait = min(2*wait, longest)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		if left, err := try(); !left || err != nil || c.stayedAway.Load() {
			return err
		}
	}
	c.stayedAway.Store(true)
	return nil
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

// count asks how many events match each question, so many in a request. Only the
// end of ctx is an error.
func (c *Cluster) count(ctx context.Context, questions []*question, size int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.Parallel)
	for batch := range slices.Chunk(questions, size) {
		group.Go(func() error {
			c.countBatch(ctx, batch)
			if size > 1 {
				c.Progress.Asked.Add(int64(len(batch)))
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

func (c *Cluster) countBatch(ctx context.Context, batch []*question) {
	searches := make([]elastic.Search, len(batch))
	for i, q := range batch {
		searches[i] = elastic.Search{Index: q.index.names, Body: map[string]any{
			"size": 0, "track_total_hits": true, "timeout": patience, "query": c.bounded(q.query),
		}}
	}
	found, err := c.Client.MSearch(ctx, searches)
	if err != nil && errors.Is(err, elastic.ErrRequest) && len(batch) > 1 {
		// One that the cluster can't even read spoils all.
		half := len(batch) / 2
		c.countBatch(ctx, batch[:half])
		c.countBatch(ctx, batch[half:])
		return
	}
	for i, q := range batch {
		q.away = false
		if q.failed = err; err != nil {
			continue
		}
		q.away = found[i].Away()
		if q.failed = found[i].Err; q.failed == nil {
			q.info.Count, q.info.Incomplete = found[i].Hits.Hits.Total.Value, found[i].Incomplete()
		}
	}
}

// fetch gets the documents of questions that have some, in their order.
func (c *Cluster) fetch(ctx context.Context, questions []*question, done func(*question) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type job struct {
		batch []*question
		ready chan struct{}
	}
	jobs := make(chan *job, c.Parallel)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.Parallel + 1)
	group.Go(func() error {
		defer close(jobs)
		for batch := range portions(questions) {
			j := &job{batch, make(chan struct{})}
			select {
			case jobs <- j:
			case <-groupCtx.Done():
				return nil
			}
			group.Go(func() error {
				defer close(j.ready)
				return c.fetchBatch(groupCtx, j.batch)
			})
		}
		return nil
	})
	var err error
	for j := range jobs {
		<-j.ready
		for _, q := range j.batch {
			if err == nil && groupCtx.Err() == nil {
				err = done(q)
			}
			q.docs = nil
		}
		if err != nil {
			cancel()
		}
	}
	if waited := group.Wait(); err == nil {
		err = waited
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// portions cuts questions into runs whose documents come in one answer.
func portions(questions []*question) func(func([]*question) bool) {
	return func(yield func([]*question) bool) {
		start, docs := 0, 0
		for i, q := range questions {
			n := min(q.info.Count, q.most, page)
			if i > start && docs+n > 2*page {
				if !yield(questions[start:i]) {
					return
				}
				start, docs = i, 0
			}
			docs += n
		}
		if start < len(questions) {
			yield(questions[start:])
		}
	}
}

// fetchBatch gets the documents of some questions: the first page of all in one
// request, then what some have more.
func (c *Cluster) fetchBatch(ctx context.Context, batch []*question) error {
	var asked []*question
	for _, q := range batch {
		if q.info.Err != nil || q.info.Count == 0 {
			continue
		}
		if q.parts != nil {
			if err := c.fetchParts(ctx, q); err != nil {
				return err
			}
			continue
		}
		if n := min(q.info.Count, q.most); n > page {
			if err := c.pages(ctx, q, n); err != nil {
				return err
			}
			continue
		}
		asked = append(asked, q)
	}
	if len(asked) == 0 {
		return ctx.Err()
	}
	away, err := c.firstPage(ctx, asked)
	if err == nil && len(away) > 0 {
		err = c.retry(ctx, func() (bool, error) {
			away, err = c.firstPage(ctx, away)
			return len(away) > 0, err
		})
	}
	for _, q := range asked {
		if q.lacks != nil {
			q.lost(q.lacks)
		}
	}
	return err
}

// firstPage gets the first documents of questions in one request. It returns the
// questions that lack some which may be back later.
func (c *Cluster) firstPage(ctx context.Context, asked []*question) ([]*question, error) {
	searches := make([]elastic.Search, len(asked))
	for i, q := range asked {
		searches[i] = elastic.Search{Index: q.index.names, Body: c.documents(q, min(q.info.Count, q.most))}
	}
	found, err := c.Client.MSearch(ctx, searches)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var away []*question
	for i, q := range asked {
		q.forget()
		switch {
		case err != nil:
			q.lacks = err
			continue
		case found[i].Err != nil:
			q.lacks = found[i].Err
		default:
			q.take(found[i].Hits)
			q.tally(found[i].Aggregations)
		}
		if q.lacks != nil && found[i].Away() {
			away = append(away, q)
		}
	}
	return away, nil
}

// forget drops what was fetched of a question, which is asked anew.
func (q *question) forget() {
	q.docs, q.info.Times, q.info.Hosts, q.lacks = nil, nil, nil, nil
}

// lost says that a question's documents could not be fetched, though they were
// counted.
func (q *question) lost(err error) {
	q.info.Incomplete = join(q.info.Incomplete, fmt.Sprintf("%d events were counted, but not all could be fetched: %s", q.info.Count, err))
}

func (q *question) take(h *elastic.Hits) {
	if lacks := h.Incomplete(); lacks != "" && q.info.Incomplete == "" {
		q.lacks = errors.New(lacks)
	}
	for _, hit := range h.Hits.Hits {
		q.docs = append(q.docs, document{hit})
	}
}

// documents is the search for the first documents of a question, with counts over
// time and hosts when there are more.
func (c *Cluster) documents(q *question, size int) map[string]any {
	body := map[string]any{
		"size": size, "track_total_hits": false, "timeout": patience, "query": c.bounded(q.query),
	}
	if q.index.hasTime {
		body["sort"] = []any{map[string]any{timeField: map[string]any{"order": "asc", "unmapped_type": "date"}}}
	}
	if q.info.Count > q.most && !q.correlated {
		aggs := map[string]any{}
		if q.index.hasTime {
			aggs["times"] = map[string]any{"date_histogram": map[string]any{"field": timeField, "fixed_interval": c.interval(), "min_doc_count": 1}}
		}
		if q.index.host != "" {
			aggs["hosts"] = map[string]any{"terms": map[string]any{"field": q.index.host, "size": 1000}}
		}
		body["aggs"] = aggs
	}
	return body
}

// intervals is the number of parts of the events' time in which findings are counted.
const intervals = 240

// interval is the length of a part.
func (c *Cluster) interval() string {
	seconds := int64(c.last.Sub(c.first).Seconds())/intervals + 1
	return strconv.FormatInt(seconds, 10) + "s"
}

// tally reads the counts over time and hosts.
func (q *question) tally(aggs map[string]json.RawMessage) {
	var times struct {
		Buckets []struct {
			Key   float64 `json:"key"`
			Count int     `json:"doc_count"`
		} `json:"buckets"`
	}
	var hosts struct {
		Buckets []struct {
			Key   string `json:"key"`
			Count int    `json:"doc_count"`
		} `json:"buckets"`
	}
	if raw := aggs["times"]; raw != nil && json.Unmarshal(raw, &times) == nil {
		for _, b := range times.Buckets {
			q.info.Times = append(q.info.Times, engine.TimeCount{Time: time.UnixMilli(int64(b.Key)).UTC(), Count: b.Count})
		}
	}
	if raw := aggs["hosts"]; raw != nil && json.Unmarshal(raw, &hosts) == nil {
		for _, b := range hosts.Buckets {
			q.info.Hosts = append(q.info.Hosts, engine.HostCount{Host: b.Key, Count: b.Count})
		}
	}
}

// pages reads so many documents of a question from a point in time. One that is
// lost, as when a node restarts, is opened anew and the reading begins again.
func (c *Cluster) pages(ctx context.Context, q *question, most int) error {
	read := func() (bool, error) {
		q.forget()
		gone, err := c.readPages(ctx, q, most)
		if err != nil {
			q.lacks = err
		}
		return gone, ctx.Err()
	}
	gone, err := read()
	if gone && err == nil {
		err = c.retry(ctx, read)
	}
	if err == nil && q.lacks != nil {
		q.lost(q.lacks)
	}
	return err
}

// isGone tells that a point in time is lost, or the cluster away.
func isGone(err error) bool {
	var e *elastic.Error
	return errors.As(err, &e) && (e.Status == http.StatusNotFound || errors.Is(err, elastic.ErrServer) || errors.Is(err, elastic.ErrUnreachable))
}

// readPages tells whether reading anew may give what is lacking.
func (c *Cluster) readPages(ctx context.Context, q *question, most int) (gone bool, err error) {
	pit, err := c.Client.OpenPIT(ctx, q.index.names, "2m")
	if err != nil {
		return isGone(err), err
	}
	defer func() {
		// The caller's context may have ended; the cluster drops it by itself later.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = c.Client.ClosePIT(closing, pit)
	}()
	body := c.documents(q, 0)
	sort, _ := body["sort"].([]any)
	body["sort"] = append(sort, map[string]any{c.tiebreak(ctx): "asc"})
	for len(q.docs) < most {
		body["size"] = min(page, most-len(q.docs))
		body["pit"] = map[string]any{"id": pit, "keep_alive": "2m"}
		hits, err := c.Client.Search(ctx, elastic.Search{Body: body})
		if err != nil {
			return isGone(err), err
		}
		q.take(hits)
		q.tally(hits.Aggregations)
		delete(body, "aggs")
		n := len(hits.Hits.Hits)
		if n == 0 || hits.Incomplete() != "" {
			return q.lacks != nil && hits.Away(), nil
		}
		body["search_after"] = hits.Hits.Hits[n-1].Sort
		if hits.PIT != "" {
			pit = hits.PIT
		}
	}
	return false, nil
}

// tiebreak is what puts documents of equal time in an order within a point in time.
func (c *Cluster) tiebreak(ctx context.Context) string {
	if info, err := c.Client.Info(ctx); err == nil && info.Product == elastic.OpenSearch {
		return "_id"
	}
	return "_shard_doc"
}
