package elastic

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/internal/servers"
)

func TestAnswersThatAreErrors(t *testing.T) {
	const security = `{"error": {"root_cause": [{"type": "security_exception", "reason": "action [indices:data/read/search] is unauthorized for user [bob]"}], "type": "security_exception", "reason": "x"}, "status": 403}`
	for _, c := range []struct {
		name   string
		config Config
		status int
		body   string
		want   string
		kind   error
	}{
		{"wrong password", Config{User: "bob", Password: "secret"}, 401, `{}`, "does not accept the user or password", ErrUser},
		{"nobody", Config{}, 401, `Unauthorized`, "wants to know who asks", ErrUser},
		{"wrong key", Config{APIKey: "secret"}, 401, ``, "does not accept the API key", ErrUser},
		{"wrong token", Config{Token: "secret"}, 401, ``, "does not accept the token", ErrUser},
		{"not allowed", Config{User: "bob", Password: "secret"}, 403, security, "does not allow this: action [indices:data/read/search] is unauthorized for user [bob]", ErrPermission},
		{"no index", Config{}, 404, `{"error": {"root_cause": [{"type": "index_not_found_exception", "reason": "no such index [logs]"}], "type": "index_not_found_exception", "reason": "no such index [logs]"}, "status": 404}`, "no such index [logs]; check the name", ErrNoIndex},
		{"too many clauses", Config{}, 400, `{"error": {"type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [{"type": "query_shard_exception", "reason": "failed to create query", "caused_by": {"type": "too_many_clauses", "reason": "maxClauseCount is set to 1024"}}]}}`, "than this one has (maxClauseCount is set to 1024); raise its setting indices.query.bool.max_clause_count", ErrClauses},
		{"busy", Config{}, 429, `{"error": {"type": "circuit_breaking_exception", "reason": "[parent] Data too large"}}`, "is too busy: [parent] Data too large", ErrBusy},
		{"a gateway", Config{}, 502, "<html>Bad\nGateway</html>", "failed with status 502: Bad Gateway", ErrServer},
		{"a text", Config{}, 500, `{"error": "it\nbroke"}`, "failed with status 500: it broke", ErrServer},
		{"too large", Config{}, 413, ``, "takes no request as large", ErrTooLarge},
		{"somewhere else", Config{}, 302, ``, "not the address of a cluster", ErrProduct},
		{"no JSON", Config{}, 200, `<html>`, "not understood", ErrAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy := servers.NewProxy(t, "", servers.ProxyOptions{Answer: func(*http.Request) (int, string) { return c.status, c.body }})
			c.config.Addresses, c.config.Wait = []string{proxy.URL}, noWait
			client, err := New(c.config)
			if err != nil {
				t.Fatal(err)
			}
			var out struct{}
			err = client.Do(t.Context(), Request{Path: "/x"}, &out)
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v with %q", err, c.kind, c.want)
			}
			oneLineOf(t, err)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestServersThatAreNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := listener.Addr().String() // accepts, and says nothing
	t.Cleanup(func() { _ = listener.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.Addr().String()
	_ = gone.Close()
	for _, c := range []struct {
		name, address, want string
		kind                error
	}{
		{"nobody listens", "http://bob:secret@" + nobody, "the connection was refused", ErrUnreachable},
		{"no such host", "http://bob:secret@no-such-host.invalid:9200", "", ErrUnreachable},
		{"no answer", "http://bob:secret@" + silent, "no answer in time", ErrTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := New(Config{Addresses: []string{c.address}, Timeout: 50 * time.Millisecond, Wait: noWait})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Info(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v with %q", err, c.kind, c.want)
			}
			oneLineOf(t, err)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestAGivenUpRequestIsTheCallersError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	proxy := servers.NewProxy(t, "", servers.ProxyOptions{Answer: func(*http.Request) (int, string) {
		cancel()
		return 503, ""
	}})
	client, err := New(Config{Addresses: []string{proxy.URL}, Wait: func(int) time.Duration { return time.Hour }})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Do(ctx, Request{Path: "/"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
