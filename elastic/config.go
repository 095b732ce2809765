package elastic

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/huntbook/huntbook/internal/certificate"
)

// Config says where a cluster is and who asks.
type Config struct {
	// Addresses are the URLs of its nodes; the first one names it in messages.
	// CloudID takes their place.
	Addresses []string
	CloudID   string

	// One of these, or none: a user and password, an API key (as the cluster gave
	// it: encoded, or "id:key"), or a bearer token. A user and password in an
	// address count where none is given here.
	User, Password string
	APIKey         string
	Token          string

	// CAFile has the certificates (PEM) of the authorities to trust instead of
	// the system's. Fingerprint is the SHA-256 of the server's certificate or of
	// an authority that it sends along; it takes the place of the server's name.
	CAFile, Fingerprint string
	// CertFile and KeyFile (PEM) are this client's own certificate.
	CertFile, KeyFile string

	// Timeout is how long to wait for an answer to begin, 0 for two minutes.
	Timeout time.Duration
	// Rate is the greatest number of requests a second, 0 for no bound; searches
	// that are sent together count each.
	Rate float64
	// Retries is how often a request is repeated, 0 for 8 times (about a minute)
	// and less than 0 for never; Wait is the pause before the n-th, from 1.
	Retries int
	Wait    func(n int) time.Duration
	// Agent is how the client names itself.
	Agent string
}

// defaultRetries with the pauses of backoff is about a minute.
const defaultRetries = 8

// ErrConfig is wrapped by errors about a Config.
var ErrConfig = errors.New("can't connect")

func configError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrConfig, fmt.Errorf(format, args...))
}

func (c *Config) every() time.Duration {
	if c.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / c.Rate)
}

// resolve gives the addresses, without users, and the Authorization header.
func (c *Config) resolve() ([]*url.URL, string, error) {
	addresses := c.Addresses
	if c.CloudID != "" {
		if len(addresses) > 0 {
			return nil, "", configError("give a cloud id or addresses, not both")
		}
		address, err := cloudAddress(c.CloudID)
		if err != nil {
			return nil, "", err
		}
		addresses = []string{address}
	}
	if len(addresses) == 0 {
		return nil, "", configError("there is no address")
	}
	user, password := c.User, c.Password
	urls := make([]*url.URL, len(addresses))
	for i, a := range addresses {
		u, info, err := address(a)
		if err != nil {
			return nil, "", err
		}
		if info != nil && c.User == "" && c.APIKey == "" && c.Token == "" {
			user = info.Username()
			password, _ = info.Password()
		}
		urls[i] = u
	}
	auth, err := c.authorization(user, password)
	return urls, auth, err
}

// address reads a URL and takes user and password out of it. Its errors do not show
// them.
func address(text string) (*url.URL, *url.Userinfo, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, nil, configError("%q is no address of a cluster; write for example https://127.0.0.1:9200", Redact(text))
	}
	info := u.User
	out := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	return out, info, nil
}

// Redact takes user and password out of an address, for messages and files, even
// where it is no URL.
func Redact(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	}
	authority, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	} else if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		// A password may have a slash that should have been escaped.
		authority, path, slash = strings.Cut(rest[at+1:], "/")
	}
	if ok {
		authority = scheme + "://" + authority
	}
	if slash {
		authority += "/" + path
	}
	return authority
}

// HasPassword tells whether an address holds a password.
func HasPassword(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return has
}

// cloudAddress reads a cloud id: a name, and in base64 the host and the name of the
// cluster there.
func cloudAddress(id string) (string, error) {
	_, encoded, ok := strings.Cut(id, ":")
	if !ok {
		encoded = id
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	parts := strings.Split(string(text), "$")
	if err != nil || len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return "", configError("the cloud id is none; copy it from the page of the deployment (name:dXMt…)")
	}
	host, port, ok := strings.Cut(parts[0], ":")
	if !ok {
		port = "443"
	}
	return "https://" + parts[1] + "." + host + ":" + port, nil
}

func (c *Config) authorization(user, password string) (string, error) {
	given := 0
	for _, s := range []string{c.User, c.APIKey, c.Token} {
		if s != "" {
			given++
		}
	}
	if given > 1 {
		return "", configError("give one of user, API key and token")
	}
	switch {
	case c.APIKey != "":
		key := c.APIKey
		if strings.Contains(key, ":") {
			key = base64.StdEncoding.EncodeToString([]byte(key))
		}
		return header("ApiKey ", key, "API key")
	case c.Token != "":
		return header("Bearer ", c.Token, "token")
	case user != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
	}
	return "", nil
}

// header makes a header of a secret, and does not show it.
func header(kind, secret, what string) (string, error) {
	for _, r := range secret {
		if r <= ' ' || r > '~' {
			return "", configError("the %s holds spaces or characters that no %s has", what, what)
		}
	}
	return kind + secret, nil
}

func (c *Config) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.ResponseHeaderTimeout = c.Timeout
	if c.Timeout <= 0 {
		t.ResponseHeaderTimeout = 2 * time.Minute
	}
	conf, err := certificate.Config(c.CAFile, c.Fingerprint)
	if err != nil {
		return nil, configError("%w", err)
	}
	t.TLSClientConfig = conf
	if c.CertFile != "" || c.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, configError("the client's certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
