package elastic

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// BulkResult is what became of one action of a bulk request.
type BulkResult struct {
	Action string // "index", "create", …
	Index  string `json:"_index"`
	ID     string `json:"_id"`
	Status int    `json:"status"`
	// Err is an *Error when the action failed; of kind ErrBusy it may succeed
	// later. It is not set for a document that "create" found there already.
	Err error
}

// Exists tells that the document was there already.
func (r *BulkResult) Exists() bool { return r.Action == "create" && r.Status == http.StatusConflict }

// Bulk sends actions, each a line or two of JSON, and gives a result for each, in
// their order. The error is about all of them.
func (c *Client) Bulk(ctx context.Context, lines []byte) ([]BulkResult, error) {
	var out struct {
		Items []map[string]struct {
			BulkResult
			Error *errorBody `json:"error"`
		} `json:"items"`
	}
	r := Request{Path: "/_bulk", Body: lines, Lines: true, Query: url.Values{
		"filter_path": {"items.*._index,items.*._id,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by"},
	}}
	if err := c.Do(ctx, r, &out); err != nil {
		return nil, err
	}
	results := make([]BulkResult, len(out.Items))
	for i, item := range out.Items {
		for action, result := range item {
			results[i] = result.BulkResult
			results[i].Action = action
			if result.Error != nil && !results[i].Exists() {
				results[i].Err = c.documentError(result.Status, *result.Error)
			}
		}
	}
	return results, nil
}

// documentError names the field at fault, which the failure's cause does not.
func (c *Client) documentError(status int, b errorBody) *Error {
	e := c.failed(status, b)
	if errors.Is(e, ErrRequest) {
		e.Reason = "refuses the document: " + oneLine(b.Reason)
		if cause := b.deepest().Reason; cause != b.Reason {
			e.Reason += ": " + oneLine(cause)
		}
	}
	return e
}
