package elastic

import (
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huntbook/huntbook/internal/servers"
)

const rootAnswer = `{"version": {"number": "8.19.1"}, "tagline": "You Know, for Search"}`

func root200(*http.Request) (int, string) { return 200, rootAnswer }

func TestTLS(t *testing.T) {
	authority, stranger := servers.NewAuthority(t), servers.NewAuthority(t)
	valid := authority.Issue(time.Now().Add(time.Hour), "127.0.0.1")
	expired := authority.Issue(time.Now().Add(-time.Minute), "127.0.0.1")
	future := authority.Issue(time.Now().Add(48*time.Hour), "127.0.0.1")
	elsewhere := authority.Issue(time.Now().Add(time.Hour), "es.example.org")
	client := authority.Issue(time.Now().Add(time.Hour))
	// A stranger's certificate that comes with the authority's is not issued by it.
	forged := stranger.Issue(time.Now().Add(time.Hour), "127.0.0.1")
	forged.Certificate.Certificate[1] = valid.Certificate.Certificate[1]

	serve := func(c servers.Issued) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c.Certificate}} }
	asking := serve(valid)
	asking.ClientAuth, asking.ClientCAs = tls.RequireAndVerifyClientCert, authority.Pool

	for _, c := range []struct {
		name   string
		server *tls.Config
		config Config
		want   string // in the error, "" for none
		kind   error
	}{
		{"the CA's file", serve(valid), Config{CAFile: authority.File}, "", nil},
		{"the server's fingerprint", serve(valid), Config{Fingerprint: valid.Fingerprint}, "", nil},
		{"a fingerprint as people write it", serve(valid), Config{Fingerprint: colons(valid.Fingerprint)}, "", nil},
		{"the authority's fingerprint", serve(valid), Config{Fingerprint: authority.Fingerprint}, "", nil},
		{"another name, known by the fingerprint", serve(elsewhere), Config{Fingerprint: elsewhere.Fingerprint}, "", nil},
		{"a client's certificate", asking, Config{CAFile: authority.File, CertFile: client.CertFile, KeyFile: client.KeyFile}, "", nil},
		{"no client's certificate", asking, Config{CAFile: authority.File}, "refused this client's certificate, or wants one", ErrCertificate},
		{"an unknown authority", serve(valid), Config{}, "an authority that is not known here; give the authority's certificate, or the fingerprint (the server's is " + valid.Fingerprint, ErrCertificate},
		{"another authority", serve(valid), Config{CAFile: stranger.File}, "an authority that is not known here", ErrCertificate},
		{"expired", serve(expired), Config{CAFile: authority.File}, "its certificate expired on " + time.Now().Add(-time.Minute).UTC().Format(time.DateOnly), ErrCertificate},
		{"expired, known by the fingerprint", serve(expired), Config{Fingerprint: expired.Fingerprint}, "its certificate expired on", ErrCertificate},
		{"not yet valid", serve(future), Config{CAFile: authority.File}, "valid only from", ErrCertificate},
		{"another name", serve(elsewhere), Config{CAFile: authority.File}, "for another name", ErrCertificate},
		{"another fingerprint", serve(valid), Config{Fingerprint: client.Fingerprint}, "no certificate of the server has the fingerprint", ErrCertificate},
		{"forged", serve(forged), Config{Fingerprint: authority.Fingerprint}, "an authority that is not known here", ErrCertificate},
		{"no TLS", nil, Config{CAFile: authority.File}, "write the address with http://", ErrUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy := servers.NewProxy(t, "", servers.ProxyOptions{TLS: c.server, Answer: root200})
			c.config.Addresses = []string{strings.Replace(proxy.URL, "http:", "https:", 1)}
			c.config.Wait = noWait
			client, err := New(c.config)
			if err != nil {
				t.Fatal(err)
			}
			// Requests that would be repeated tell of it at once, too.
			err = client.Do(t.Context(), Request{Path: "/"}, nil)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v with %q", err, c.kind, c.want)
			}
			oneLineOf(t, err)
		})
	}
}

func noWait(int) time.Duration { return 0 }

func colons(hex string) string {
	var parts []string
	for i := 0; i < len(hex); i += 2 {
		parts = append(parts, strings.ToUpper(hex[i:i+2]))
	}
	return strings.Join(parts, ":")
}

func oneLineOf(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); strings.ContainsAny(text, "\n\r") || !strings.HasPrefix(text, "http") {
		t.Errorf("%q is not one line that names the server", text)
	}
}

func TestSpeakingPlainToTLS(t *testing.T) {
	authority := servers.NewAuthority(t)
	proxy := servers.NewProxy(t, "", servers.ProxyOptions{TLS: &tls.Config{Certificates: []tls.Certificate{authority.Issue(time.Now().Add(time.Hour), "127.0.0.1").Certificate}}, Answer: root200})
	client, err := New(Config{Addresses: []string{strings.Replace(proxy.URL, "https:", "http:", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Info(t.Context())
	if err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("error %v, want one with https://", err)
	}
}
