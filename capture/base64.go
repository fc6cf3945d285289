package capture

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// decodeBase64 decodes base64 in the standard or the URL alphabet, with or
// without padding, wrapped or not. RFC 4648 §4, §5.
func decodeBase64(b []byte) ([]byte, error) {
	clean := make([]byte, 0, len(b))
	url, std, padding := false, false, 0
	for i, c := range b {
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			continue
		case c == '=':
			padding++
			continue
		case c == '-' || c == '_':
			url = true
		case c == '+' || c == '/':
			std = true
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		default:
			return nil, fmt.Errorf("base64: byte %d is %q, which is not in the alphabet", i, rune(c))
		}
		if padding > 0 {
			return nil, fmt.Errorf("base64: byte %d stands after padding", i)
		}
		clean = append(clean, c)
	}
	if url && std {
		return nil, fmt.Errorf("base64: the standard and the URL alphabet are mixed")
	}
	if len(clean)%4 == 1 || padding > 2 {
		return nil, fmt.Errorf("base64: %d characters with %d of padding: some are missing", len(clean), padding)
	}
	encoding := base64.RawStdEncoding
	if url {
		encoding = base64.RawURLEncoding
	}
	n, err := encoding.Decode(clean, clean)
	if err != nil {
		return nil, fmt.Errorf("base64: %w", err)
	}
	return clean[:n], nil
}
