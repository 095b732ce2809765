package elastic

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/huntbook/huntbook/internal/certificate"
)

// The kinds of an Error, for errors.Is.
var (
	ErrUnreachable = errors.New("unreachable")
	ErrTimeout     = errors.New("no answer in time")
	ErrCertificate = errors.New("certificate")
	ErrUser        = errors.New("not signed in") // 401
	ErrPermission  = errors.New("not allowed")   // 403
	ErrNoIndex     = errors.New("no such index")
	ErrBusy        = errors.New("busy")      // 429, a circuit breaker
	ErrTooLarge    = errors.New("too large") // 413
	ErrRequest     = errors.New("refused")   // the request is wrong
	ErrClauses     = errors.New("too long")  // a query of too many clauses
	ErrServer      = errors.New("failed")    // 5xx
	ErrProduct     = errors.New("not a known cluster")
	ErrAnswer      = errors.New("not understood")
)

// Error is a request that failed. Its text is one line and names the server.
type Error struct {
	Server string
	// Kind is one of the errors above, Status the answer's, 0 when none came.
	Kind   error
	Status int
	// Type is the cluster's name of the failure ("too_many_clauses"), "" when it
	// gave none; Reason is what happened and what to do.
	Type, Reason string

	cause error
}

func (e *Error) Error() string { return e.Server + ": " + e.Reason }

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

func isUnknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// isPlain tells that the server spoke plain HTTP to a client of TLS.
func isPlain(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// connectionError says why no answer came.
func (c *Client) connectionError(err error) *Error {
	e := &Error{Server: c.name, Kind: ErrUnreachable, cause: err}
	reason, untrusted := certificate.Reason(err)
	switch {
	case untrusted:
		e.Kind, e.Reason = ErrCertificate, oneLine(reason)
	case isPlain(err):
		e.Reason = "speaks plain HTTP, no TLS; write the address with http://"
	case isTimeout(err):
		e.Kind, e.Reason = ErrTimeout, "gave no answer in time; it may be overloaded, or the address is wrong"
	case isUnknownHost(err):
		e.Reason = "there is no host of this name; check the address"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Reason = "the connection was refused; check the address, and whether the server runs"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "the connection was closed without an answer"
		if strings.HasPrefix(c.name, "http:") {
			e.Reason += "; if the server wants TLS, write the address with https://"
		}
	default:
		e.Reason = "can't be reached: " + oneLine(err.Error())
	}
	return e
}

// failure is the body of an error of both products.
type failure struct {
	Error errorBody `json:"error"`
}

// errorBody is an object, or a text from what stands before the cluster.
type errorBody struct {
	Type      string      `json:"type"`
	Reason    string      `json:"reason"`
	RootCause []errorBody `json:"root_cause"`
	CausedBy  *errorBody  `json:"caused_by"`
	// FailedShards say what the shards of a search say.
	FailedShards []struct {
		Reason errorBody `json:"reason"`
	} `json:"failed_shards"`
}

func (b *errorBody) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &b.Reason)
	}
	type plain errorBody
	return json.Unmarshal(data, (*plain)(b))
}

// deepest is the failure behind the ones that only say that there was one.
func (b *errorBody) deepest() errorBody {
	out := *b
	if len(b.FailedShards) > 0 {
		out = b.FailedShards[0].Reason
	} else if len(b.RootCause) > 0 {
		out = b.RootCause[0]
	}
	for out.CausedBy != nil {
		out = *out.CausedBy
	}
	if out.Reason == "" {
		out.Reason = b.Reason
	}
	if out.Type == "" {
		out.Type = b.Type
	}
	return out
}

// statusError says what an answer's status and body mean.
func (c *Client) statusError(resp *http.Response, body []byte) *Error {
	if resp.StatusCode == http.StatusBadRequest && bytes.Contains(body, []byte("HTTPS")) && strings.HasPrefix(c.name, "http:") {
		return &Error{Server: c.name, Kind: ErrUnreachable, Status: resp.StatusCode, Reason: "wants TLS; write the address with https://"}
	}
	var f failure
	if json.Unmarshal(body, &f) != nil || f.Error.Type == "" && f.Error.Reason == "" {
		f.Error.Reason = http.StatusText(resp.StatusCode)
	}
	return c.failed(resp.StatusCode, f.Error)
}

// failed is the Error for a failure that a cluster reports, of a request or of a
// part of one.
func (c *Client) failed(status int, b errorBody) *Error {
	deep := b.deepest()
	reason := oneLine(deep.Reason)
	e := &Error{Server: c.name, Status: status, Type: deep.Type, Kind: ErrRequest}
	switch {
	case status == http.StatusUnauthorized:
		e.Kind = ErrUser
		e.Reason = "does not accept the user or password"
		switch {
		case c.auth == "":
			e.Reason = "wants to know who asks; give a user and password, an API key or a token"
		case strings.HasPrefix(c.auth, "ApiKey"):
			e.Reason = "does not accept the API key"
		case strings.HasPrefix(c.auth, "Bearer"):
			e.Reason = "does not accept the token"
		}
	case status == http.StatusForbidden:
		e.Kind, e.Reason = ErrPermission, "does not allow this: "+reason
	case deep.Type == "index_not_found_exception" || b.Type == "index_not_found_exception":
		e.Kind, e.Reason = ErrNoIndex, reason+"; check the name of the index"
	case status == http.StatusTooManyRequests || deep.Type == "circuit_breaking_exception" || deep.Type == "es_rejected_execution_exception":
		e.Kind, e.Reason = ErrBusy, "is too busy: "+reason
	case status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Reason = ErrTooLarge, "takes no request as large as this one"
	case status >= http.StatusInternalServerError:
		e.Kind, e.Reason = ErrServer, fmt.Sprintf("failed with status %d: %s", status, reason)
	case deep.Type == "too_many_clauses" || deep.Type == "too_many_nested_clauses":
		e.Kind = ErrClauses
		e.Reason = "allows fewer clauses in a query than this one has (" + reason + "); raise its setting indices.query.bool.max_clause_count, or name indices that have fewer fields"
	case status < 400 && status >= 300:
		e.Kind, e.Reason = ErrProduct, "sends somewhere else; this is not the address of a cluster"
	default:
		e.Reason = fmt.Sprintf("refuses the request with status %d: %s", status, reason)
	}
	return e
}

// oneLine makes a message of others a line of bounded length.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
