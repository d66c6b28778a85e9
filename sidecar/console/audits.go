package console

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/audit"
	"pantau/sidecar/console/accounts"
)

// AuditState is how far the audit of a camera is, and what earlier ones have found.
type AuditState struct {
	State   string               `json:"state" enum:"none,waiting,recording,recorded,failed" doc:"waiting: the recording begins within seconds; recorded: a person is to tally it"`
	ID      string               `json:"id,omitempty" doc:"Of the recording"`
	Begun   time.Time            `json:"begun,omitzero"`
	Until   time.Time            `json:"until,omitzero" doc:"When the recording ends, as far as that is known"`
	Cause   string               `json:"cause,omitempty" doc:"Why it failed"`
	Lines   []audit.LineProgress `json:"lines" doc:"What was counted while it records; empty otherwise, since who tallies must not know it"`
	Ends    time.Time            `json:"ends,omitzero" doc:"When the pictures are deleted"`
	Width   int                  `json:"width,omitempty"`
	Height  int                  `json:"height,omitempty"`
	Strips  []audit.Shown        `json:"strips" doc:"To be tallied, in this order"`
	Results []AuditResult        `json:"results" doc:"The newest first"`
}

// AuditResult is a tallied audit.
type AuditResult struct {
	audit.Result
	Outdated bool `json:"outdated" doc:"The camera counts with other functions or another model now: it is published no more"`
}

// newAudit is what a person orders.
type newAudit struct {
	For       int `json:"for_s,omitempty" minimum:"0" maximum:"604800" doc:"Seconds to record; 0: full quarters of an hour until there are crossings enough, a day at most"`
	Crossings int `json:"crossings,omitempty" minimum:"0" maximum:"500" doc:"To be seen of each line, about; 0: 20"`
	Quiet     int `json:"quiet,omitempty" minimum:"0" maximum:"500" doc:"Windows without a count to be seen of each line; 0: 12"`
}

// newTally is what a person has seen, by strip.
type newTally struct {
	Audit  string                    `json:"audit" doc:"Id of the recording"`
	Strips map[string]map[string]int `json:"strips" doc:"By the strip's id: crossings by direction and group, such as in/people; on a picture who is there, now/people, or 1 for each bay that is taken, bay/A01"`
	Unsure map[string]string         `json:"unsure,omitempty" doc:"Strips of which nobody can tell, with the reason"`
}

// auditRoutes are those of audits.
func (s *Server) auditRoutes(api huma.API) {
	const at = "/api/v1/cameras/{id}/audit"
	type state struct{ Body AuditState }
	huma.Register(api, operation("get-audit", http.MethodGet, at, "How far the audit of a camera is, and what earlier ones have found",
		http.StatusOK, accounts.Operator, http.StatusNotFound),
		func(_ context.Context, in *cameraID) (*state, error) {
			c, err := s.camera(in.ID)
			if err != nil {
				return nil, err
			}
			a, err := s.auditState(c)
			return &state{Body: a}, s.refused(err)
		})

	type begin struct {
		ID   string `path:"id" maxLength:"64"`
		Body newAudit
	}
	huma.Register(api, operation("begin-audit", http.MethodPost, at, "Have a camera audited: strips are kept around random crossings and of random time without, and pictures of random moments",
		http.StatusCreated, accounts.Operator, http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *begin) (*state, error) {
			c, err := s.camera(in.ID)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(c.Functions, func(f sidecar.Function) bool { return audit.Can(f.Kind) }) {
				return nil, huma.Error422UnprocessableEntity("the camera has no function that can be audited: give it one of these kinds: " + audit.Kinds())
			}
			if err := s.options.Audits.Begin(in.Body.order(in.ID)); err != nil {
				return nil, s.refused(err)
			}
			s.audit(ctx, caller(ctx).Name, "audit.begin", in.ID)
			a, err := s.auditState(c)
			return &state{Body: a}, s.refused(err)
		})

	huma.Register(api, operation("cancel-audit", http.MethodDelete, at, "Give a recording up, finished or not, and delete its pictures",
		http.StatusNoContent, accounts.Operator, http.StatusNotFound),
		func(ctx context.Context, in *cameraID) (*struct{}, error) {
			if _, err := s.camera(in.ID); err != nil {
				return nil, err
			}
			if _, there, err := s.options.Audits.Order(in.ID); err != nil || !there {
				if err == nil {
					err = huma.Error404NotFound("there is no recording")
				}
				return nil, s.refused(err)
			}
			if err := s.options.Audits.Discard(in.ID); err != nil {
				return nil, s.refused(err)
			}
			s.audit(ctx, caller(ctx).Name, "audit.cancel", in.ID)
			return nil, nil
		})

	type tally struct {
		ID   string `path:"id" maxLength:"64"`
		Body newTally
	}
	type result struct{ Body AuditResult }
	huma.Register(api, operation("tally-audit", http.MethodPost, at+"/tally", "Give what a person has seen on the strips: the pictures are deleted, and the error is published with the counts",
		http.StatusOK, accounts.Operator, http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *tally) (*result, error) {
			c, err := s.camera(in.ID)
			if err != nil {
				return nil, err
			}
			answer, err := in.Body.answer(caller(ctx).Name)
			if err != nil {
				return nil, s.refused(err)
			}
			r, err := s.options.Audits.Tally(in.ID, answer, false)
			if err != nil {
				return nil, s.refused(err)
			}
			s.audit(ctx, caller(ctx).Name, "audit.tally", in.ID)
			return &result{Body: AuditResult{r, r.Outdated(c.Functions, c.Status.Model)}}, nil
		})
}

// order fills in what is not said.
func (n newAudit) order(camera string) audit.Order {
	o := audit.NewOrder(camera)
	o.For, o.Crossings, o.Quiet, o.Keep = time.Duration(n.For)*time.Second, n.Crossings, n.Quiet, audit.UsualKeep
	if o.Crossings == 0 {
		o.Crossings = audit.UsualCrossings
	}
	if o.Quiet == 0 {
		o.Quiet = audit.UsualQuiet
	}
	return o
}

// answer reads the directions and groups of a tally.
func (n newTally) answer(who string) (audit.Answer, error) {
	a := audit.Answer{Audit: n.Audit, Who: who, Strips: map[string]audit.Tally{}, Unsure: n.Unsure}
	for id, counts := range n.Strips {
		t := audit.Tally{}
		for text, n := range counts {
			var k audit.Key
			if err := k.UnmarshalText([]byte(text)); err != nil {
				return a, &sidecar.FieldError{Field: "strips." + id, Problem: err.Error(), Remedy: "name direction and group"}
			}
			t[k] = n
		}
		a.Strips[id] = t
	}
	return a, nil
}

// auditState reads how far a camera's audit is.
func (s *Server) auditState(c sidecar.CameraStatus) (AuditState, error) {
	a := AuditState{State: "none", Lines: []audit.LineProgress{}, Strips: []audit.Shown{}, Results: []AuditResult{}}
	folder := s.options.Audits
	results, err := folder.Results(c.ID)
	if err != nil {
		return a, err
	}
	for _, r := range slices.Backward(results) {
		a.Results = append(a.Results, AuditResult{r, r.Outdated(c.Functions, c.Status.Model)})
	}
	o, ordered, err := folder.Order(c.ID)
	if err != nil || !ordered {
		return a, err
	}
	a.State, a.ID, a.Begun = "waiting", o.ID, o.Begun
	p, begun, err := folder.Progress(c.ID)
	if err != nil || !begun {
		return a, err
	}
	a.State, a.Until, a.Cause = p.State, p.Until, p.Cause
	if p.State == audit.Recording {
		a.Lines = append(a.Lines, p.Lines...)
	}
	r, there, err := folder.Record(c.ID)
	if err != nil || !there || p.State != audit.Recorded {
		return a, err
	}
	a.Strips, a.Ends, a.Width, a.Height = r.Shown(), r.Ends, r.Width, r.Height
	return a, nil
}

// refused makes an answer of what the audits refuse.
func (s *Server) refused(err error) error {
	var field *sidecar.FieldError
	var fault *sidecar.Fault
	var known huma.StatusError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &field):
		return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body." + field.Field, Message: field.Problem + "; " + field.Remedy})
	case errors.Is(err, audit.ErrBegun):
		return huma.Error409Conflict(err.Error())
	case errors.As(err, &fault):
		return huma.Error409Conflict(fault.Error())
	}
	s.options.Log.Error("auditing", "error", err)
	return huma.Error500InternalServerError("the audit cannot be read or written; the log says why")
}

// strip serves the film of a strip, in parts where that is asked for.
func (s *Server) strip(w http.ResponseWriter, r *http.Request) {
	if _, err := s.camera(r.PathValue("id")); err != nil {
		problem(w, http.StatusNotFound, "no such camera")
		return
	}
	f, media, err := s.options.Audits.Film(r.PathValue("id"), r.PathValue("strip"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		problem(w, http.StatusNotFound, "no such strip")
		return
	case err != nil:
		s.options.Log.Error("auditing", "error", err)
		problem(w, http.StatusInternalServerError, "the strip cannot be read; the log says why")
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", media)
	http.ServeContent(w, r, "", time.Time{}, f)
}

// stripOperation describes strip, which is no operation of the API's own: it answers in parts.
func stripOperation(doc *huma.OpenAPI) *huma.Operation {
	text := func(name string) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	binary := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	film := map[string]*huma.MediaType{"video/mp4": binary, "image/jpeg": binary}
	return &huma.Operation{OperationID: "get-audit-strip", Method: http.MethodGet, Path: "/api/v1/cameras/{id}/audit/strips/{strip}",
		Summary: "The film of a strip, or the picture of a moment", Parameters: []*huma.Param{text("id"), text("strip")},
		Responses: map[string]*huma.Response{
			"200": {Description: "An MP4, or of a moment a JPEG", Content: film},
			"206": {Description: "A part of it", Content: film},
			"401": doc.Paths["/api/v1/me"].Get.Responses["401"],
			"403": {Description: http.StatusText(http.StatusForbidden)},
			"404": {Description: http.StatusText(http.StatusNotFound)},
			"416": {Description: http.StatusText(http.StatusRequestedRangeNotSatisfiable)},
			"500": {Description: http.StatusText(http.StatusInternalServerError)},
		}}
}
