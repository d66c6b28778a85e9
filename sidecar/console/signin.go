package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// accountOutput answers with an account.
type accountOutput struct{ Body accounts.Account }

// firstAccount makes the first administrator.
type firstAccount struct {
	Token    sidecar.Secret `json:"token" doc:"The first-run token, printed at the first start"`
	Name     string         `json:"name" maxLength:"64" example:"admin"`
	Password sidecar.Secret `json:"password" doc:"At least 10 characters"`
}

// maxName is the most bytes that the name of an account has.
const maxName = 64

// credentials sign in.
type credentials struct {
	Name     string         `json:"name" maxLength:"64"`
	Password sidecar.Secret `json:"password"`
}

// setupInput is a request for the first account.
type setupInput struct {
	Address remote
	Body    firstAccount
}

// loginInput is a request to sign in.
type loginInput struct {
	Address remote
	Body    credentials
}

// remote is the address that a request comes from.
type remote string

// Resolve takes the address from the request.
func (r *remote) Resolve(ctx huma.Context) []error {
	*r = remote(ctx.RemoteAddr())
	return nil
}

// setupState says whether the set-up is still to be done.
type setupState struct {
	Needed bool `json:"needed" doc:"There is no account yet"`
}

// signInRoutes are set-up, sign-in and sign-out.
func (s *Server) signInRoutes(api huma.API) {
	type needed struct{ Body setupState }
	get := operation("get-setup", http.MethodGet, "/api/v1/setup", "Whether the first administrator is missing", http.StatusOK, "")
	get.Security, get.Errors = []map[string][]string{}, []int{http.StatusInternalServerError}
	huma.Register(api, get, func(ctx context.Context, _ *struct{}) (*needed, error) {
		var out needed
		var err error
		out.Body.Needed, err = s.options.Accounts.Unclaimed(ctx)
		return &out, answer(err)
	})

	setup := operation("setup", http.MethodPost, "/api/v1/setup", "Make the first administrator", http.StatusCreated, "",
		http.StatusConflict, http.StatusTooManyRequests)
	setup.Security = []map[string][]string{}
	huma.Register(api, setup, s.setup)

	login := operation("login", http.MethodPost, "/api/v1/login", "Sign in", http.StatusOK, "", http.StatusTooManyRequests)
	login.Security = []map[string][]string{}
	huma.Register(api, login, s.login)

	huma.Register(api, operation("logout", http.MethodPost, "/api/v1/logout", "Sign out", http.StatusNoContent, ""),
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			return nil, answer(s.sessions.Destroy(ctx))
		})
	huma.Register(api, operation("me", http.MethodGet, "/api/v1/me", "Who has signed in", http.StatusOK, ""),
		func(ctx context.Context, _ *struct{}) (*accountOutput, error) {
			return &accountOutput{Body: caller(ctx)}, nil
		})
}

func (s *Server) setup(ctx context.Context, in *setupInput) (*accountOutput, error) {
	forgive, err := s.attempt(string(in.Address), "")
	if err != nil {
		return nil, err
	}
	empty, err := s.options.Accounts.Unclaimed(ctx)
	if err != nil || !empty {
		return nil, answer(errors.Join(err, accounts.ErrSetUp))
	}
	if s.options.SetupToken.Empty() || !same(in.Body.Token, s.options.SetupToken) {
		return nil, huma.Error401Unauthorized("the first-run token is wrong")
	}
	forgive()
	a, err := s.options.Accounts.SetUp(ctx, in.Body.Name, in.Body.Password)
	if err != nil {
		return nil, answer(err)
	}
	s.options.Log.Info("first administrator made", "account", a.Name)
	s.audit(ctx, a.Name, "account.setup", a.Name)
	return &accountOutput{Body: a}, answer(s.begin(ctx, a))
}

func (s *Server) login(ctx context.Context, in *loginInput) (*accountOutput, error) {
	if n := len(in.Body.Name); n > maxName { // maxLength counts characters
		return nil, answer(&sidecar.FieldError{Field: "name", Problem: fmt.Sprintf("has %d bytes", n), Remedy: "use 1 to 64"})
	}
	forgive, err := s.attempt(string(in.Address), in.Body.Name)
	if err != nil {
		return nil, err
	}
	a, err := s.options.Accounts.Verify(ctx, in.Body.Name, in.Body.Password)
	if err != nil {
		return nil, answer(err)
	}
	forgive()
	return &accountOutput{Body: a}, answer(s.begin(ctx, a))
}

// attempt takes the place of one attempt, or says when there is one again.
func (s *Server) attempt(address, account string) (forgive func(), err error) {
	wait, forgive := s.guard.attempt(s.guard.now(), address, account)
	if wait <= 0 {
		return forgive, nil
	}
	seconds := retryAfter(wait)
	return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many attempts; try again in "+seconds+" s"),
		http.Header{"Retry-After": {seconds}})
}

// retryAfter is a time to wait in whole seconds (RFC 9110 section 10.2.3).
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }

// same compares in constant time, whatever the lengths.
func same(a, b sidecar.Secret) bool {
	x, y := sha256.Sum256([]byte(a.Reveal())), sha256.Sum256([]byte(b.Reveal()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// begin makes the request's session that of an account, under a new token.
func (s *Server) begin(ctx context.Context, a accounts.Account) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("beginning a session: %w", err)
	}
	s.sessions.Put(ctx, accounts.SessionAccount, a.ID)
	return nil
}

// signInByLink signs in whoever has a one-time link, and shows the page.
func (s *Server) signInByLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet { // a HEAD, as previews send, must not use the link up
		problem(w, http.StatusMethodNotAllowed, "open the link in a browser")
		return
	}
	forgive, err := s.attempt(r.RemoteAddr, "")
	if err != nil {
		problem(w, http.StatusTooManyRequests, err.Error())
		return
	}
	a, err := s.options.Accounts.UseLink(r.Context(), sidecar.NewSecret(r.URL.Query().Get("t")))
	if err == nil {
		forgive()
		err = s.begin(r.Context(), a)
	}
	if errors.Is(err, accounts.ErrRefused) {
		http.Redirect(w, r, "/?link=expired", http.StatusSeeOther) // the page says so
		return
	}
	if err != nil {
		problem(w, http.StatusInternalServerError, "the link cannot be read")
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// answer turns an error of the accounts into an answer. What nobody outside
// should read becomes an internal error without details.
func answer(err error) error {
	var field *sidecar.FieldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &field):
		return huma.Error422UnprocessableEntity("validation failed",
			&huma.ErrorDetail{Location: "body." + field.Field, Message: field.Problem + "; " + field.Remedy})
	case errors.Is(err, accounts.ErrRefused):
		return huma.Error401Unauthorized(accounts.ErrRefused.Error())
	case errors.Is(err, accounts.ErrNotFound):
		return huma.Error404NotFound(accounts.ErrNotFound.Error())
	case errors.Is(err, accounts.ErrSetUp):
		return huma.Error409Conflict(accounts.ErrSetUp.Error())
	case errors.Is(err, accounts.ErrExists):
		return huma.Error409Conflict(accounts.ErrExists.Error())
	case errors.Is(err, accounts.ErrLast):
		return huma.Error409Conflict(accounts.ErrLast.Error())
	}
	return huma.Error500InternalServerError("the accounts cannot be read or written")
}
