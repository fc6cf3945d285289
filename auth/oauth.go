package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/wiregloss/wiregloss/exchange"
)

// Style is how the client names itself to a token server (RFC 6749 §2.3.1).
type Style uint8

// The styles. TryBoth asks with the header first, as the RFC prefers, and with the
// body if that is refused.
const (
	TryBoth Style = iota
	InHeader
	InBody
)

// ClientCredentials are what the OAuth2 client credentials grant (RFC 6749 §4.4)
// needs.
type ClientCredentials struct {
	TokenURL string
	ID       string
	Secret   Secret
	Scopes   []string
	Params   url.Values // more parameters of the request, such as audience
	Style    Style
	// Client sends the request, for its TLS settings and proxy; nil is a client with
	// the system's. Its redirects are not followed in either case: they would carry
	// the secret to another place.
	Client *http.Client
	// Timeout is how long one request for a token may take; 0 is 30 s.
	Timeout time.Duration
	// Plaintext allows an http:// URL whose host is not this machine.
	Plaintext bool
}

// OAuth2 is a source that gets tokens from a server and keeps each until shortly
// before it expires, in memory only.
type OAuth2 struct {
	o      ClientCredentials
	client *http.Client
	// turn holds the token. Who takes it out may fetch another, and others wait for
	// it as long as their own contexts allow.
	turn chan *oauth2.Token
}

// NewOAuth2 checks what can be checked without asking the server.
func NewOAuth2(o ClientCredentials) (*OAuth2, error) {
	u, err := url.Parse(o.TokenURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("oauth2: the token URL is not one: write https://host/path")
	case u.User != nil:
		return nil, errors.New("oauth2: the token URL holds a password: give it as client id and secret")
	case u.Scheme == "http" && !o.Plaintext && !loopback(u.Hostname()):
		return nil, fmt.Errorf("oauth2: http://%s would send the client secret unencrypted: use https, or allow plaintext", u.Host)
	case o.ID == "":
		return nil, errors.New("oauth2: the client id is missing")
	}
	if o.Timeout <= 0 {
		o.Timeout = commandTimeout
	}
	client := &http.Client{}
	if o.Client != nil {
		copied := *o.Client
		client = &copied
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &OAuth2{o: o, client: client, turn: make(chan *oauth2.Token, 1)}
	s.turn <- nil
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Header returns a token that is still valid, asking for a new one if there is
// none.
func (s *OAuth2) Header(ctx context.Context) (exchange.Header, error) {
	var token *oauth2.Token
	select {
	case token = <-s.turn:
	case <-ctx.Done():
		return exchange.Header{}, fmt.Errorf("oauth2: wait for a token: %w", ctx.Err())
	}
	defer func() { s.turn <- token }()
	if !token.Valid() {
		fresh, err := s.fetch(ctx)
		if err != nil {
			return exchange.Header{}, err
		}
		token = fresh
	}
	return tokenHeader(token)
}

// Forget drops the token, so that the next Header asks for a new one. It is for a
// caller whom a server has told that the token is not valid.
func (s *OAuth2) Forget() {
	<-s.turn
	s.turn <- nil
}

// tokenHeader makes the header of a token by its type (RFC 6749 §7.1).
func tokenHeader(token *oauth2.Token) (exchange.Header, error) {
	if err := checkToken(token.AccessToken); err != nil {
		return exchange.Header{}, fmt.Errorf("oauth2: the token that the server gave: %w", err)
	}
	kind := token.Type()
	if checkToken(kind) != nil {
		return exchange.Header{}, fmt.Errorf("oauth2: the token's type is %q, which is no scheme of authorization", printable(kind))
	}
	return exchange.Header{Name: headerName, Value: kind + " " + token.AccessToken}, nil
}

func (s *OAuth2) fetch(ctx context.Context) (*oauth2.Token, error) {
	secret, err := s.o.Secret.read()
	if err != nil {
		return nil, fmt.Errorf("oauth2 client secret: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	conf := clientcredentials.Config{
		ClientID: s.o.ID, ClientSecret: secret, TokenURL: s.o.TokenURL,
		Scopes: s.o.Scopes, EndpointParams: s.o.Params, AuthStyle: style(s.o.Style),
	}
	token, err := conf.Token(context.WithValue(limited, oauth2.HTTPClient, s.client))
	switch {
	case err == nil:
		return token, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return nil, fmt.Errorf("oauth2 token from %s: no answer in %v", s.host(), s.o.Timeout)
	}
	return nil, fmt.Errorf("oauth2 token from %s: %w", s.host(), s.explain(err, secret))
}

func style(s Style) oauth2.AuthStyle {
	switch s {
	case InHeader:
		return oauth2.AuthStyleInHeader
	case InBody:
		return oauth2.AuthStyleInParams
	case TryBoth:
	}
	return oauth2.AuthStyleAutoDetect
}

// host names the server in messages: a token URL's query may hold a key.
func (s *OAuth2) host() string {
	u, err := url.Parse(s.o.TokenURL)
	if err != nil {
		return "the token server"
	}
	return u.Host
}

// explain words what went wrong. The library would print the whole answer, which
// may repeat what it was asked with.
func (s *OAuth2) explain(err error, secret string) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		return errors.New(s.refusal(answer, secret))
	}
	var sent *url.Error
	if errors.As(err, &sent) {
		return sent.Err // without the URL
	}
	text := s.clean(strings.TrimPrefix(err.Error(), "oauth2: "), secret)
	return fmt.Errorf("%s; is this the URL of the token endpoint?", text)
}

// refusal words the server's answer, with the errors of RFC 6749 §5.2.
func (s *OAuth2) refusal(answer *oauth2.RetrieveError, secret string) string {
	status := answer.Response.Status
	code := answer.ErrorCode
	text := printable(status)
	if code != "" {
		text += ": " + s.clean(code, secret)
	}
	if answer.ErrorDescription != "" {
		text += ": " + s.clean(answer.ErrorDescription, secret)
	}
	switch status := answer.Response.StatusCode; {
	case code == "invalid_client" || code == "" && status == http.StatusUnauthorized:
		text += "; check the client id and secret, and whether the server wants them in the header or in the body"
	case code == "invalid_scope":
		text += "; check the scopes"
	case code == "unauthorized_client" || code == "unsupported_grant_type":
		text += "; the server does not let this client use the client credentials grant"
	case status >= 300 && status < 400:
		text += "; it redirects, which is not followed because the secret would go along: give the final URL"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		text += "; check the path of the token URL"
	}
	return text
}

// clean makes a server's words fit for an error: short, printable, and without the
// secret in any of the forms in which it was sent.
func (s *OAuth2) clean(text, secret string) string {
	const most = 300
	escaped := url.QueryEscape(secret)
	pair := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(s.o.ID) + ":" + escaped))
	for _, form := range []string{pair, secret, escaped} {
		if form != "" {
			text = strings.ReplaceAll(text, form, "(secret)")
		}
	}
	if len(text) > most {
		text = text[:most] + "…"
	}
	return printable(strings.ToValidUTF8(text, "\ufffd"))
}
