package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// whepRoutes adds the endpoint of WebRTC players of each camera, and that of a player's
// session. Who comes with a session's cookie goes the way of all others: through inside,
// to mux. Who brings a device password in the header needs no cookie, and none is looked
// at, so that a page of another origin may do so too.
func (s *Server) whepRoutes(mux *http.ServeMux, inside http.Handler) http.Handler {
	if s.options.WHEP == nil {
		return inside
	}
	outside := http.NewServeMux()
	outside.Handle("/", inside)
	for _, path := range []string{"/api/v1/cameras/{id}/whep", "/api/v1/cameras/{id}/whep/{session}"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			token := s.sessions.Token(r.Context())
			s.options.WHEP(w, r, caller(r.Context()).Name, blurred(r.Context()), func(ctx context.Context) bool { return s.holds(ctx, token) })
		})
		outside.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			allowOrigins(w.Header())
			name, password, given := brought(r)
			switch {
			case r.Method == http.MethodOptions: // tells nothing, and browsers send it without credentials
				s.options.WHEP(w, r, "", true, nil)
			case given:
				s.whepByPassword(w, r, name, password)
			default:
				inside.ServeHTTP(w, r)
			}
		})
	}
	return outside
}

// brought is the device password that came with a request: as a token, as WHEP has it, or with
// the account's name (RFC 7617), for players that know nothing but an address.
func brought(r *http.Request) (name string, password sidecar.Secret, given bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return "", sidecar.NewSecret(strings.TrimSpace(token)), true
	}
	name, text, ok := r.BasicAuth()
	return name, sidecar.NewSecret(text), ok
}

// whepByPassword lets a player in that brings a device password.
func (s *Server) whepByPassword(w http.ResponseWriter, r *http.Request, name string, password sidecar.Secret) {
	wait, forgive := s.guard.attempt(s.guard.now(), r.RemoteAddr, "")
	if wait > 0 {
		w.Header().Set("Retry-After", retryAfter(wait))
		problem(w, http.StatusTooManyRequests, "too many attempts")
		return
	}
	a, err := s.options.Accounts.DeviceAccount(r.Context(), password)
	if err == nil && name != "" && !strings.EqualFold(name, a.Name) {
		err = accounts.ErrRefused
	}
	if err == nil {
		forgive()
		s.options.WHEP(w, r, a.Name, !a.Role.SeesPersons(), func(ctx context.Context) bool {
			now, err := s.options.Accounts.DeviceAccount(ctx, password)
			return err == nil && now.ID == a.ID
		})
		return
	}
	if errors.Is(err, accounts.ErrRefused) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "this is no device password; make one in the console, under your account")
		return
	}
	problem(w, http.StatusInternalServerError, "the accounts cannot be read")
}

// allowOrigins lets pages of all origins use an endpoint with what they know themselves:
// a browser sends no cookie where the answer names no origin (Fetch standard, 3.3.5).
func allowOrigins(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Allow, Accept-Post, Retry-After")
	h.Set("Access-Control-Max-Age", "600")
}

// whepOperations describe the endpoint, which has no operations of the API's own.
func whepOperations(doc *huma.OpenAPI) []*huma.Operation {
	me := doc.Paths["/api/v1/me"].Get.Responses
	param := func(name string) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	says := func(status int) *huma.Response { return &huma.Response{Description: http.StatusText(status)} }
	sdp := map[string]*huma.MediaType{"application/sdp": {Schema: &huma.Schema{Type: huma.TypeString}}}
	return []*huma.Operation{{
		OperationID: "open-whep", Method: http.MethodPost, Path: "/api/v1/cameras/{id}/whep",
		Summary:     "Watch a camera over WebRTC",
		Description: "WHEP (draft-ietf-wish-whep): an SDP offer, and its answer. By session or by device password (Bearer). See docs/live.md.",
		Parameters:  []*huma.Param{param("id")},
		RequestBody: &huma.RequestBody{Required: true, Content: sdp},
		Responses: map[string]*huma.Response{
			"201": {Description: "The answer; Location is the session", Content: sdp},
			"400": says(400), "401": me["401"], "403": says(403), "404": says(404), "406": says(406), "409": says(409), "413": says(413), "415": says(415), "429": says(429), "503": says(503),
		},
	}, {
		OperationID: "close-whep", Method: http.MethodDelete, Path: "/api/v1/cameras/{id}/whep/{session}",
		Summary:    "Stop watching over WebRTC",
		Parameters: []*huma.Param{param("id"), param("session")},
		Responses:  map[string]*huma.Response{"200": says(200), "401": me["401"], "404": says(404), "429": says(429)},
	}}
}
