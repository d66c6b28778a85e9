package console

import (
	"context"
	"io/fs"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// recheck is how often a live view looks whether its session still holds.
const recheck = 10 * time.Second

// routes joins the API, the live view, the sign-in link and the page behind
// what guards them.
func (s *Server) routes(files fs.FS) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", assets(files))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "no such route")
	})
	mux.HandleFunc("GET /signin", s.signInByLink)
	mux.HandleFunc("GET /api/v1/cameras/{id}/live", s.live)
	mux.HandleFunc("GET /api/v1/cameras/{id}/audit/strips/{strip}", only(accounts.Operator, s.strip))
	s.api(mux)

	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "requests of other origins are refused")
	}))
	inside := protection.Handler(s.sessions.LoadAndSave(s.signedIn(mux)))
	return s.headers(s.whepRoutes(mux, inside))
}

// api declares the API's operations, from which its OpenAPI document is made.
func (s *Server) api(mux *http.ServeMux) {
	config := huma.DefaultConfig("Pantau", "1")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/v1/openapi", "", ""
	config.CreateHooks = nil // no $schema in the answers
	config.Transformers = append(config.Transformers, forgetValues)
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[sidecar.Latency](), reflect.TypeFor[milliseconds]())
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[sidecar.Box](), reflect.TypeFor[sidecar.Part]())
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: s.sessions.Cookie.Name},
	}
	config.Security = []map[string][]string{{"session": {}}}
	api := humago.New(mux, config)
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		if role, _ := ctx.Operation().Metadata["role"].(accounts.Role); role != "" && !caller(ctx.Context()).Role.Includes(role) {
			_ = huma.WriteErr(api, ctx, http.StatusForbidden, needs(role))
			return
		}
		next(ctx)
	})
	s.signInRoutes(api)
	s.accountRoutes(api)
	s.cameraRoutes(api)
	s.findRoutes(api)
	s.figureRoutes(api)
	s.viewRoutes(api)
	s.functionRoutes(api)
	s.auditRoutes(api)
	for _, o := range append(whepOperations(api.OpenAPI()), liveOperation(api.OpenAPI()), stripOperation(api.OpenAPI())) {
		api.OpenAPI().AddOperation(o)
	}
	api.OpenAPI().Components.Schemas.Map()["Function"].Properties["dwell"].Description = "Nanoseconds"
}

// liveOperation describes the live view, which is no operation of the API's own.
func liveOperation(doc *huma.OpenAPI) *huma.Operation {
	me := doc.Paths["/api/v1/me"].Get.Responses
	return &huma.Operation{OperationID: "watch-camera", Method: http.MethodGet, Path: "/api/v1/cameras/{id}/live",
		Summary:     "The live view of a camera",
		Description: "A WebSocket (RFC 6455); its messages are described in docs/live.md. It ends with the session.",
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "codec", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"avc1"}}, Description: "avc1: the browser decodes nothing but H.264"},
			{Name: "after", In: "query", Schema: &huma.Schema{Type: huma.TypeString}, Description: "The newest picture that a returning page has, EPOCH:PTS"}},
		Responses: map[string]*huma.Response{
			"101": {Description: "The WebSocket is open"},
			"400": {Description: http.StatusText(http.StatusBadRequest)},
			"401": me["401"],
			"404": {Description: http.StatusText(http.StatusNotFound)},
		}}
}

// forgetValues takes the refused values out of error answers: one of them may
// be a password.
func forgetValues(_ huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		for _, d := range e.Errors {
			d.Value = nil
		}
	}
	return v, nil
}

// caller is the account that has signed in.
func caller(ctx context.Context) accounts.Account {
	a, _ := ctx.Value(accountKey{}).(accounts.Account)
	return a
}

// operation describes one route, with the refusals that it has besides those
// that all have; admin routes are refused to everybody else.
func operation(id, method, path, summary string, status int, role accounts.Role, refusals ...int) huma.Operation {
	o := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary,
		DefaultStatus: status, MaxBodyBytes: maxBody, Errors: append(refusals, http.StatusUnauthorized)}
	o.Metadata = map[string]any{"role": role}
	if role == accounts.Admin || role == accounts.Operator {
		o.Errors = append(o.Errors, http.StatusForbidden)
		o.Description = map[accounts.Role]string{accounts.Admin: "For administrators.", accounts.Operator: "Not for viewers."}[role]
	}
	return o
}

// only lets those in whose role includes one, where a route is no operation of the API's own.
func only(role accounts.Role, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !caller(r.Context()).Role.Includes(role) {
			problem(w, http.StatusForbidden, needs(role))
			return
		}
		serve(w, r)
	}
}

// needs is the refusal of what a role may not do.
func needs(role accounts.Role) string {
	if role == accounts.Admin {
		return "this needs an administrator"
	}
	return "this needs an operator or an administrator"
}

// blurred says whether the caller may not have pictures in which persons can be recognised.
func blurred(ctx context.Context) bool { return !caller(ctx).Role.SeesPersons() }

// live serves one viewer. The view ends with the session.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	s.viewers.Add(1)
	defer s.viewers.Done()
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		s.watchSession(ctx, cancel, s.sessions.Token(ctx))
	}()
	s.options.Live(w, r.WithContext(ctx), r.PathValue("id"), blurred(ctx))
	cancel()
	<-done
}

// watchSession cancels when the session of token holds no more.
func (s *Server) watchSession(ctx context.Context, cancel context.CancelFunc, token string) {
	ticker := time.NewTicker(s.recheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		fresh, stop := context.WithTimeout(context.Background(), s.recheck) // without the session that ctx holds
		held := s.holds(fresh, token)
		stop()
		if !held {
			cancel()
			return
		}
	}
}

// holds says whether a session and its account are still there. Its context is one
// without the session.
func (s *Server) holds(ctx context.Context, token string) bool {
	session, err := s.sessions.Load(ctx, token)
	if err == nil {
		_, err = s.account(session)
	}
	return err == nil
}
