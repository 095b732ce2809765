// Package fetch finds datasets and rules in an index and brings their files here.
//
// An index is a file of ours with addresses, sizes and checksums, or what the
// projects publish themselves: the metadata of Security-Datasets (a list of files as
// GitHub's API gives it, or a folder), a release of SigmaHQ. A download that was cut
// off goes on where it ended, is checked, and takes its place only when it is whole.
// Archives are unpacked into one folder and nowhere else. The package knows nothing
// of rules, events and terminals. Data flows: location → Index → File → a file here
// → Unpack.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// Client makes requests. The zero value is usable.
type Client struct {
	// Agent is how it names itself.
	Agent string
	// Tries is how often a request is tried, 0 is 5; Wait is the pause before the
	// n-th repetition, from 1.
	Tries int
	Wait  func(n int) time.Duration

	http *http.Client
}

// The bounds of requests.
const (
	maxIndex     = 64 << 20 // bytes of an index
	maxMetadata  = 1 << 20  // bytes of one file of metadata
	stalled      = time.Minute
	firstAnswer  = 30 * time.Second
	maxRedirects = 10
)

// ErrNotFound is wrapped by errors about an address that leads to nothing.
var ErrNotFound = errors.New("there is nothing at this address")

func (c *Client) client() *http.Client {
	if c.http == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = firstAnswer
		c.http = &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return errors.New("it leads from one address to the next without an end")
			}
			if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
				return fmt.Errorf("it leads from https to %s", r.URL.Redacted())
			}
			return nil
		}}
	}
	return c.http
}

// get makes a request; header may be nil. An answer that is an error is one.
func (c *Client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "" {
		return nil, &permanent{fmt.Errorf("%q is no address; it must begin with https:// or http://", address)}
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.Agent)
	resp, err := c.client().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s: %w", req.URL.Redacted(), plain(err))
	}
	if resp.StatusCode >= 300 && resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		_ = resp.Body.Close()
		return nil, statusError(req.URL, resp)
	}
	return resp, nil
}

// permanent is an error that trying again does not change.
type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

func statusError(u *url.URL, resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusGone:
		return &permanent{fmt.Errorf("%s: %w; check the address", u.Redacted(), ErrNotFound)}
	case code == http.StatusTooManyRequests, code == http.StatusForbidden && resp.Header.Get("X-Ratelimit-Remaining") == "0":
		return &permanent{fmt.Errorf("%s: the server takes no more requests from here for now; try again in an hour", u.Redacted())}
	case code >= 500:
		return fmt.Errorf("%s: the server failed with status %d", u.Redacted(), code)
	default:
		return &permanent{fmt.Errorf("%s: the server refuses with status %d", u.Redacted(), code)}
	}
}

// plain says a network error in few words.
func plain(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused")
	case errors.As(err, &dns):
		return fmt.Errorf("there is no host %s, or no network", dns.Name)
	}
	return err
}

// again tries something until it succeeds, fails for good, or was tried enough.
func (c *Client) again(ctx context.Context, try func() error) error {
	tries, wait := c.Tries, c.Wait
	if tries == 0 {
		tries = 5
	}
	if wait == nil {
		wait = backoff
	}
	for n := 1; ; n++ {
		err := try()
		var last *permanent
		if err == nil || errors.As(err, &last) || ctx.Err() != nil || n == tries {
			return err
		}
		timer := time.NewTimer(wait(n))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// backoff doubles from a second to half a minute, less up to half of it by chance.
func backoff(n int) time.Duration {
	most := min(time.Second<<min(n-1, 10), 30*time.Second)
	return most - rand.N(most/2) //nolint:gosec // chance, no secret
}

// text reads a small document.
func (c *Client) text(ctx context.Context, address string, most int64) (data []byte, from *url.URL, err error) {
	err = c.again(ctx, func() error {
		resp, err := c.get(ctx, address, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if data, err = io.ReadAll(io.LimitReader(resp.Body, most+1)); err != nil {
			return fmt.Errorf("%s: %w", address, plain(err))
		}
		if int64(len(data)) > most {
			return &permanent{fmt.Errorf("%s has more than %d bytes; it is no index", address, most)}
		}
		from = resp.Request.URL
		return nil
	})
	return data, from, err
}
