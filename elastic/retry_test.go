package elastic

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huntbook/huntbook/internal/servers"
)

func TestABusyClusterIsAskedAgain(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int // then 200
		once     bool
		retries  int
		want     error
		requests int
	}{
		{"at once", nil, false, 0, nil, 1},
		{"too many requests", []int{429, 429}, false, 0, nil, 3},
		{"being restarted", []int{503, 502, 504}, false, 0, nil, 4},
		{"for good", []int{429, 429, 429, 429}, false, 2, ErrBusy, 3},
		{"a request that is wrong", []int{400}, false, 0, ErrRequest, 1},
		{"a failure", []int{500}, false, 0, ErrServer, 1},
		{"once", []int{429}, true, 0, ErrBusy, 1},
		{"never", []int{429}, false, -1, ErrBusy, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n atomic.Int64
			proxy := servers.NewProxy(t, "", servers.ProxyOptions{Answer: func(*http.Request) (int, string) {
				if i := int(n.Add(1)); i <= len(c.statuses) {
					return c.statuses[i-1], ""
				}
				return 200, "{}"
			}})
			client, err := New(Config{Addresses: []string{proxy.URL}, Wait: noWait, Retries: c.retries})
			if err != nil {
				t.Fatal(err)
			}
			err = client.Do(t.Context(), Request{Path: "/x", Body: map[string]int{"a": 1}, Once: c.once}, nil)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			seen := proxy.Seen()
			if len(seen) != c.requests {
				t.Errorf("%d requests, want %d", len(seen), c.requests)
			}
			for _, s := range seen {
				if string(s.Body) != "{\"a\":1}\n" {
					t.Errorf("a request had the body %q", s.Body)
				}
			}
		})
	}
}

// clock is a transport that notes when requests come, in a bubble's time.
type clock struct {
	start  time.Time
	times  []time.Duration
	answer func(n int) (status int, after string)
}

func (c *clock) RoundTrip(*http.Request) (*http.Response, error) {
	c.times = append(c.times, time.Since(c.start))
	status, after := c.answer(len(c.times))
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}, Body: http.NoBody}, nil
}

func TestPace(t *testing.T) {
	fine := func(int) (int, string) { return 200, "" }
	for _, c := range []struct {
		name   string
		every  time.Duration
		cost   int
		answer func(int) (int, string)
		want   []time.Duration
	}{
		{"no bound", 0, 1, fine, []time.Duration{0, 0, 0}},
		{"two a second", time.Second / 2, 1, fine, []time.Duration{0, time.Second / 2, time.Second}},
		{"searches together", time.Second / 2, 10, fine, []time.Duration{0, 5 * time.Second, 10 * time.Second}},
		{"a pause that is asked for", 0, 1, func(n int) (int, string) { return 429, strconv.Itoa(8 - 4*n) }, []time.Duration{0, 4 * time.Second, 4 * time.Second}},
		{"a pause without end", 0, 1, func(int) (int, string) { return 503, "999999999" }, []time.Duration{0, time.Minute, 2 * time.Minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &clock{start: time.Now(), answer: c.answer}
				p := &pace{next: next, every: c.every}
				for range c.want {
					req, err := http.NewRequestWithContext(context.WithValue(t.Context(), costKey{}, c.cost), http.MethodGet, "/", nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := p.RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
				}
				for i, want := range c.want {
					if next.times[i] != want {
						t.Errorf("requests at %v, want %v", next.times, c.want)
						break
					}
				}
			})
		})
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for n, most := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second, 9: 15 * time.Second, 1000: 15 * time.Second} {
		for range 20 {
			if d := backoff(n); d > most || d < most/2 {
				t.Errorf("pause %d is %v, want %v to %v", n, d, most/2, most)
			}
		}
	}
}
