// Package remote is a client of Jupyter servers: files are put where their contents
// API keeps them, and cells run on their kernels.
//
// It asks over HTTP, and a kernel over a WebSocket. The token goes to the origin that
// the address names, in a header, and nowhere else: redirects are not followed, and
// errors do not hold it. What the server says is not trusted: answers are bounded. The
// package knows nothing of what notebooks and cells hold. Data flows: address and token
// → Server → files; a kernel's name → Kernel → jupyter.Client.
package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/huntbook/huntbook/internal/certificate"
	"github.com/huntbook/huntbook/jupyter"
)

// ErrToken is in the error of a server that does not let us in: the token is wrong, or
// there is none. ErrAddress is in the errors about addresses that can't be asked.
var (
	ErrToken   = errors.New("the token is not the one that the server wants")
	ErrAddress = errors.New("not an address of a Jupyter server")
)

const (
	// maxAnswer bounds what a server answers, maxFile a notebook that it sends.
	maxAnswer, maxFile = 8 << 20, 128 << 20
	// patience is how long an answer may take, patienceFile one about a file.
	patience, patienceFile = 30 * time.Second, 2 * time.Minute
)

// Config says which server is asked, and by whom.
type Config struct {
	// Address is that of the server or of one of its pages, as a browser shows it,
	// without the token; see Split.
	Address *url.URL
	Token   string // "" for a server that wants none
	Agent   string // the User-Agent
	// TLS says which certificates are trusted, nil for those of the system.
	TLS *tls.Config
}

// Split takes the token out of an address, as "jupyter server list" shows it.
func Split(address string) (*url.URL, string, error) {
	// The error of Parse would show the token.
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, "", fmt.Errorf("%w; it begins with http:// or https://, as http://localhost:8888/ does", ErrAddress)
	case u.User != nil:
		return nil, "", fmt.Errorf("%w: it holds a name or password, and Jupyter knows tokens alone", ErrAddress)
	}
	token := u.Query().Get("token")
	u.RawQuery, u.Fragment, u.RawPath, u.ForceQuery = "", "", "", false
	return u, token, nil
}

// Server is a Jupyter server that answers and lets us in. Its methods may be called at
// once.
type Server struct {
	base   url.URL // with a slash at its end
	token  string
	agent  string
	client *http.Client
	// xsrf is the secret that Jupyter wants in a cookie and in a header of those who
	// have no token.
	xsrf    string
	specs   []jupyter.Spec
	classic bool // Jupyter Notebook 6 or before, which has no JupyterLab
	folders folders
}

// Open finds the server behind an address, and asks for its kernels, which shows
// whether the token is good.
func Open(ctx context.Context, c Config) (*Server, error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	s := &Server{token: c.Token, agent: c.Agent, xsrf: hex.EncodeToString(random[:])}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = c.TLS
	s.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if err := s.find(ctx, c.Address); err != nil {
		return nil, err
	}
	var found struct {
		Kernelspecs map[string]struct {
			Name string
			Spec jupyter.Spec
		}
	}
	err := s.get(ctx, "api/kernelspecs", &found)
	var answer *answerError
	if errors.As(err, &answer) && (answer.status == http.StatusForbidden || answer.status == http.StatusUnauthorized) {
		if s.token != "" {
			return nil, tokenError{s.String() + " refuses the token"}
		}
		return nil, tokenError{s.String() + " wants a token"}
	}
	if err != nil {
		return nil, err
	}
	for name, k := range found.Kernelspecs {
		k.Spec.Name = name
		s.specs = append(s.specs, k.Spec)
	}
	return s, nil
}

// String is the server's address.
func (s *Server) String() string { return s.base.String() }

// Page is the address at which a browser shows a file or folder.
func (s *Server) Page(name string) string {
	if s.classic {
		return s.url("tree/" + name)
	}
	return s.url("lab/tree/" + name)
}

// Kernels are the kernels that the server has.
func (s *Server) Kernels() []jupyter.Spec { return s.specs }

// find finds the server's root: the address is it, or is one of a page below it.
func (s *Server) find(ctx context.Context, address *url.URL) error {
	roots := []string{strings.TrimSuffix(address.Path, "/") + "/"}
	for _, page := range []string{"/lab/", "/tree/", "/notebooks/", "/doc/"} {
		if root, _, ok := strings.Cut(roots[0], page); ok {
			roots = append(roots, root+"/")
		}
	}
	var first error
	for _, root := range roots {
		s.base = *address
		s.base.Path = root
		var about struct{ Version string }
		err := s.get(ctx, "api", &about)
		var answer *answerError
		switch {
		case err == nil && about.Version != "":
			// The versions of Jupyter Server, which is behind JupyterLab, begin anew.
			s.classic = strings.ContainsAny(about.Version[:1], "456")
			return nil
		case errors.Is(err, errUnreachable):
			return err // it would be the same for the others
		case err == nil:
			err = s.foreign("")
		case errors.As(err, &answer):
			err = s.foreign(fmt.Sprintf(" (%d %s)", answer.status, http.StatusText(answer.status)))
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// foreign is the error about a server that is none of Jupyter's.
func (s *Server) foreign(how string) error {
	return fmt.Errorf("%s answers, but not as a Jupyter server does%s", s, how)
}

func (s *Server) url(path string) string {
	u := s.base
	u.Path += path
	return u.String()
}

func (s *Server) get(ctx context.Context, path string, into any) error {
	return s.do(ctx, http.MethodGet, path, "", nil, into)
}

// do asks the server, and reads its answer into a value, nil to leave it.
func (s *Server) do(ctx context.Context, method, path, query string, body []byte, into any) error {
	wait, most := patience, int64(maxAnswer)
	if strings.HasPrefix(path, "api/contents/") {
		wait, most = patienceFile, maxFile
	}
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("no answer within %s", wait))
	defer cancel()
	u := s.base
	u.Path += path
	u.RawQuery = query
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = s.header()
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return s.unreachable(ctx, err)
	case int64(len(data)) > most:
		return fmt.Errorf("the answer of %s is larger than %d MB", s, most>>20)
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return &movedError{s.clean(answer.Header.Get("Location")), s.String()}
	case answer.StatusCode >= 400:
		var said struct{ Message, Reason string }
		_ = json.Unmarshal(data, &said)
		if said.Message == "" {
			said.Message = http.StatusText(answer.StatusCode)
		}
		return &answerError{answer.StatusCode, s.clean(said.Message)}
	case into == nil:
		return nil
	}
	if json.Unmarshal(data, into) != nil {
		return s.foreign("")
	}
	return nil
}

// header says who asks.
func (s *Server) header() http.Header {
	h := http.Header{"User-Agent": {s.agent}}
	if s.token != "" {
		h.Set("Authorization", "token "+s.token)
	} else {
		h.Set("Cookie", "_xsrf="+s.xsrf)
		h.Set("X-XSRFToken", s.xsrf)
	}
	return h
}

// clean makes a server's text fit for a line of ours.
func (s *Server) clean(text string) string {
	if s.token != "" {
		text = strings.ReplaceAll(text, s.token, "[token]")
	}
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

var errUnreachable = errors.New("can't be reached")

// unreachable says why there is no answer.
func (s *Server) unreachable(ctx context.Context, err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err // without the address, which we name
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if reason, untrusted := certificate.Reason(err); untrusted {
		err = errors.New(s.clean(reason))
	}
	return fmt.Errorf("%s %w: %w", s, errUnreachable, err)
}

// tokenError is an ErrToken.
type tokenError struct{ text string }

func (e tokenError) Error() string { return e.text }

func (tokenError) Is(target error) bool { return target == ErrToken }

// answerError is an answer that says no.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string {
	return fmt.Sprintf("the server answers %d: %s", e.status, e.text)
}

// movedError is an answer that names another place. It is not followed, so that the
// token goes nowhere else.
type movedError struct{ to, from string }

func (e *movedError) Error() string {
	return fmt.Sprintf("%s sends on to %q; give the address at which the server itself answers", e.from, e.to)
}
