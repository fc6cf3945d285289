package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tokenServer answers as handle says and counts the requests.
func tokenServer(t *testing.T, handle http.HandlerFunc) (o ClientCredentials, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return ClientCredentials{TokenURL: s.URL + "/token", ID: "me", Secret: Literal("s3cret"), Style: InHeader}, asked
}

func newOAuth2(t *testing.T, o ClientCredentials) *OAuth2 {
	t.Helper()
	s, err := NewOAuth2(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// grant gives token-1, token-2 and so on, each for some seconds.
func grant(seconds int) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"bearer","expires_in":%d}`, n.Add(1), seconds)
	}
}

func TestOAuth2Request(t *testing.T) {
	t.Parallel()
	for _, style := range []Style{InHeader, InBody} {
		o, asked := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			user, password, basic := r.BasicAuth()
			if !basic {
				user, password = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
			}
			if basic != (style == InHeader) || user != "me" || password != "s3cret" || r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "client_credentials" ||
				r.PostForm.Get("scope") != "read write" || r.PostForm.Get("audience") != "api" {
				t.Errorf("style %d: asked with %v, %v", style, r.PostForm, r.Header)
			}
			grant(3600)(w, r)
		})
		o.Scopes, o.Params, o.Style = []string{"read", "write"}, url.Values{"audience": {"api"}}, style
		want(t, newOAuth2(t, o), "Bearer token-1", "")
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
	}
}

func TestOAuth2TriesBothStyles(t *testing.T) {
	t.Parallel()
	o, asked := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		if _, _, basic := r.BasicAuth(); basic {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		grant(3600)(w, r)
	})
	o.Style = TryBoth
	want(t, newOAuth2(t, o), "Bearer token-1", "")
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestOAuth2KeepsATokenUntilItExpires(t *testing.T) {
	t.Parallel()
	o, asked := tokenServer(t, grant(3600))
	s := newOAuth2(t, o)
	want(t, s, "Bearer token-1", "")
	want(t, s, "Bearer token-1", "")
	s.Forget()
	want(t, s, "Bearer token-2", "")
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
	// A token that ends in a second would end on its way.
	o, asked = tokenServer(t, grant(1))
	s = newOAuth2(t, o)
	want(t, s, "Bearer token-1", "")
	want(t, s, "Bearer token-2", "")
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestOAuth2AsksOnceForMany(t *testing.T) {
	t.Parallel()
	o, asked := tokenServer(t, grant(3600))
	s := newOAuth2(t, o)
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() { want(t, s, "Bearer token-1", "") })
	}
	calls.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestOAuth2WaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	o, _ := tokenServer(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		grant(3600)(w, r)
	})
	s := newOAuth2(t, o)
	var first sync.WaitGroup
	first.Go(func() { want(t, s, "Bearer token-1", "") })
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Header(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("behind another: %v", err)
	}
	close(release)
	first.Wait()
}

func TestOAuth2Refusals(t *testing.T) {
	t.Parallel()
	reply := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const js = "application/json"
	for name, tt := range map[string]struct {
		handle http.HandlerFunc
		want   string
	}{
		"wrong secret":     {reply(401, js, `{"error":"invalid_client","error_description":"s3cret is wrong\u001b[1m"}`), "401 Unauthorized: invalid_client: (secret) is wrong\ufffd[1m; check the client id and secret"},
		"secret, encoded":  {reply(400, js, `{"error":"x","error_description":"got Basic bWU6czNjcmV0"}`), "got Basic (secret)"},
		"no error":         {reply(401, "text/html", "<h1>s3cret</h1>"), "401 Unauthorized; check the client id and secret"},
		"scope":            {reply(400, js, `{"error":"invalid_scope"}`), "invalid_scope; check the scopes"},
		"grant":            {reply(400, js, `{"error":"unauthorized_client"}`), "does not let this client use the client credentials grant"},
		"error with 200":   {reply(200, js, `{"error":"invalid_scope"}`), "200 OK: invalid_scope"},
		"redirect":         {reply(307, js, ""), "it redirects, which is not followed"},
		"wrong path":       {reply(404, "text/plain", "gone"), "404 Not Found; check the path of the token URL"},
		"a page":           {reply(200, "text/html", "<html>s3cret"), "is this the URL of the token endpoint?"},
		"no token":         {reply(200, js, `{}`), "server response missing access_token; is this the URL"},
		"token with lines": {reply(200, js, `{"access_token":"s3cret\nx: y"}`), "the token that the server gave: it has 2 lines"},
		"odd type":         {reply(200, js, `{"access_token":"a","token_type":"b c\r\n"}`), "which is no scheme of authorization"},
		"long words":       {reply(400, js, `{"error":"x","error_description":"`+strings.Repeat("é", 10000)+`"}`), "…"},
	} {
		o, _ := tokenServer(t, tt.handle)
		s := newOAuth2(t, o)
		want(t, s, "", tt.want)
		if _, err := s.Header(t.Context()); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOAuth2NoServer(t *testing.T) {
	t.Parallel()
	o, _ := tokenServer(t, grant(1))
	gone := httptest.NewServer(nil)
	gone.Close()
	o.TokenURL = gone.URL + "/?key=s3cret"
	want(t, newOAuth2(t, o), "", "connection refused")

	o, _ = tokenServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // the server notices a client that leaves once the body is read
		<-r.Context().Done()
	})
	o.Timeout = 50 * time.Millisecond
	want(t, newOAuth2(t, o), "", "no answer in 50ms")
	o.Secret = FromEnv("WIREGLOSS_TEST_NONE")
	want(t, newOAuth2(t, o), "", "oauth2 client secret: the environment variable WIREGLOSS_TEST_NONE is not set")
}

func TestNewOAuth2Refuses(t *testing.T) {
	t.Parallel()
	good := ClientCredentials{TokenURL: "https://id.example/token", ID: "me", Secret: Literal("s3cret")}
	if _, err := NewOAuth2(good); err != nil {
		t.Error(err)
	}
	for text, change := range map[string]func(*ClientCredentials){
		"the token URL is not one":                      func(o *ClientCredentials) { o.TokenURL = "id.example/token" },
		"holds a password":                              func(o *ClientCredentials) { o.TokenURL = "https://a:s3cret@id.example" },
		"would send the client secret unencrypted":      func(o *ClientCredentials) { o.TokenURL = "http://id.example/token" },
		"the client id is missing":                      func(o *ClientCredentials) { o.ID = "" },
		"oauth2: the token URL is not one: write https": func(o *ClientCredentials) { o.TokenURL = "https://%zz" },
	} {
		o := good
		change(&o)
		if _, err := NewOAuth2(o); err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("want %q, got %v", text, err)
		}
	}
	plain := good
	plain.TokenURL, plain.Plaintext = "http://id.example/token", true
	if _, err := NewOAuth2(plain); err != nil {
		t.Error(err)
	}
}
