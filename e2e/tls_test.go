//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTLSAsGrpcurl calls the interop server over TLS, with the ways to trust it.
func TestTLSAsGrpcurl(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, "peer.test", "127.0.0.1")
	addr := startPeer(t, "interop", "-use_tls", "-tls_cert_file", cert, "-tls_key_file", key)
	const operation, data = interopService + "UnaryCall", `{"responseSize":3}`
	for name, c := range map[string]struct {
		theirs, ours []string
		fails        bool
	}{
		"trusted":     {theirs: []string{"-cacert", cert}, ours: []string{"--tls", "--cacert", cert}},
		"by name":     {theirs: []string{"-cacert", cert, "-authority", "peer.test"}, ours: []string{"--tls", "--cacert", cert, "--authority", "peer.test"}},
		"not checked": {theirs: []string{"-insecure"}, ours: []string{"--insecure"}},
		"wrong name": {
			theirs: []string{"-cacert", cert, "-authority", "other.test"}, fails: true,
			ours: []string{"--tls", "--cacert", cert, "--authority", "other.test"},
		},
		"not trusted": {ours: []string{"--tls"}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := run(t, peer(t, "grpcurl"), append(c.theirs, "-d", data, addr, operation)...)
			ours := run(t, wiregloss, append(append([]string{"call"}, c.ours...), "-d", data, addr, operation)...)
			if c.fails {
				const tls = 22
				if theirs.code == 0 || ours.code != tls {
					t.Errorf("exit codes: grpcurl %d, want a failure; wiregloss %d, want %d\n%s", theirs.code, ours.code, tls, ours.stderr)
				}
				return
			}
			if theirs.code != 0 || ours.code != 0 {
				t.Fatalf("exit codes: grpcurl %d, wiregloss %d\n%s\n%s", theirs.code, ours.code, theirs.stderr, ours.stderr)
			}
			sameValues(t, ours.stdout, theirs.stdout)
		})
	}
}

// certificate writes a certificate that vouches for itself, and its key.
func certificate(t *testing.T, name, ip string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "cert.pem", "CERTIFICATE", der), writePEM(t, "key.pem", "PRIVATE KEY", keyDER)
}

func writePEM(t *testing.T, file, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
