package device

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"pantau/onvif/soap"
)

const (
	realm = "Pantau"
	// window is how far a token's time may be from this machine's, and how long a nonce
	// of HTTP digest is good for.
	window = 5 * time.Minute
	// maxSeen bounds what is remembered against replays. Only what was signed rightly is.
	maxSeen  = 1 << 17
	maxNonce = 256 // bytes of a token's nonce
)

// caller is who has signed in.
type caller struct {
	name  string
	admin bool
}

// gate knows who may come in, and who has been there already.
type gate struct {
	account func(ctx context.Context, user string) (Account, error)
	now     func() time.Time
	key     [32]byte // of the nonces

	mu     sync.Mutex
	tokens map[string]used     // tokens, until they are too old anyway
	counts map[string]*counter // of HTTP digest, by nonce
	swept  time.Time
}

// used is when and from where a token came first.
type used struct {
	until, at time.Time
	from      string
}

// hurry is within how much time a token may come again, from the same host and only to
// read: there are clients that make one nonce for all requests, and tell these apart by
// milliseconds.
const hurry = time.Second

// counter knows which counts of a nonce were used: the highest, and a bit for each of
// the 64 below it, as answers may overtake each other.
type counter struct {
	until time.Time
	high  int
	used  uint64
}

func newGate(account func(context.Context, string) (Account, error)) *gate {
	g := &gate{account: account, now: time.Now, tokens: map[string]used{}, counts: map[string]*counter{}}
	_, _ = rand.Read(g.key[:]) // never fails (crypto/rand)
	return g
}

// admit says who sends a request. Its error is a *fault where that is not allowed; one
// without credentials, or with a digest of HTTP that is wrong, is to be challenged.
func (g *gate) admit(r *http.Request, e *soap.Envelope, a access) (caller, error) {
	if e != nil {
		if token := e.Header.Child("Security", "UsernameToken"); token != nil {
			return g.token(r, token, a)
		}
	}
	if header := r.Header.Get("Authorization"); header != "" {
		return g.digest(r, header)
	}
	return caller{}, notAuthorized(http.StatusUnauthorized, "this needs a user and a password: one of an account's device passwords")
}

// token checks a UsernameToken (Core 5.9.1; UsernameToken Profile 1.1, 3.1).
func (g *gate) token(r *http.Request, token *soap.Element, a access) (caller, error) {
	user, created := token.Text("Username"), token.Text("Created")
	password := token.Child("Password")
	nonce, err := base64.StdEncoding.DecodeString(token.Text("Nonce"))
	at, late := time.Parse(time.RFC3339Nano, created)
	switch {
	case !strings.HasSuffix(password.Attr("Type"), "#PasswordDigest"):
		return caller{}, notAuthorized(http.StatusBadRequest, "the token must be a PasswordDigest: passwords are not taken in clear")
	case err != nil || len(nonce) == 0 || len(nonce) > maxNonce:
		return caller{}, notAuthorized(http.StatusBadRequest, "the token has no nonce in Base64")
	case late != nil || at.Sub(g.now()).Abs() > window:
		return caller{}, notAuthorized(http.StatusBadRequest, fmt.Sprintf("the token's time must be within %v of the device's, as GetSystemDateAndTime gives it", window))
	}
	who, err := g.prove(r.Context(), user, func(p soap.Secret) bool {
		return subtle.ConstantTimeCompare([]byte(soap.TokenDigest(nonce, created, p)), []byte(password.Text())) == 1
	}, http.StatusBadRequest)
	if err != nil {
		return caller{}, err
	}
	key := created + "\x00" + string(nonce) // without the user: names may be written in several ways, and are not signed
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep()
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	if first, again := g.tokens[key]; again {
		if a == read && first.from == from && g.now().Sub(first.at) < hurry {
			return who, nil
		}
		return caller{}, notAuthorized(http.StatusBadRequest, "this token was used before; make a new nonce for each request")
	}
	if len(g.tokens) >= maxSeen {
		return caller{}, notAuthorized(http.StatusServiceUnavailable, "too many requests; come back in a minute")
	}
	g.tokens[key] = used{until: at.Add(window), at: g.now(), from: from}
	return who, nil
}

// digest checks an answer to a challenge (RFC 7616).
func (g *gate) digest(r *http.Request, header string) (caller, error) {
	refused := notAuthorized(http.StatusUnauthorized, "user name or password refused")
	a, err := soap.ReadAnswer(header)
	if err != nil || a.Realm != realm || !means(a.URI, r.RequestURI) {
		return caller{}, refused
	}
	until, own := g.opens(a.Nonce)
	if !own {
		return caller{}, &fault{status: refused.status, codes: refused.codes, reason: "the nonce is too old", stale: true}
	}
	who, err := g.prove(r.Context(), a.User, func(p soap.Secret) bool { return a.Proves(r.Method, p) }, http.StatusUnauthorized)
	if err != nil {
		return caller{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep()
	c := g.counts[a.Nonce]
	if c == nil {
		if len(g.counts) >= maxSeen {
			return caller{}, notAuthorized(http.StatusServiceUnavailable, "too many requests; come back in a minute")
		}
		c = &counter{until: until}
		g.counts[a.Nonce] = c
	}
	if !c.take(a.Count) {
		return caller{}, &fault{status: refused.status, codes: refused.codes, reason: "this count was used before", stale: true}
	}
	return who, nil
}

// means says whether a digest's uri is the request's, which may be written out in full.
func means(uri, asked string) bool {
	if uri == asked {
		return true
	}
	u, err := url.Parse(uri)
	return err == nil && u.Host != "" && u.RequestURI() == asked
}

// prove finds a password of the account that fits.
func (g *gate) prove(ctx context.Context, user string, fits func(soap.Secret) bool, status int) (caller, error) {
	account, err := g.account(ctx, user)
	if err != nil {
		return caller{}, err
	}
	for _, p := range account.Passwords {
		if fits(p) {
			return caller{name: cmp.Or(account.Name, user), admin: account.Admin}, nil
		}
	}
	return caller{}, notAuthorized(status, "user name or password refused")
}

// take uses up a count; false if it was used before, or is too far behind to know.
func (c *counter) take(n int) bool {
	switch behind := c.high - n; {
	case behind < 0:
		c.used = c.used<<min(-behind, 64) | 1
		c.high = n
		return true
	case behind >= 64 || c.used>>behind&1 == 1:
		return false
	default:
		c.used |= 1 << behind
		return true
	}
}

// sweep forgets what is too old to come again. The caller holds mu.
func (g *gate) sweep() {
	now := g.now()
	if now.Sub(g.swept) < time.Minute {
		return
	}
	g.swept = now
	for k, u := range g.tokens {
		if now.After(u.until) {
			delete(g.tokens, k)
		}
	}
	for k, c := range g.counts {
		if now.After(c.until) {
			delete(g.counts, k)
		}
	}
}

// nonce makes a nonce that says itself until when it is good: nothing is remembered of
// those who only ask.
func (g *gate) nonce() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(g.now().Add(window).UnixMilli()))
	_, _ = rand.Read(b[8:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(append(b[:], g.seal(b[:])...))
}

func (g *gate) seal(b []byte) []byte {
	mac := hmac.New(sha256.New, g.key[:])
	mac.Write(b)
	return mac.Sum(nil)[:16]
}

// opens says until when a nonce is good, and whether it is one of this gate that still is.
func (g *gate) opens(nonce string) (until time.Time, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], g.seal(b[:16])) {
		return time.Time{}, false
	}
	until = time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	return until, g.now().Before(until)
}

// challenge asks for HTTP digest, with the strongest algorithm first.
func (g *gate) challenge(h http.Header, f *fault) {
	more := ""
	if f.stale {
		more = ", stale=true"
	}
	nonce := g.nonce()
	for _, algorithm := range soap.Algorithms() {
		h.Add("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", qop="auth", nonce="%s", algorithm=%s%s`, realm, nonce, algorithm, more))
	}
}
