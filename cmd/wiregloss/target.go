package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/reflection"
)

// targetFlags are the flags that say how to reach a target.
type targetFlags struct {
	plaintext, tls, insecure bool
	cacert, cert, key        string
	authority                string
	connectTimeout           time.Duration
	headers                  []string
}

func (f *targetFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&f.plaintext, "plaintext", false, "no TLS (the default for loopback and unix sockets)")
	fs.BoolVar(&f.tls, "tls", false, "TLS (the default for other hosts)")
	fs.BoolVar(&f.insecure, "insecure", false, "TLS without verifying the server's certificate")
	fs.StringVar(&f.cacert, "cacert", "", "PEM `file` with the certificates to trust")
	fs.StringVar(&f.cert, "cert", "", "PEM `file` with the client certificate")
	fs.StringVar(&f.key, "key", "", "PEM `file` with the client certificate's key")
	fs.StringVar(&f.authority, "authority", "", "`name` to send as :authority and to expect in the certificate")
	fs.DurationVar(&f.connectTimeout, "connect-timeout", 10*time.Second, "limit for DNS, connect and TLS together")
	fs.StringArrayVarP(&f.headers, "header", "H", nil, "metadata to send, as `'name: value'`; -bin values in base64; repeatable")
}

// parse returns the target that text and the flags name, and the operation if
// text is a URL that has one.
func (f *targetFlags) parse(text string) (exchange.Target, string, error) {
	t, operation, err := call.ParseCall(text)
	if err != nil {
		return t, "", usageError(err)
	}
	secure := f.tls || f.insecure || f.cacert != "" || f.cert != "" || f.key != ""
	switch {
	case f.plaintext && secure:
		return t, "", usageError(fmt.Errorf("--plaintext and a TLS flag contradict each other: leave one out"))
	case (f.cert == "") != (f.key == ""):
		return t, "", usageError(fmt.Errorf("--cert and --key go together: give both"))
	case f.plaintext:
		t.TLS.On = false
	case secure:
		t.TLS = exchange.TLS{On: true, Insecure: f.insecure, CACert: f.cacert, Cert: f.cert, Key: f.key}
	}
	if f.authority != "" {
		t.Authority = f.authority
	}
	t.ConnectTimeout = f.connectTimeout
	return t, operation, nil
}

// schemaTimeout limits reflection once connected: a server that does not answer
// it does not answer calls either.
const schemaTimeout = 10 * time.Second

// load asks a target what it offers: everything, or only what calling one
// operation needs.
func load(ctx context.Context, t exchange.Target, headers []exchange.Header, operation string) (*catalog.Catalog, error) {
	conn, err := call.Dial(ctx, t, call.Options{}, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the catalog is loaded, or the error says why not
	limited, cancel := context.WithTimeout(ctx, schemaTimeout)
	defer cancel()
	if limited, err = call.WithHeaders(limited, headers); err != nil {
		return nil, usageError(err)
	}
	cat, err := reflection.Load(limited, reflection.Options{Conn: conn, Origin: t.Text, Operation: operation})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, &exitError{code: exitTimeout, err: fmt.Errorf("%s did not answer reflection in %s: %w", t.Text, schemaTimeout, err)}
	}
	return cat, err
}
