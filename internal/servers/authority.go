package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority issues certificates for a test.
type Authority struct {
	// File has its certificate, Fingerprint is its SHA-256 in hex.
	File, Fingerprint string
	// Pool trusts it.
	Pool *x509.CertPool

	t      testing.TB
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	serial int64
}

// NewAuthority makes an authority whose files end with the test.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, Pool: x509.NewCertPool()}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "huntbook test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	a.check(err)
	a.cert, err = x509.ParseCertificate(raw)
	a.check(err)
	a.Pool.AddCert(a.cert)
	a.File = a.write("CERTIFICATE", raw)
	a.Fingerprint = fingerprint(raw)
	return a
}

// Issued is a certificate with its key.
type Issued struct {
	tls.Certificate
	CertFile, KeyFile, Fingerprint string
}

// Issue makes a certificate for names (hosts or addresses) that ends at a time. A
// server sends the authority's along.
func (a *Authority) Issue(end time.Time, names ...string) Issued {
	a.t.Helper()
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1 + a.serial), Subject: pkix.Name{CommonName: "huntbook test"},
		NotBefore: end.Add(-24 * time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	key := a.newKey()
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	a.check(err)
	keyRaw, err := x509.MarshalECPrivateKey(key)
	a.check(err)
	return Issued{
		Certificate: tls.Certificate{Certificate: [][]byte{raw, a.cert.Raw}, PrivateKey: key},
		CertFile:    a.write("CERTIFICATE", raw), KeyFile: a.write("EC PRIVATE KEY", keyRaw), Fingerprint: fingerprint(raw),
	}
}

func fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check(err)
	return key
}

func (a *Authority) write(kind string, raw []byte) string {
	path := filepath.Join(a.t.TempDir(), "file.pem")
	a.check(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600))
	return path
}

func (a *Authority) check(err error) {
	if err != nil {
		a.t.Helper()
		a.t.Fatal(err)
	}
}
