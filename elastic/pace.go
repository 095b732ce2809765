package elastic

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// pace is a transport that sends requests in turn, so many a second, and none while
// the cluster asked to be left alone (Retry-After).
type pace struct {
	next  http.RoundTripper
	every time.Duration // between two requests, 0 for no bound

	mu   sync.Mutex
	free time.Time // when the next request may be sent
}

// costKey is the key of a context's value: for how many requests one counts.
type costKey struct{}

func cost(ctx context.Context) int {
	if n, ok := ctx.Value(costKey{}).(int); ok {
		return n
	}
	return 1
}

// longestPause bounds what a server may ask for.
const longestPause = time.Minute

func (p *pace) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := p.wait(req.Context()); err != nil {
		return nil, err
	}
	resp, err := p.next.RoundTrip(req)
	if err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable) {
		p.pause(resp.Header.Get("Retry-After"))
	}
	return resp, err
}

func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	at := p.free
	p.free = at.Add(p.every * time.Duration(cost(ctx)))
	p.mu.Unlock()
	if !at.After(now) {
		return nil
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (p *pace) pause(after string) {
	seconds, err := strconv.Atoi(after)
	if err != nil || seconds <= 0 {
		return
	}
	until := time.Now().Add(min(time.Duration(seconds)*time.Second, longestPause))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(until) {
		p.free = until
	}
}
