package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// identity is a certificate with its key.
type identity struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue signs a certificate with ca, or with itself if ca is nil.
func issue(name string, ca *identity) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA: ca == nil, BasicConstraintsValid: true,
	}
	parent, signer := tmpl, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &identity{cert, key}, err
}

func (id *identity) pair() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{id.cert.Raw}, PrivateKey: id.key}
}

// write saves the certificate, and the key if a name for it is given.
func (id *identity) write(dir, certName, keyName string) error {
	if err := writePEM(filepath.Join(dir, certName), "CERTIFICATE", id.cert.Raw); err != nil || keyName == "" {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, keyName), "PRIVATE KEY", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// serverTLS makes an authority of its own for each server and writes into o.Dir
// what a client needs.
func serverTLS(o Options) (*tls.Config, error) {
	if o.Dir == "" {
		return nil, fmt.Errorf("start TLS test server: no folder given for ca.pem")
	}
	ca, err := issue("test authority", nil)
	if err != nil {
		return nil, err
	}
	server, err := issue("test server", ca)
	if err != nil {
		return nil, err
	}
	if err := ca.write(o.Dir, "ca.pem", ""); err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{server.pair()}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	if !o.Mutual {
		return config, nil
	}
	client, err := issue("test client", ca)
	if err != nil {
		return nil, err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.ClientCAs = x509.NewCertPool()
	config.ClientCAs.AddCert(ca.cert)
	return config, client.write(o.Dir, "client.pem", "client-key.pem")
}
