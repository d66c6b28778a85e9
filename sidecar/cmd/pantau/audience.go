package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"time"

	"pantau/overlays/live"
	"pantau/overlays/republish"
	"pantau/overlays/still"
	"pantau/sidecar"
	"pantau/sidecar/audit"
	"pantau/sidecar/cmd/pantau/devices"
	"pantau/sidecar/pipeline"
	"pantau/sidecar/publish"
)

// listener is who is told of the cameras.
type listener interface {
	Camera(c sidecar.Camera)
	Remove(id string)
}

// wayOut is who takes the pictures and scenes of all cameras, too.
type wayOut interface {
	listener
	AccessUnit(id string, u *sidecar.AccessUnit)
	Scene(s *sidecar.Scene)
}

// audience is everybody who is told of the cameras themselves. The fleet calls
// Camera and Remove one after the other.
type audience struct {
	*live.Hub
	told      []listener
	ways      []wayOut
	stills    *still.Stills
	rtsp      *republish.Server // may be nil
	onvif     *devices.Devices  // may be nil
	publisher *publish.Publisher
	auditor   *audit.Auditor
	log       *slog.Logger
	started   time.Time
	known     map[string]string // the hash of each camera's configuration
}

// join adds a way out that is switched on.
func (a *audience) join(w wayOut) { a.told, a.ways = append(a.told, w), append(a.ways, w) }

// Camera tells of a camera that came or changed.
func (a *audience) Camera(c sidecar.Camera) {
	for _, t := range a.told {
		t.Camera(c)
	}
	from, to := a.known[c.ID], hashOf(c)
	a.known[c.ID] = to
	switch {
	case from != "":
		a.audit("camera.change", c.ID, from, to)
	case time.Since(a.started) < startTime:
		a.audit("camera.load", c.ID, "", to)
	default:
		a.audit("camera.add", c.ID, "", to)
	}
	a.publish(c)
}

// publish writes a camera's entry in the catalogue, with its newest audits.
func (a *audience) publish(c sidecar.Camera) {
	if err := a.publisher.Camera(c, pipeline.RulesVersion(c.Functions), a.auditor.Latest(c.ID)...); err != nil {
		a.log.Warn("writing the catalogue", "camera", c.ID, "error", err)
	}
}

// Remove tells of a camera that went.
func (a *audience) Remove(id string) {
	for _, t := range a.told {
		t.Remove(id)
	}
	a.publisher.RemoveCamera(id)
	a.audit("camera.remove", id, a.known[id], "")
	delete(a.known, id)
}

// AccessUnit passes a picture on.
func (a *audience) AccessUnit(id string, u *sidecar.AccessUnit) {
	for _, w := range a.ways {
		w.AccessUnit(id, u)
	}
}

// Scene passes a scene on.
func (a *audience) Scene(sc *sidecar.Scene) {
	for _, w := range a.ways {
		w.Scene(sc)
	}
}

// Totals passes on what was counted.
func (a *audience) Totals(id string, since time.Time, rows []sidecar.CountRow) {
	a.Hub.Totals(id, since, rows)
	a.stills.Totals(id, rows)
	if a.rtsp != nil {
		a.rtsp.Totals(id, rows)
	}
}

// Events passes on what happened.
func (a *audience) Events(id string, events []sidecar.Event) {
	if a.rtsp != nil {
		a.rtsp.Events(id, events)
	}
	if a.onvif != nil {
		a.onvif.Events(id, events)
	}
}

// startTime is how long after the start the cameras of the file are loaded and
// not added.
const startTime = 2 * time.Second

// audit writes down a change that the configuration file has made.
func (a *audience) audit(action, camera, from, to string) {
	if err := a.publisher.Audit(context.Background(), publish.Audit{Who: "file", Action: action, What: camera, From: from, To: to}); err != nil {
		a.log.Error("writing the audit", "camera", camera, "action", action, "error", err)
	}
}

// hashOf names a camera's configuration by what it says; the password is not in it.
func hashOf(c sidecar.Camera) string {
	text, _ := json.Marshal(c) // strings and numbers always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
