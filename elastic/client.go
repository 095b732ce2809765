// Package elastic talks to a cluster of Elasticsearch (7.17, 8, 9) or OpenSearch
// (2, 3): who asks, how, and what an answer or an error means.
//
// A Client signs requests, keeps to a rate, repeats what the cluster was too busy
// for, and turns every failure into one line that names the server and a way out.
// Calls that differ between the two products have a method each; any other is a
// Request. The package knows nothing of rules and events. Data flows: Config →
// Client → Request → the answer's JSON, or an *Error.
package elastic

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/huntbook/huntbook/internal/certificate"
)

// maxAnswer bounds an answer, in bytes; a larger one is an error.
const maxAnswer = 1 << 30

// Client is a connection to a cluster. Any number of goroutines may use it.
type Client struct {
	name    string // the first address, without user and password
	auth    string // the Authorization header, "" for none
	agent   string
	once    *elastictransport.Client // sends a request once
	patient *elastictransport.Client // and again when the cluster is busy or away

	mu   sync.Mutex
	info *Info
}

// The statuses of a cluster that may answer a little later.
var busy = []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// New makes a client; it asks nothing of the cluster yet.
func New(c Config) (*Client, error) {
	urls, auth, err := c.resolve()
	if err != nil {
		return nil, err
	}
	transport, err := c.transport()
	if err != nil {
		return nil, err
	}
	client := &Client{name: urls[0].String(), auth: auth, agent: c.Agent}
	options := []elastictransport.Option{
		elastictransport.WithURLs(urls...),
		elastictransport.WithTransport(&pace{next: transport, every: c.every()}),
	}
	if client.once, err = elastictransport.NewClient(append(slices.Clone(options), elastictransport.WithDisableRetry())...); err != nil {
		return nil, err
	}
	if c.Retries < 0 {
		client.patient = client.once
		return client, nil
	}
	wait := c.Wait
	if wait == nil {
		wait = backoff
	}
	client.patient, err = elastictransport.NewClient(append(options,
		elastictransport.WithRetry(cmp.Or(c.Retries, defaultRetries), busy...),
		elastictransport.WithRetryOnError(mayPass),
		elastictransport.WithRetryBackoff(wait))...)
	return client, err
}

// backoff is how long the n-th repetition waits: half a second, doubled up to 15 of
// them, less up to half of it by chance, so that many clients do not come at once.
func backoff(n int) time.Duration {
	most := min(500*time.Millisecond<<min(n-1, 10), 15*time.Second)
	return most - rand.N(most/2) //nolint:gosec // chance, no secret
}

// String names the cluster, without user and password.
func (c *Client) String() string { return c.name }

// Request is one call.
type Request struct {
	Method string // "" is GET, POST with a body
	Path   string // escaped, with the "/" that it begins with
	Query  url.Values
	// Body is sent as it is when it is a []byte, else as JSON; nil is none.
	Body any
	// Lines tells that the body is a JSON object a line.
	Lines bool
	// Once sends the request once, whatever comes back.
	Once bool
}

// Path joins parts of a path, each escaped.
func Path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// Do sends a request and reads the answer's JSON into out, which may be nil. The
// error is an *Error, or the context's.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	body, err := c.send(ctx, r)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &Error{Server: c.name, Kind: ErrAnswer, Reason: "answers what is not understood: " + err.Error(), cause: err}
	}
	return nil
}

func (c *Client) send(ctx context.Context, r Request) ([]byte, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, err
	}
	client := c.patient
	if r.Once {
		client = c.once
	}
	resp, err := client.Perform(req)
	if ctx.Err() != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		return nil, fmt.Errorf("%s: %w", c.name, context.Cause(ctx))
	}
	if err != nil {
		return nil, c.connectionError(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", c.name, context.Cause(ctx))
	case err != nil:
		return nil, c.connectionError(err)
	case len(body) > maxAnswer:
		return nil, &Error{Server: c.name, Kind: ErrAnswer, Reason: fmt.Sprintf("answers with more than %d MB; ask for less", maxAnswer>>20)}
	case resp.StatusCode >= 300:
		return nil, c.statusError(resp, body)
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	body, ok := r.Body.([]byte)
	if !ok && r.Body != nil {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r.Body); err != nil {
			return nil, fmt.Errorf("request to %s: %w", c.name, err)
		}
		body = b.Bytes()
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
		if body != nil {
			method = http.MethodPost
		}
	}
	target := r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("request to %s: %w", c.name, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		if r.Lines {
			req.Header.Set("Content-Type", "application/x-ndjson")
		}
	}
	req.Header.Set("Accept", "application/json")
	if c.agent != "" {
		req.Header.Set("User-Agent", c.agent)
	}
	if c.auth != "" {
		req.Header.Set("Authorization", c.auth)
	}
	return req, nil
}

// mayPass tells whether a request that got no answer may get one later: not when
// the caller gave up, when the server is slow, or when it is the wrong one.
func mayPass(_ *http.Request, err error) bool {
	_, untrusted := certificate.Reason(err)
	return !untrusted && !errors.Is(err, context.Canceled) && !isTimeout(err) && !isPlain(err) && !isUnknownHost(err)
}
