package whep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"

	"github.com/pion/sdp/v3"
)

// maxOffer is the most that an offer may have, bytes. Browsers send about 6,000.
const maxOffer = 32 << 10

// ServeHTTP answers on a camera's endpoint and on its sessions: the path values "id" and,
// of a session, "session" say which. Whether who may watch, and whether only blurred
// pictures, was decided by the caller; holds is asked every few seconds whether it still
// is so. OPTIONS needs nobody.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request, who string, blurred bool, holds func(context.Context) bool) {
	allowed := "POST, OPTIONS"
	if r.PathValue("session") != "" {
		allowed = "DELETE, OPTIONS"
	}
	w.Header().Set("Allow", allowed)
	switch method := r.Method; {
	case method == http.MethodOptions:
		if r.PathValue("session") == "" {
			w.Header().Set("Accept-Post", "application/sdp")
		}
		w.WriteHeader(http.StatusNoContent)
	case method == http.MethodPost && r.PathValue("session") == "":
		s.post(w, r, who, blurred, holds)
	case method == http.MethodDelete && r.PathValue("session") != "":
		s.delete(w, r, who)
	default:
		answer(w, refuse(405, "there is no "+method+" here", "all addresses are in the answer, so nothing is added to a session (PATCH): "+allowed))
	}
}

// post takes an offer and gives the answer.
func (s *Server) post(w http.ResponseWriter, r *http.Request, who string, blurred bool, holds func(context.Context) bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/sdp" {
		answer(w, refuse(415, fmt.Sprintf("the offer's type is %q", kind), "send it as Content-Type: application/sdp"))
		return
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxOffer+1))
	switch {
	case len(text) > maxOffer:
		answer(w, refuse(413, "the offer is too large", fmt.Sprintf("it may have %d bytes", maxOffer)))
		return
	case err != nil:
		answer(w, refuse(400, "the offer did not come whole", "send it again"))
		return
	}
	id := r.PathValue("id")
	v, reply, err := s.begin(id, text, r.URL.Query().Get("profile") == "any", who, blurred, holds)
	if err != nil {
		var known *Refusal
		if !errors.As(err, &known) {
			s.log.Error("answering an offer", "camera", id, "error", err)
		}
		answer(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", path.Join(r.URL.Path, v.id))
	w.Header().Set("ETag", strconv.Quote(v.tag))
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, reply)
}

// delete ends a session of the same account.
func (s *Server) delete(w http.ResponseWriter, r *http.Request, who string) {
	s.mu.Lock()
	v := s.sessions[r.PathValue("session")]
	s.mu.Unlock()
	if v == nil || v.camera.root != s.cameras.Get(r.PathValue("id")) || v.who != who {
		answer(w, errNoSession)
		return
	}
	v.end(errors.New("the viewer said so"))
	<-v.done
	w.WriteHeader(http.StatusOK)
}

// answer tells an error as RFC 9457 has it.
func answer(w http.ResponseWriter, err error) {
	var r *Refusal
	if !errors.As(err, &r) {
		r = &Refusal{Status: http.StatusInternalServerError, Cause: "the offer cannot be answered", Remedy: "the log says why"}
	}
	if r.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.Wait))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(r.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(r.Status), "status": r.Status, "detail": r.Error()})
}

// placed brings the candidates of an answer where viewers look for them: into the first
// medium that is not refused (RFC 8843 clause 7.3.1), while the library puts them into the
// first. Where addresses are given, they are in the place of ours: each one for UDP, which
// is better, and for TCP (RFC 8839 clause 5.1, RFC 6544 clause 4.5).
func placed(text string, addresses []netip.Addr, port uint16) (string, error) {
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(text); err != nil {
		return "", fmt.Errorf("reading our own answer: %w", err)
	}
	var candidates []sdp.Attribute
	for _, m := range desc.MediaDescriptions {
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			if a.Key == sdp.AttrKeyCandidate {
				candidates = append(candidates, a)
			}
			return a.Key == sdp.AttrKeyCandidate || a.Key == sdp.AttrKeyEndOfCandidates
		})
	}
	for i, address := range addresses {
		if i == 0 {
			candidates = nil
		}
		candidates = append(candidates,
			sdp.NewAttribute(sdp.AttrKeyCandidate, fmt.Sprintf("%d 1 udp %d %s %d typ host", 2*i+1, 2130706431-i, address, port)),
			sdp.NewAttribute(sdp.AttrKeyCandidate, fmt.Sprintf("%d 1 tcp %d %s %d typ host tcptype passive", 2*i+2, 1671430143-i, address, port)))
	}
	for _, m := range desc.MediaDescriptions {
		if m.MediaName.Port.Value != 0 {
			m.Attributes = append(append(m.Attributes, candidates...), sdp.NewPropertyAttribute(sdp.AttrKeyEndOfCandidates))
			break
		}
	}
	out, err := desc.Marshal()
	return string(out), err
}
