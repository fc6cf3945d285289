package h1

import "bytes"

// isStatusLine reports whether b begins as a response does: "HTTP/1.1 200".
func isStatusLine(b []byte) bool {
	const form = "HTTP/1.1 200"
	if len(b) < len(form) || !bytes.HasPrefix(b, []byte("HTTP/")) {
		return false
	}
	return isDigit(b[5]) && b[6] == '.' && isDigit(b[7]) && b[8] == ' ' && isDigit(b[9]) && isDigit(b[10]) && isDigit(b[11])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// isRequestLine reports whether a line without its end is plausible as that of
// a request: a method, and HTTP/1.x at the end. RFC 9112 §3.
func isRequestLine(line []byte) bool {
	line = bytes.TrimRight(line, "\r \t")
	first := bytes.IndexByte(line, ' ')
	if first <= 0 || !allTokens(line[:first]) {
		return false
	}
	return endsInVersion(line)
}

// endsInVersion reports whether a line's last word is HTTP/1.x, after two others.
func endsInVersion(line []byte) bool {
	line = bytes.TrimRight(line, "\r \t")
	first, at := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if at <= 0 {
		return false
	}
	v := line[at+1:]
	return len(v) == len("HTTP/1.1") && bytes.HasPrefix(v, []byte("HTTP/")) && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]) && first < at
}

// methods that are looked for where other bytes stand before them.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND"}

// requestIn returns where in a line a request begins that may have other bytes
// before it: the content of a request whose head was not seen. -1 if none does.
func requestIn(line []byte) int {
	if !endsInVersion(line) {
		return -1
	}
	line = bytes.TrimRight(line, "\r \t")
	line = line[:bytes.LastIndexByte(line, ' ')]
	space := bytes.LastIndexByte(line, ' ')
	if space <= 0 {
		return -1
	}
	word := line[:space]
	for _, m := range methods {
		if bytes.HasSuffix(word, []byte(m)) {
			return space - len(m)
		}
	}
	if allTokens(word) {
		return 0
	}
	return -1
}
