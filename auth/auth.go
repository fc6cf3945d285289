// Package auth gives the credential of a call: where it comes from (a literal, a
// file, the environment, an OAuth2 server, a command) and the header that it
// becomes. It does not send calls, and it does not store credentials: what it
// keeps is in memory. Its errors say what to do and never hold a secret.
//
//	source := auth.Bearer(auth.FromEnv("TOKEN"))
//	header, err := source.Header(ctx)
package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/exchange"
)

// Source gives the header that authenticates a call. It may wait for a server or a
// command as long as ctx allows, and may be asked by several goroutines at once.
type Source interface {
	Header(ctx context.Context) (exchange.Header, error)
}

// headerName is where all credentials go, in HTTP (RFC 9110 §11.6.2) and in gRPC's
// metadata.
const headerName = "authorization"

// Bearer is a source of the token that secret holds (RFC 6750 §2.1). The secret is
// read for each call, so that a file may be rotated.
func Bearer(secret Secret) Source { return bearer{secret} }

type bearer struct{ token Secret }

func (b bearer) Header(context.Context) (exchange.Header, error) {
	token, err := b.token.read()
	if err != nil {
		return exchange.Header{}, fmt.Errorf("bearer token: %w", err)
	}
	return bearerHeader(token, "bearer token from "+b.token.origin())
}

// bearerHeader makes the header of a token. A token that was copied with its
// scheme is taken without it.
func bearerHeader(token, what string) (exchange.Header, error) {
	const scheme = "bearer "
	if len(token) > len(scheme) && strings.EqualFold(token[:len(scheme)], scheme) {
		token = strings.TrimSpace(token[len(scheme):])
	}
	if err := checkToken(token); err != nil {
		return exchange.Header{}, fmt.Errorf("%s: %w", what, err)
	}
	return exchange.Header{Name: headerName, Value: "Bearer " + token}, nil
}

// checkToken refuses what no token is, because it was read from the wrong place or
// copied in part. RFC 6750 allows fewer characters; servers exist that do not care.
func checkToken(token string) error {
	if token == "" {
		return errors.New("it is empty")
	}
	if token[0] == '{' || token[0] == '[' {
		return errors.New("it looks like JSON; give only the token in it")
	}
	for i := range len(token) {
		switch c := token[i]; {
		case c == '\n' || c == '\r':
			return fmt.Errorf("it has %d lines; a token is one", strings.Count(strings.ReplaceAll(token, "\r\n", "\n"), "\n")+1)
		case c == ' ' || c == '\t':
			return fmt.Errorf("it has white space at byte %d; a token has none", i)
		case c < ' ' || c > '~':
			return fmt.Errorf("byte %d is 0x%02x; a token is printable ASCII", i, c)
		}
	}
	return nil
}

// Basic is a source of a user name and password (RFC 7617 §2). The name may not
// hold a colon.
func Basic(user string, password Secret) Source { return basic{user, password} }

// ParseBasic makes a Basic source of "user:password"; after the colon may stand
// what ParseSecret takes. The password may be empty, the colon may not be missing.
func ParseBasic(pair string) (Source, error) {
	user, password, ok := strings.Cut(pair, ":")
	if !ok {
		return nil, errors.New("basic credentials: no colon: write user:password, user:@file or user:env:NAME")
	}
	if password == "" {
		return Basic(user, Literal("")), nil
	}
	secret, err := ParseSecret(password)
	if err != nil {
		return nil, fmt.Errorf("basic credentials: %w", err)
	}
	return Basic(user, secret), nil
}

type basic struct {
	user     string
	password Secret
}

func (b basic) Header(context.Context) (exchange.Header, error) {
	if strings.Contains(b.user, ":") {
		return exchange.Header{}, errors.New("basic credentials: the user name has a colon, which ends it (RFC 7617 §2)")
	}
	password, err := b.password.read()
	if err != nil {
		return exchange.Header{}, fmt.Errorf("basic credentials: %w", err)
	}
	if strings.ContainsFunc(b.user+password, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return exchange.Header{}, errors.New("basic credentials: a control character is in the name or password (RFC 7617 §2)")
	}
	pair := base64.StdEncoding.EncodeToString([]byte(b.user + ":" + password))
	return exchange.Header{Name: headerName, Value: "Basic " + pair}, nil
}
