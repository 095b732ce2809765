package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Hits is the answer to a search.
type Hits struct {
	Took     int    `json:"took"`
	TimedOut bool   `json:"timed_out"`
	Early    bool   `json:"terminated_early"`
	Shards   Shards `json:"_shards"`
	PIT      string `json:"pit_id"`
	Hits     struct {
		Total struct {
			Value    int    `json:"value"`
			Relation string `json:"relation"`
		} `json:"total"`
		Hits []Hit `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]json.RawMessage `json:"aggregations"`
}

// Shards says how many parts of an index answered.
type Shards struct {
	Total      int `json:"total"`
	Successful int `json:"successful"`
	Skipped    int `json:"skipped"`
	Failed     int `json:"failed"`
	Failures   []struct {
		Index  string    `json:"index"`
		Reason errorBody `json:"reason"`
	} `json:"failures"`
}

// Hit is one document.
type Hit struct {
	Index  string          `json:"_index"`
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"`
}

// Incomplete says in a few words what an answer lacks, "" when it is whole.
func (h *Hits) Incomplete() string {
	switch {
	case h.Shards.Failed > 0 && len(h.Shards.Failures) > 0:
		deep := h.Shards.Failures[0].Reason.deepest()
		return count(h.Shards.Failed, h.Shards.Total) + " failed: " + oneLine(deep.Reason)
	case h.Shards.Failed > 0:
		return count(h.Shards.Failed, h.Shards.Total) + " failed"
	case h.TimedOut:
		return "the cluster ran out of time and answered with what it had"
	}
	return ""
}

// Away tells that parts of the index are not there now and may come back, as when a
// node restarts.
func (h *Hits) Away() bool {
	if h.Shards.Failed > 0 && len(h.Shards.Failures) == 0 {
		return true
	}
	for _, f := range h.Shards.Failures {
		if slices.Contains(away, f.Reason.deepest().Type) {
			return true
		}
	}
	return false
}

// The failures of shards that are not there yet, or no more, or that lost a point in time.
var away = []string{
	"no_shard_available_action_exception", "unavailable_shards_exception", "shard_not_found_exception",
	"illegal_index_shard_state_exception", "index_shard_closed_exception", "index_shard_not_started_exception", "index_shard_recovering_exception",
	"node_not_connected_exception", "node_disconnected_exception", "node_closed_exception",
	"search_context_missing_exception",
}

// Search is one of several that are sent together.
type Search struct {
	Index []string // none is all
	Body  any      // a []byte is sent as it is; it has no line breaks
}

// Found is the answer to a Search; Err is an *Error about it alone.
type Found struct {
	*Hits
	Err error
}

// Away tells that a search which failed, in part or as a whole, may be answered when
// parts of the index are back.
func (f Found) Away() bool {
	var e *Error
	if errors.As(f.Err, &e) {
		return e.Status == http.StatusServiceUnavailable || slices.Contains(away, e.Type)
	}
	return f.Hits != nil && f.Hits.Away()
}

// MSearch sends searches together; indices that are missing count as empty. The
// error is about all of them.
func (c *Client) MSearch(ctx context.Context, searches []Search) ([]Found, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, s := range searches {
		head := map[string]any{"ignore_unavailable": true, "allow_no_indices": true}
		if len(s.Index) > 0 {
			head["index"] = s.Index
		}
		if err := enc.Encode(head); err != nil {
			return nil, err
		}
		if raw, ok := s.Body.([]byte); ok {
			b.Write(raw)
			b.WriteByte('\n')
		} else if err := enc.Encode(s.Body); err != nil {
			return nil, err
		}
	}
	var out struct {
		Responses []struct {
			Hits
			Status int        `json:"status"`
			Error  *errorBody `json:"error"`
		} `json:"responses"`
	}
	ctx = context.WithValue(ctx, costKey{}, len(searches))
	if err := c.Do(ctx, Request{Path: "/_msearch", Body: b.Bytes(), Lines: true}, &out); err != nil {
		return nil, err
	}
	if len(out.Responses) != len(searches) {
		return nil, &Error{Server: c.name, Kind: ErrAnswer, Reason: "answers some of the searches only"}
	}
	found := make([]Found, len(searches))
	for i := range out.Responses {
		r := &out.Responses[i]
		if r.Error != nil {
			found[i].Err = c.failed(r.Status, *r.Error)
		} else {
			found[i].Hits = &r.Hits
		}
	}
	return found, nil
}

// Search sends one search. Index may be nil for a search that names a point in
// time.
func (c *Client) Search(ctx context.Context, s Search) (*Hits, error) {
	r := Request{Path: "/_search", Body: s.Body, Query: url.Values{}}
	if len(s.Index) > 0 {
		r.Path = Path(strings.Join(s.Index, ","), "_search")
		r.Query.Set("ignore_unavailable", "true")
	}
	var out Hits
	return &out, c.Do(ctx, r, &out)
}

// OpenPIT opens a point in time: searches that name it see the index as it is now.
// It must be closed.
func (c *Client) OpenPIT(ctx context.Context, index []string, keep string) (string, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return "", err
	}
	r := Request{Method: http.MethodPost, Path: Path(strings.Join(index, ","), "_pit"), Query: url.Values{"keep_alive": {keep}, "ignore_unavailable": {"true"}}}
	if info.Product == OpenSearch {
		r.Path = Path(strings.Join(index, ","), "_search", "point_in_time")
		// There is no such parameter before version 2.12 or so; the default is to fail.
		r.Query.Del("ignore_unavailable")
	}
	var out struct {
		ID    string `json:"id"`
		PITID string `json:"pit_id"`
	}
	if err := c.Do(ctx, r, &out); err != nil {
		return "", err
	}
	return out.ID + out.PITID, nil
}

// ClosePIT closes a point in time; one that is gone is no error.
func (c *Client) ClosePIT(ctx context.Context, id string) error {
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	r := Request{Method: http.MethodDelete, Path: "/_pit", Body: map[string]any{"id": id}, Once: true}
	if info.Product == OpenSearch {
		r.Path, r.Body = "/_search/point_in_time", map[string]any{"pit_id": []string{id}}
	}
	var e *Error
	if err = c.Do(ctx, r, nil); errors.As(err, &e) && e.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// FieldCaps tells of every field of the indices under which types it is there.
type FieldCaps struct {
	Indices []string                              `json:"indices"`
	Fields  map[string]map[string]FieldCapability `json:"fields"`
}

// FieldCapability is a field in the indices where it has one type.
type FieldCapability struct {
	Type         string `json:"type"`
	Searchable   bool   `json:"searchable"`
	Aggregatable bool   `json:"aggregatable"`
	// Indices are those where it has this type, nil when it has no other.
	Indices []string `json:"indices"`
}

// FieldCaps asks for the fields of indices, all of them when fields is empty.
func (c *Client) FieldCaps(ctx context.Context, index, fields []string) (*FieldCaps, error) {
	if len(fields) == 0 {
		fields = []string{"*"}
	}
	r := Request{Path: Path(strings.Join(index, ","), "_field_caps"), Method: http.MethodPost, Query: url.Values{
		"fields": {strings.Join(fields, ",")}, "ignore_unavailable": {"true"}, "allow_no_indices": {"true"},
	}}
	var out FieldCaps
	if err := c.Do(ctx, r, &out); err != nil {
		return nil, err
	}
	slices.Sort(out.Indices)
	return &out, nil
}

// Mapping is the answer to GET index/_mapping as it came.
func (c *Client) Mapping(ctx context.Context, index []string) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.Do(ctx, Request{Path: Path(strings.Join(index, ","), "_mapping")}, &out)
	return out, err
}

func count(n, of int) string {
	return fmt.Sprintf("%d of %d shards", n, of)
}
