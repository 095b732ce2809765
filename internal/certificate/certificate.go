// Package certificate says which servers are trusted by their certificates: those of an
// authority that is in a file, or the one with a fingerprint. It knows nothing of what
// servers are asked. Data flows: file, fingerprint → tls.Config; an error of a
// connection → what is wrong with the certificate, and what to do.
package certificate

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Config trusts the authorities whose certificates (PEM) are in a file instead of the
// system's, and, given a SHA-256, the server whose certificate, or that of an authority
// which it sends along, has it; the server's name does not count then. Both may be "".
func Config(caFile, fingerprint string) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("the CA's certificate: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
		}
	}
	if fingerprint != "" {
		want, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(fingerprint))
		if err != nil || len(want) != sha256.Size {
			return nil, fmt.Errorf("the fingerprint %q is no SHA-256: 64 hexadecimal digits", fingerprint)
		}
		// Go's own check is by name; VerifyConnection takes its place.
		conf.InsecureSkipVerify = true
		conf.VerifyConnection = func(s tls.ConnectionState) error { return verifyPinned(s.PeerCertificates, want) }
	}
	return conf, nil
}

// errFingerprint tells that no certificate of the server has the fingerprint.
var errFingerprint = errors.New("no certificate of the server has the fingerprint that was given")

// verifyPinned checks that the server's certificate is the one with the fingerprint,
// or was issued by it, and is valid today. That a server sends along the
// certificate of an authority proves nothing by itself.
func verifyPinned(chain []*x509.Certificate, want []byte) error {
	options := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	found := false
	for _, c := range chain {
		if sum := sha256.Sum256(c.Raw); bytes.Equal(sum[:], want) {
			options.Roots.AddCert(c)
			found = true
		} else {
			options.Intermediates.AddCert(c)
		}
	}
	if !found {
		return errFingerprint
	}
	_, err := chain[0].Verify(options)
	return err
}

// Reason says what is wrong with a certificate, and what to do, where that is why a
// connection failed. It may hold text of the server's.
func Reason(err error) (string, bool) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var ended *net.OpError
	switch {
	case errors.Is(err, errFingerprint):
		return errFingerprint.Error() + "; compare it with the server's", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		now, c := time.Now(), invalid.Cert
		if now.Before(c.NotBefore) {
			return "its certificate is valid only from " + c.NotBefore.UTC().Format(time.DateOnly) + " on; check this machine's clock", true
		}
		return "its certificate expired on " + c.NotAfter.UTC().Format(time.DateOnly) + "; it must be renewed", true
	case errors.As(err, &name):
		return "its certificate is for another name: " + name.Error(), true
	case errors.As(err, &unknown):
		reason := "its certificate comes from an authority that is not known here; give the authority's certificate, or the fingerprint"
		if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 {
			sum := sha256.Sum256(verify.UnverifiedCertificates[0].Raw)
			reason += " (the server's is " + hex.EncodeToString(sum[:]) + ": compare it with what its owner says)"
		}
		return reason, true
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "its certificate can't be accepted: " + err.Error(), true
	case errors.As(err, &ended) && ended.Op == "remote error":
		return "refused this client's certificate, or wants one (" + err.Error() + ")", true
	}
	return "", false
}
