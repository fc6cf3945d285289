package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/envelope"
)

// Answer is what of an HTTP answer tells which protocol the server speaks. The
// fields are as they came, untrusted.
type Answer struct {
	Version     string // of HTTP: "1.1" or "2"
	Code        int    // the status; 0 if there is only a version
	ContentType string
	AcceptPost  string // of a 415: what the server takes. RFC 5789 has the like for PATCH; W3C LDP §7.1
	Allow       string // of a 405
	Body        []byte // its beginning
}

// Hint says how a server wants to be called. Empty fields are not known, or need
// no change.
type Hint struct {
	Protocol Protocol // to speak
	Version  string   // of HTTP, to speak
	Text     string   // what the server said, and the flag to give
}

// answerOf collects what tells.
func answerOf(res *http.Response, body []byte) Answer {
	version := "1.1"
	if res.ProtoMajor == 2 {
		version = "2"
	}
	return Answer{
		Version: version, Code: res.StatusCode, ContentType: res.Header.Get("Content-Type"),
		AcceptPost: strings.Join(res.Header.Values("Accept-Post"), ","), Allow: strings.Join(res.Header.Values("Allow"), ","),
		Body: body,
	}
}

// mediaType returns a content-type in lower case without its parameters.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// families are the beginnings of media types, the longer first.
var families = []struct {
	name     string
	protocol Protocol
}{
	{"application/grpc-web-text", GRPCWebText},
	{"application/grpc-web", GRPCWeb},
	{"application/grpc", GRPC},
	{"application/connect", Connect},
}

// familyOf returns the protocol that a media type is of, and its codec. A type of
// Connect's unary calls is anyone's: of it there is the codec alone.
func familyOf(media string) (codec string, p Protocol) {
	for _, f := range families {
		rest, ok := strings.CutPrefix(media, f.name)
		if ok && (rest == "" || rest[0] == '+') && (rest != "" || f.protocol != Connect) {
			return strings.TrimPrefix(rest, "+"), f.protocol
		}
	}
	return strings.TrimPrefix(media, "application/"), NoProtocol
}

// Detect says which protocol a server speaks that was asked in one and gave an
// answer that is not of it. The zero Hint means that the answer does not tell.
func Detect(asked Protocol, a Answer) Hint {
	_, family := familyOf(mediaType(a.ContentType))
	switch {
	case a.Code == http.StatusUnsupportedMediaType && a.AcceptPost != "":
		return detectAccepted(asked, a)
	case family != NoProtocol && family != asked && !sameButCoding(family, asked):
		return speak(family, fmt.Sprintf("the server answers with content-type %q", a.ContentType))
	case family != NoProtocol && family != asked:
		return speak(family, "the server answers in "+family.title())
	case asked != Connect && isConnectError(a):
		return speak(Connect, "the answer is an error of Connect")
	case a.Code == http.StatusHTTPVersionNotSupported:
		return Hint{Version: "2", Text: "the server does not take this call over HTTP/" + a.Version + ": --http 2"}
	case a.Code == http.StatusMethodNotAllowed && a.Allow != "" && strings.Contains(a.Allow, http.MethodPost):
		return Hint{Text: fmt.Sprintf("the server allows %s only: for a GET the method must be marked NO_SIDE_EFFECTS", a.Allow)}
	case asked == GRPC && a.Version == "1.1":
		return Hint{Protocol: GRPCWeb, Text: "the server speaks HTTP/1.1, over which there is no gRPC: --protocol grpc-web or --protocol connect, if it speaks either"}
	case a.Code == http.StatusUnsupportedMediaType:
		return Hint{Text: "the server does not take " + asked.title() + " here: another --protocol may do"}
	case a.Code == http.StatusNotFound:
		return Hint{Text: "nothing answers at this path: the service may be elsewhere, or under a prefix"}
	case a.Code >= 300 && a.Code < 400 && a.Code != http.StatusNotModified:
		return Hint{Text: "the server redirects, which calls do not follow"}
	}
	return Hint{}
}

// sameButCoding reports whether two protocols are gRPC-Web in its two codings.
func sameButCoding(p, q Protocol) bool { return p.web() && q.web() }

func speak(p Protocol, why string) Hint {
	h := Hint{Protocol: p, Text: fmt.Sprintf("%s: it speaks %s: --protocol %s", why, p.title(), p)}
	if p == GRPC {
		h.Version = "2"
	}
	return h
}

// detectAccepted reads what a server that refused the media type would take.
func detectAccepted(asked Protocol, a Answer) Hint {
	var offered []Protocol
	var codecs []string // that it takes in the protocol asked
	for media := range strings.SplitSeq(a.AcceptPost, ",") {
		media = mediaType(media)
		codec, p := familyOf(media)
		if p == NoProtocol && (codec == "proto" || codec == "json") {
			p = Connect
		}
		if p == NoProtocol {
			continue
		}
		if !slices.Contains(offered, p) {
			offered = append(offered, p)
		}
		if p == asked && codec != "" && !slices.Contains(codecs, codec) {
			codecs = append(codecs, codec)
		}
	}
	switch {
	case len(offered) == 0:
		return Hint{Text: fmt.Sprintf("the server takes %q here", a.AcceptPost)}
	case slices.Contains(offered, asked):
		text := fmt.Sprintf("the server takes %s here in %q, and not in the type that was sent", asked.title(), a.AcceptPost)
		if len(codecs) > 0 {
			text = fmt.Sprintf("the server takes %s here with %s: the codec, or which side streams, is another", asked.title(), strings.Join(codecs, " or "))
		}
		return Hint{Protocol: asked, Text: text}
	}
	slices.SortFunc(offered, func(p, q Protocol) int { return preference(p) - preference(q) })
	names := make([]string, len(offered))
	for i, p := range offered {
		names[i] = p.String()
	}
	return speak(offered[0], "the server takes "+strings.Join(names, ", ")+" here")
}

// preference orders what a server offers: what loses least comes first.
func preference(p Protocol) int {
	return slices.Index([]Protocol{GRPC, Connect, GRPCWeb, GRPCWebText}, p)
}

// isConnectError reports whether an answer is that of Connect to a call that failed.
func isConnectError(a Answer) bool {
	if a.Code == http.StatusOK || mediaType(a.ContentType) != "application/json" {
		return false
	}
	var e struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.Body, &e) != nil {
		return false
	}
	// Number is 2 both for "unknown" and for what is no code.
	return e.Code == "unknown" || (&envelope.ConnectError{Code: e.Code}).Number() != codeUnknown
}

// misspoken says what a server speaks whose first bytes are not HTTP of the version
// that was spoken to it.
func misspoken(version, speaks string, kind Kind) Hint {
	switch {
	case speaks == "" || speaks == version:
		return Hint{}
	case speaks == "tls":
		return Hint{Text: "the server speaks TLS: use https://"}
	case speaks == "2":
		return Hint{Version: "2", Text: "the server speaks HTTP/2: --http 2"}
	case kind == Bidi:
		return Hint{Version: "1.1", Text: "the server speaks HTTP/1.1, over which there are no bidirectional streams"}
	default:
		return Hint{Version: "1.1", Text: "the server speaks HTTP/1.1: --http 1.1"}
	}
}
