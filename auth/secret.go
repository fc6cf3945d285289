package auth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Secret is where a password or token is read from; the zero value is an empty
// one. Printing one, in whatever
// way, gives its origin and not its content.
type Secret struct {
	kind secretKind
	// text is the secret itself, the name of a file, or that of a variable. fmt asks
	// no Format of a field that is not exported, and prints a pointer as a number.
	text *string
}

type secretKind uint8

const (
	literal secretKind = iota
	file
	env
)

// Literal is a secret that is at hand.
func Literal(secret string) Secret { return Secret{literal, &secret} }

// FromFile is a secret in a file, without the white space around it. The file is
// read each time it is needed.
func FromFile(name string) Secret { return Secret{file, &name} }

// FromEnv is a secret in an environment variable.
func FromEnv(name string) Secret { return Secret{env, &name} }

// ParseSecret reads "@file", "env:NAME" or "${NAME}"; anything else is the secret
// itself.
func ParseSecret(s string) (Secret, error) {
	name, isFile := strings.CutPrefix(s, "@")
	variable, isEnv := strings.CutPrefix(s, "env:")
	if !isEnv && strings.HasPrefix(s, "${") && strings.HasSuffix(s, "}") {
		variable, isEnv = s[2:len(s)-1], true
	}
	switch {
	case s == "":
		return Secret{}, errors.New("the secret is empty: give it, @file or env:NAME")
	case isFile && name == "":
		return Secret{}, errors.New("no file name follows the @")
	case isEnv && variable == "":
		return Secret{}, errors.New("no name of an environment variable: write env:NAME")
	case isFile:
		return FromFile(name), nil
	case isEnv:
		return FromEnv(variable), nil
	}
	return Literal(s), nil
}

// name returns what text points to.
func (s Secret) name() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// origin says where the secret is from.
func (s Secret) origin() string {
	switch s.kind {
	case file:
		return fmt.Sprintf("file %q", s.name())
	case env:
		return "environment variable " + s.name()
	case literal:
	}
	return "the command line or config"
}

// Format keeps secrets out of all that fmt prints, whichever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secret from "+s.origin()) }

// LogValue keeps secrets out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue("secret from " + s.origin()) }

// MarshalText keeps secrets out of what encoding/json and others write.
func (s Secret) MarshalText() ([]byte, error) { return []byte("secret from " + s.origin()), nil }

// largestSecret is far more than any token has; a larger file is another one.
const largestSecret = 1 << 20

// read returns the secret. It never waits: a pipe or device is not read.
func (s Secret) read() (string, error) {
	switch s.kind {
	case file:
		return readSecretFile(s.name())
	case env:
		v, ok := os.LookupEnv(s.name())
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", s.name())
		}
		return strings.TrimSpace(v), nil
	case literal:
	}
	return s.name(), nil
}

func readSecretFile(name string) (string, error) {
	// A pipe would block in Open, before it could be looked at.
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("read secret: %s is not a file; to use what a program prints, give a token command", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, largestSecret+1))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if len(b) > largestSecret {
		return "", fmt.Errorf("read secret: %s is larger than %d bytes, so it holds no token", name, largestSecret)
	}
	return strings.TrimSpace(string(b)), nil
}
