package call

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

const (
	usePlaintext = "add --plaintext or use grpc://"
	useTLS       = "add --tls or use grpcs://"
)

// handshakeError words a TLS handshake that failed.
func (d *dialer) handshakeError(ctx context.Context, err error) error {
	a := d.target.Address
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) {
		what := "the server speaks plaintext"
		if strings.HasPrefix(string(notTLS.RecordHeader[:]), "HTTP/") {
			what = "the server speaks plaintext HTTP/1.1"
		}
		return d.fail(TLS, err, usePlaintext, "%s does not speak TLS: %s", a, what)
	}
	if e := d.ranOut(ctx, TLS, err, "did not finish the TLS handshake"); e != nil {
		return e
	}
	if e := d.certificateError(err); e != nil {
		return e
	}
	if e := d.alert(ctx, err); e != nil {
		return e
	}
	if closedByPeer(err) {
		if briefly(ctx, d.probePlaintext) {
			return d.fail(TLS, err, usePlaintext, "%s does not speak TLS: the server speaks plaintext", a)
		}
		return d.fail(TLS, err, "if it is a plaintext server, "+usePlaintext, "%s closed the connection during the TLS handshake", a)
	}
	return d.fail(TLS, err, "", "the TLS handshake with %s failed: %s", a, cause(err))
}

func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "forcibly closed")
}

// certificateError words a certificate that was refused here; nil if none was.
func (d *dialer) certificateError(err error) *DialError {
	var verify *tls.CertificateVerificationError
	if !errors.As(err, &verify) {
		return nil
	}
	e := d.badCertificate(err, verify)
	e.Detail = certificateOf(err)
	return e
}

func (d *dialer) badCertificate(err error, verify *tls.CertificateVerificationError) *DialError {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	a := d.target.Address
	switch {
	case errors.As(err, &name):
		return d.fail(TLS, err, "give the name it is for with --authority, or --insecure to skip the check",
			"the certificate of %s is not for %q but for %s", a, serverName(d.target), names(name.Certificate))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return d.fail(TLS, err, "renew it and check this machine's clock, or --insecure to skip the check",
			"the certificate of %s is valid from %s to %s, and now is not between", a, day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	case errors.As(err, &unknown):
		return d.fail(TLS, err, "give that authority's certificate with --cacert FILE, or --insecure to skip the check",
			"the certificate of %s is signed by an unknown authority", a)
	}
	return d.fail(TLS, err, "give the right authority with --cacert FILE, or --insecure to skip the check",
		"the certificate of %s is not accepted: %q", a, verify.Err.Error())
}

// certificateOf describes the server's certificate that an error refuses; empty
// if it refuses none.
func certificateOf(err error) string {
	var verify *tls.CertificateVerificationError
	if !errors.As(err, &verify) || len(verify.UnverifiedCertificates) == 0 {
		return ""
	}
	return describeCertificate(verify.UnverifiedCertificates[0])
}

// describeCertificate says whose a certificate is, who signed it and when it is
// valid. What a stranger wrote is quoted.
func describeCertificate(c *x509.Certificate) string {
	issuer := fmt.Sprintf("issued by %q", short(c.Issuer.String()))
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		issuer = "signed by itself"
	}
	return fmt.Sprintf("certificate of %q, %s, valid from %s to %s, for %s",
		short(c.Subject.String()), issuer, day(c.NotBefore), day(c.NotAfter), names(c))
}

// short bounds a distinguished name, which may have any length.
func short(s string) string { return s[:min(len(s), 200)] }

// handshakeDetail says what a handshake has settled, and the chain of certificates.
func handshakeDetail(s tls.ConnectionState, config *tls.Config) string {
	parts := []string{tls.VersionName(s.Version) + ", " + tls.CipherSuiteName(s.CipherSuite) + ", server name " + fmt.Sprintf("%q", short(config.ServerName))}
	if config.InsecureSkipVerify {
		parts[0] += ", certificate not verified"
	}
	const shown = 8
	for _, c := range s.PeerCertificates[:min(len(s.PeerCertificates), shown)] {
		parts = append(parts, describeCertificate(c))
	}
	return strings.Join(parts, "\n")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// names lists what a certificate is for, quoted because a stranger wrote it.
func names(c *x509.Certificate) string {
	const shown = 4
	var all []string
	for _, n := range c.DNSNames {
		all = append(all, fmt.Sprintf("%q", n))
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "no name at all"
	case len(all) > shown:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:shown], ", "), len(all)-shown)
	}
	return strings.Join(all, ", ")
}

// alert words a TLS alert that the server sent; nil if it sent none.
func (d *dialer) alert(ctx context.Context, err error) *DialError {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return nil
	}
	text := strings.TrimPrefix(op.Err.Error(), "tls: ")
	a := d.target.Address
	switch {
	case strings.Contains(text, "application protocol"):
		return d.noHTTP2(ctx)
	case strings.Contains(text, "certificate required"), text == "bad certificate" && d.target.TLS.Cert == "":
		return d.fail(TLS, err, "give one with --cert FILE --key FILE", "%s asks for a client certificate", a)
	case strings.Contains(text, "certificate"), strings.Contains(text, "unknown authority"):
		return d.fail(TLS, err, "is --cert signed by the authority that the server trusts?", "%s refused the client certificate: %s", a, text)
	case strings.Contains(text, "protocol version"):
		return d.fail(TLS, err, "", "%s speaks neither TLS 1.2 nor TLS 1.3", a)
	case strings.Contains(text, "unrecognized name"):
		return d.fail(TLS, err, "give the name it is for with --authority", "%s does not serve the name %q", a, serverName(d.target))
	}
	return d.fail(TLS, err, "", "%s ended the TLS handshake with an alert: %s", a, text)
}
