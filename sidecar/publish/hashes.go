package publish

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"pantau/sidecar"
)

// latestTTL is how long pantau:latest:{cam} outlives its last change.
const latestTTL = 30 * time.Second

// Camera publishes a camera's entry in the catalogue: pantau:camera:{cam}. The
// camera's address, user and password are not in it. audits are the newest known
// errors of its counts, each with the model and the rules it was measured with.
func (p *Publisher) Camera(c sidecar.Camera, rules string, audits ...sidecar.Audit) error {
	analyse, err := json.Marshal(c.Analyse)
	if err != nil {
		return fmt.Errorf("publishing camera %s: %w", c.ID, err)
	}
	functions := c.Functions
	if functions == nil {
		functions = []sidecar.Function{}
	}
	rulesJSON, err := json.Marshal(functions)
	if err != nil {
		return fmt.Errorf("publishing camera %s: %w", c.ID, err)
	}
	fields := map[string]string{"id": c.ID, "name": c.Name, "node": p.o.Node, "source": redacted(c.Source), "tz": c.Timezone,
		"analyse": string(analyse), "functions": string(rulesJSON), "rules": rules, "updated": string(wireTime(p.o.Now()))}
	if len(audits) > 0 {
		text, err := json.Marshal(audits)
		if err != nil {
			return fmt.Errorf("publishing camera %s: %w", c.ID, err)
		}
		fields["audit"] = string(text)
	}
	if l := c.Location; l != nil {
		fields["lat"], fields["lon"] = decimal(l.Lat), decimal(l.Lon)
		fields["kecamatan"], fields["kelurahan"] = l.Kecamatan, l.Kelurahan
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.announced[c.ID] = true
	p.set(hash{kind: "camera", camera: c.ID, fields: flat(fields)})
	return nil
}

// redacted says what kind of source a camera has, and not where it is.
func redacted(s sidecar.Source) string {
	switch {
	case s.File != "":
		return "file"
	case s.ONVIF != "":
		return "onvif"
	}
	u, err := url.Parse(s.RTSP)
	if err != nil || u.Scheme == "" {
		return "rtsp"
	}
	return u.Scheme
}

// RemoveCamera deletes a camera's hashes and frames. Its events and counts stay.
func (p *Publisher) RemoveCamera(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.cameras, id)
	delete(p.announced, id)
	for _, s := range p.sinks {
		s.remove(id)
	}
}

// Latest is a camera's current numbers, for widgets.
type Latest struct {
	Camera string
	Time   time.Time
	State  string  // as in sidecar.StateChange.To
	FPS    float64 // scenes per second
	Since  time.Time
	Rows   []sidecar.CountRow // totals since Since; levels as they are now
}

// Latest publishes pantau:latest:{cam}, which goes by itself when nobody renews
// it. It never blocks: the newest replaces one that still waits. Numbers of a
// camera that Camera has not announced, or that was removed, are left out.
func (p *Publisher) Latest(l Latest) {
	fields := map[string]string{"time": string(wireTime(l.Time)), "state": l.State, "fps": decimal(l.FPS), "since": string(wireTime(l.Since))}
	for _, r := range l.Rows {
		name := r.Rule + "." + string(r.Kind) + "." + string(r.Class)
		if r.Direction != "" {
			name += "." + string(r.Direction)
		}
		if r.From != "" {
			name += "." + r.From + "." + r.To
		}
		switch {
		case r.N != nil:
			fields[name] = strconv.Itoa(*r.N)
		case r.Mean != nil:
			fields[name] = decimal(*r.Mean)
		}
		if r.Max != nil {
			fields[name+".max"] = strconv.Itoa(*r.Max)
		}
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.announced[l.Camera] {
		p.set(hash{kind: "latest", camera: l.Camera, fields: flat(fields), ttl: latestTTL})
	}
}

func (p *Publisher) set(h hash) {
	for _, s := range p.sinks {
		s.set(h)
	}
}

// flat gives names and values in turn, by name.
func flat(fields map[string]string) []string {
	all := make([]string, 0, 2*len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, name, fields[name])
	}
	return all
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
