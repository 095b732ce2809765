package servers

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Proxy stands on loopback before a real server, and adds what that one lacks: TLS,
// a check of who asks, another version, faults.
type Proxy struct {
	URL string

	mu   sync.Mutex
	seen []Seen
}

// Seen is a request that came by.
type Seen struct {
	Method, Path, Authorization string
	Body                        []byte
}

// ProxyOptions say what a Proxy does; each may be left out.
type ProxyOptions struct {
	// TLS makes it speak TLS.
	TLS *tls.Config
	// Answer may answer a request itself: it returns a status, 0 to let the
	// request by, and a body.
	Answer func(r *http.Request) (status int, body string)
	// Version takes the place of the number in the answer to GET /, Distribution
	// of the product's name there.
	Version, Distribution string
	// Header is set on every answer.
	Header http.Header
}

// NewProxy starts a proxy before the server at a URL; it ends with the test.
func NewProxy(t testing.TB, upstream string, o ProxyOptions) *Proxy {
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: o.rewrite,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.mu.Lock()
		p.seen = append(p.seen, Seen{r.Method, r.URL.Path, r.Header.Get("Authorization"), body})
		p.mu.Unlock()
		for name, values := range o.Header {
			w.Header()[name] = values
		}
		if o.Answer != nil {
			if status, text := o.Answer(r); status != 0 {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
				return
			}
		}
		forward.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if o.TLS != nil {
		server.TLS = o.TLS
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Seen are the requests so far.
func (p *Proxy) Seen() []Seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Seen(nil), p.seen...)
}

// Count is the number of requests so far whose path ends in a text.
func (p *Proxy) Count(suffix string) int {
	n := 0
	for _, s := range p.Seen() {
		if strings.HasSuffix(s.Path, suffix) {
			n++
		}
	}
	return n
}

// rewrite changes the version in the answer to GET /.
func (o *ProxyOptions) rewrite(r *http.Response) error {
	if r.Request.URL.Path != "/" || o.Version == "" && o.Distribution == "" {
		return nil
	}
	var root map[string]any
	if err := json.NewDecoder(r.Body).Decode(&root); err != nil {
		return err
	}
	version, _ := root["version"].(map[string]any)
	if o.Version != "" {
		version["number"] = o.Version
	}
	if o.Distribution != "" {
		version["distribution"] = o.Distribution
	}
	body, err := json.Marshal(root)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Del("Content-Length")
	return nil
}
