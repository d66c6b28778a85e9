package console

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"pantau/sidecar/console/accounts"
)

// maxBody is the most that a request may carry, bytes.
const maxBody = 64 << 10

// headers sets on every answer what a browser must not do with it.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "+
			"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if s.options.Certificate != "" { // with one signed by itself a browser could never be let in again
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// accountKey is the key of the signed-in account in a request's context.
type accountKey struct{}

// signedIn lets nobody through who has not signed in, but to the few routes
// that are open.
func (s *Server) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account, err := s.account(r.Context())
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), accountKey{}, account)))
		case open(r):
			next.ServeHTTP(w, r)
		case errors.Is(err, accounts.ErrNotFound):
			problem(w, http.StatusUnauthorized, "sign in first")
		default:
			problem(w, http.StatusInternalServerError, "the account cannot be read")
		}
	})
}

// account gives the account of the session in ctx, or ErrNotFound.
func (s *Server) account(ctx context.Context) (accounts.Account, error) {
	id := s.sessions.GetInt64(ctx, accounts.SessionAccount)
	if id == 0 {
		return accounts.Account{}, accounts.ErrNotFound
	}
	return s.options.Accounts.Get(ctx, id)
}

// open says whether a request needs no session: set-up and sign-in, and the
// page's files.
func open(r *http.Request) bool {
	switch r.URL.Path {
	case "/api/v1/setup", "/api/v1/login":
		return true
	}
	at := path.Clean("/" + r.URL.Path)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return reads && at != "/api" && !strings.HasPrefix(at, "/api/")
}

// problem answers with an error as RFC 9457 has it.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}

// guard slows down those who try passwords and tokens: by address, by account
// and address, and by account. Only refused attempts count. What is not known
// to it has all its attempts; it forgets first who has tried least lately.
type guard struct {
	now func() time.Time

	mu       sync.Mutex
	limiters map[string]*list.Element // by key
	lately   *list.List               // of limiter, the one used last in front
}

// limiter is what one key may do.
type limiter struct {
	key string
	*rate.Limiter
}

// limit is a number of refused attempts at once, and then one each so often.
type limit struct {
	burst int
	every time.Duration
}

// byAddress and byPair hold up one address; they leave everybody else alone.
// byAccount holds up many addresses together, and then the account's owner too,
// so it is wide: it takes twelve addresses, each at its own limit, to keep it full.
func byAddress() limit { return limit{10, 6 * time.Second} }
func byPair() limit    { return limit{5, 12 * time.Second} }
func byAccount() limit { return limit{100, time.Second} }

// maxLimiters bounds the memory of a guard.
const maxLimiters = 20_000

func newGuard() *guard {
	return &guard{now: time.Now, limiters: make(map[string]*list.Element), lately: list.New()}
}

// attempt takes the place of one attempt. Where there is none it says how long
// to wait. Otherwise forgive gives the place back, for an attempt that was
// right. What comes after a refusal is not looked at: an address that must wait
// makes the guard remember no account.
func (g *guard) attempt(now time.Time, address, account string) (wait time.Duration, forgive func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var taken []*rate.Reservation
	forgive = func() {
		for _, r := range taken {
			r.CancelAt(now)
		}
	}
	take := func(l limit, key string) bool {
		r := g.limiter(key, l).ReserveN(now, 1)
		taken = append(taken, r)
		wait = r.DelayFrom(now)
		return wait <= 0
	}
	from, who := network(address), strings.ToLower(account)
	free := take(byAddress(), "address "+from)
	if free && who != "" {
		free = take(byPair(), "pair "+from+" "+who) && take(byAccount(), "account "+who)
	}
	if !free {
		forgive()
	}
	return wait, forgive
}

// limiter finds or makes the limiter of a key. The caller holds mu.
func (g *guard) limiter(key string, l limit) *rate.Limiter {
	if e := g.limiters[key]; e != nil {
		g.lately.MoveToFront(e)
		return e.Value.(limiter).Limiter
	}
	if g.lately.Len() >= maxLimiters {
		delete(g.limiters, g.lately.Remove(g.lately.Back()).(limiter).key)
	}
	made := limiter{key, rate.NewLimiter(rate.Every(l.every), l.burst)}
	g.limiters[key] = g.lately.PushFront(made)
	return made.Limiter
}

// network is the address without its port; of IPv6 the /64, which one customer has.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Unmap().Is4() {
		return host
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return prefix.String()
}
