package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// newFunction is a function as the configuration file has it.
type newFunction struct {
	sidecar.Function
	ID            string `json:"id,omitempty" doc:"As in the path; it may be left out"`
	Dwell         span   `json:"dwell,omitempty"`
	TimeThreshold span   `json:"time_threshold,omitempty"`
	Window        span   `json:"window,omitempty"`
}

// span is a duration as people write it, or in nanoseconds, as the API answers it.
type span time.Duration

// Schema says that to readers of the API's document.
func (span) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "Such as 30s or 1h30m, or nanoseconds", OneOf: []*huma.Schema{{Type: huma.TypeString, MaxLength: new(32)}, {Type: huma.TypeInteger}}}
}

// UnmarshalJSON reads either.
func (s *span) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return json.Unmarshal(data, (*int64)(s))
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it as 30s, 5m or 1h30m", text)
	}
	*s = span(d)
	return nil
}

// function is what it means.
func (n newFunction) function(id string) sidecar.Function {
	f := n.Function
	f.ID, f.Dwell, f.TimeThreshold, f.Window = id, time.Duration(n.Dwell), time.Duration(n.TimeThreshold), time.Duration(n.Window)
	return f
}

// FunctionID names a function of a camera.
type FunctionID struct {
	ID       string `path:"id" maxLength:"64"`
	Function string `path:"function" maxLength:"64"`
}

// Condition is on which a function is changed (RFC 9110, 13.1).
type Condition struct {
	IfMatch     string `header:"If-Match" doc:"The ETag that the function must have, or * for any"`
	IfNoneMatch string `header:"If-None-Match" doc:"* where there must be no such function yet"`
}

// functionOutput is a function with its version.
type functionOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   sidecar.Function
}

// functionRoutes are those of a camera's functions.
func (s *Server) functionRoutes(api huma.API) {
	const at = "/api/v1/cameras/{id}/functions/{function}"
	huma.Register(api, operation("get-function", http.MethodGet, at, "One function of a camera, with its ETag", http.StatusOK, accounts.Operator, http.StatusNotFound),
		func(_ context.Context, in *FunctionID) (*functionOutput, error) {
			c, err := s.camera(in.ID)
			if err != nil {
				return nil, err
			}
			i := functionIndex(c.Functions, in.Function)
			if i < 0 {
				return nil, noFunction()
			}
			return &functionOutput{Status: http.StatusOK, ETag: etag(c.Functions[i]), Body: c.Functions[i]}, nil
		})

	put := operation("put-function", http.MethodPut, at, "Make or change a function of a camera", http.StatusOK, accounts.Admin,
		http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusNotImplemented)
	put.Description += " It is written into the configuration file, and in force when this is answered: 201 where it is new. 202: it is written, and not in force yet."
	put.Responses = notYet()
	huma.Register(api, put, func(ctx context.Context, in *struct {
		FunctionID
		Condition
		Body newFunction
	}) (*functionOutput, error) {
		if id := in.Body.ID; id != "" && id != in.Function {
			return nil, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body.id", Message: fmt.Sprintf("it is not that of the path, %s; leave it out", in.Function)})
		}
		f, status := in.Body.function(in.Function), http.StatusOK
		err := s.changeFunctions(ctx, in.FunctionID, in.Condition, "function.put", func(all []sidecar.Function, i int) ([]sidecar.Function, error) {
			if i < 0 {
				status = http.StatusCreated
				return append(all, f), nil
			}
			all[i] = f
			return all, nil
		})
		switch {
		case errors.Is(err, sidecar.ErrNotYet):
			status = http.StatusAccepted
		case err != nil:
			return nil, err
		}
		return &functionOutput{Status: status, ETag: etag(f), Body: f}, nil
	})

	remove := operation("delete-function", http.MethodDelete, at, "Delete a function of a camera", http.StatusNoContent, accounts.Admin,
		http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusNotImplemented)
	remove.Responses = notYet()
	huma.Register(api, remove,
		func(ctx context.Context, in *struct {
			FunctionID
			Condition
		}) (*removedOutput, error) {
			err := s.changeFunctions(ctx, in.FunctionID, in.Condition, "function.remove", func(all []sidecar.Function, i int) ([]sidecar.Function, error) {
				if i < 0 {
					return nil, noFunction()
				}
				return slices.Delete(all, i, i+1), nil
			})
			switch {
			case errors.Is(err, sidecar.ErrNotYet):
				return &removedOutput{Status: http.StatusAccepted}, nil
			case err != nil:
				return nil, err
			}
			return &removedOutput{Status: http.StatusNoContent}, nil
		})
}

// removedOutput has no body.
type removedOutput struct{ Status int }

// notYet describes the answer to a change that takes longer than usual.
func notYet() map[string]*huma.Response {
	return map[string]*huma.Response{strconv.Itoa(http.StatusAccepted): {Description: "It is written into the configuration file, and not in force yet."}}
}

func noFunction() error { return huma.Error404NotFound("the camera has no such function") }

func functionIndex(all []sidecar.Function, id string) int {
	return slices.IndexFunc(all, func(f sidecar.Function) bool { return f.ID == id })
}

// etag names what a function says.
func etag(f sidecar.Function) string {
	text, _ := json.Marshal(f) // strings and numbers always marshal
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// holds says whether a condition holds for a function; i < 0: there is none.
func (c Condition) holds(all []sidecar.Function, i int) error {
	switch {
	case c.IfMatch != "" && (i < 0 || c.IfMatch != "*" && c.IfMatch != etag(all[i])):
		return huma.Error412PreconditionFailed("the function is another one by now: read it again")
	case c.IfNoneMatch != "" && c.IfNoneMatch != "*":
		return huma.Error422UnprocessableEntity("If-None-Match takes * alone")
	case c.IfNoneMatch == "*" && i >= 0:
		return huma.Error412PreconditionFailed("the camera has a function of that id already")
	}
	return nil
}

// changeFunctions changes the functions of a camera around the i-th; i < 0: it has none of
// that id. It is sidecar.ErrNotYet where they are changed, and not in force yet.
func (s *Server) changeFunctions(ctx context.Context, at FunctionID, on Condition, action string, change func(all []sidecar.Function, i int) ([]sidecar.Function, error)) error {
	if _, err := s.camera(at.ID); err != nil {
		return err
	}
	if s.options.Change == nil {
		return huma.Error501NotImplemented("this process changes no functions")
	}
	place := 0
	err := s.options.Change(ctx, at.ID, func(all []sidecar.Function) ([]sidecar.Function, error) {
		i := functionIndex(all, at.Function)
		if place = i; i < 0 {
			place = len(all)
		}
		if err := on.holds(all, i); err != nil {
			return nil, err
		}
		return change(slices.Clone(all), i)
	})
	if err != nil && !errors.Is(err, sidecar.ErrNotYet) {
		return s.unchanged(err, fmt.Sprintf("functions[%d].", place))
	}
	s.options.Log.Info("function changed", "camera", at.ID, "function", at.Function, "action", action, "by", caller(ctx).Name)
	s.audit(ctx, caller(ctx).Name, action, at.ID+"/"+at.Function)
	return err
}

// unchanged is the answer where functions were not changed. Fields that begin with prefix
// are of what was sent.
func (s *Server) unchanged(err error, prefix string) error {
	var field *sidecar.FieldError
	var fault *sidecar.Fault
	var known huma.StatusError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &field):
		location := field.Field
		if of, ok := strings.CutPrefix(field.Field, prefix); ok {
			location = "body." + of
		}
		return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: location, Message: field.Problem + "; " + field.Remedy})
	case errors.As(err, &fault):
		return huma.Error409Conflict(fault.Error())
	}
	s.options.Log.Error("changing functions", "error", err)
	return huma.Error500InternalServerError("the configuration cannot be changed; the log says why")
}
