package call

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// tlsConfig returns nil for plaintext.
func tlsConfig(t exchange.Target) (*tls.Config, error) {
	if !t.TLS.On {
		return nil, nil
	}
	config := &tls.Config{
		ServerName:         serverName(t),
		NextProtos:         []string{"h2"}, // RFC 9113 §3.2
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: t.TLS.Insecure,
	}
	var err error
	if t.TLS.CACert != "" {
		if config.RootCAs, err = roots(t.TLS.CACert); err != nil {
			return nil, fileError(t, "read the CA certificate", err)
		}
	}
	switch {
	case t.TLS.Cert != "" && t.TLS.Key != "":
		pair, err := tls.LoadX509KeyPair(t.TLS.Cert, t.TLS.Key)
		if err != nil {
			return nil, fileError(t, "read the client certificate", err)
		}
		config.Certificates = []tls.Certificate{pair}
	case t.TLS.Cert != "" || t.TLS.Key != "":
		return nil, fileError(t, "read the client certificate", errors.New("--cert and --key go together"))
	}
	return config, nil
}

func fileError(t exchange.Target, act string, err error) error {
	return &DialError{Step: TLS, Stage: StageTLS, Address: t.Address, Text: act + ": " + err.Error(), Err: err}
}

func roots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no PEM certificate in %s", file)
	}
	return pool, nil
}

// serverName is the name that the certificate must be for, and which is sent as
// SNI: the one given, else the authority's host.
func serverName(t exchange.Target) string {
	name := cmp.Or(t.TLS.ServerName, authority(t))
	if host, _, err := net.SplitHostPort(name); err == nil {
		return host
	}
	return name
}

// logKeys makes a handshake add its secrets to the file that SSLKEYLOGFILE names,
// in the format of draft-ietf-tls-keylogfile, as browsers and curl do. done
// closes the file; a handshake is all that writes to it.
func logKeys(config *tls.Config) (done func(), err error) {
	name := os.Getenv("SSLKEYLOGFILE")
	if name == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	config.KeyLogWriter = f
	return func() { _ = f.Close() }, nil // each line was written by itself
}

func tlsFacts(s tls.ConnectionState, config *tls.Config) *record.TLS {
	facts := &record.TLS{
		Version:     tls.VersionName(s.Version),
		CipherSuite: tls.CipherSuiteName(s.CipherSuite),
		ServerName:  config.ServerName,
		ALPN:        s.NegotiatedProtocol,
		Verified:    !config.InsecureSkipVerify,
	}
	for _, c := range s.PeerCertificates {
		facts.Chain = append(facts.Chain, c.Raw)
	}
	return facts
}
