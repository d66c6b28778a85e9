package device

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"pantau/onvif/soap"
)

// mediaOperations are those of Media1 (Media 5), which old clients know alone.
func mediaOperations() map[string]operation {
	all := map[string]operation{
		"GetServiceCapabilities": {access: open, answer: func(c *call) (markup, error) {
			return `<trt:GetServiceCapabilitiesResponse>` + c.capabilities(mediaSpace) + `</trt:GetServiceCapabilitiesResponse>`, nil
		}},
		"GetProfiles":             {answer: (*call).profiles1},
		"GetProfile":              {answer: (*call).profile1},
		"GetVideoSources":         {answer: (*call).videoSources},
		"GetStreamUri":            {answer: (*call).streamURI1},
		"GetSnapshotUri":          {answer: (*call).snapshotURI1},
		"SetSynchronizationPoint": {answer: (*call).synchronize1},
	}
	for _, k := range kinds() {
		list := func(c *call) (markup, error) { return c.configurations(k, false) }
		all["Get"+k.name+"Configurations"] = operation{answer: list}
		all["GetCompatible"+k.name+"Configurations"] = operation{answer: list}
		all["Get"+k.name+"Configuration"] = operation{answer: func(c *call) (markup, error) { return c.configuration1(k) }}
		all["Set"+k.name+"Configuration"] = operation{access: change, answer: func(c *call) (markup, error) { return c.set(k, "trt:") }}
		all["Add"+k.name+"Configuration"] = operation{access: change, answer: func(c *call) (markup, error) { return c.add1(k) }}
		all["Remove"+k.name+"Configuration"] = operation{access: change, answer: func(c *call) (markup, error) {
			return "", fixed("the profiles of this device are fixed: nothing can be taken out of them")
		}}
		if k.option != nil {
			all["Get"+k.name+"ConfigurationOptions"] = operation{answer: func(c *call) (markup, error) { return c.options(k, false) }}
		}
	}
	return all
}

// fixed is the fault of whatever cannot be changed.
func fixed(reason string) *fault {
	return &fault{status: 400, codes: "ter:InvalidArgVal ter:ConfigModify", reason: reason}
}

// fitting are the profiles that Media1 can describe, or all for Media2.
func (c *call) fitting(media2 bool) []profile {
	var all []profile
	for _, p := range c.profiles() {
		if media2 || fitsMedia1(p) {
			all = append(all, p)
		}
	}
	return all
}

// element1 is a tt:Profile. Its order is that of the schema, which is not that of kinds.
func (p profile) element1(tag string) markup {
	var inner markup
	for _, k := range kinds() {
		inner += k.element("tt:"+k.name+"Configuration", p, false)
	}
	return form(`<%s token="%s" fixed="true"><tt:Name>%s</tt:Name>%s</%s>`, markup(tag), p.token, p.label(), inner, markup(tag))
}

func (c *call) profiles1() (markup, error) {
	return `<trt:GetProfilesResponse>` + each(c.fitting(false), func(p profile) markup { return p.element1("trt:Profiles") }) + `</trt:GetProfilesResponse>`, nil
}

func (c *call) profile1() (markup, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	if !fitsMedia1(p) {
		return "", invalid("ter:NoProfile", "the profile is %s, which Media1 has no word for: ask Media2 (ver20)", p.stream.Video.Codec)
	}
	return `<trt:GetProfileResponse>` + p.element1("trt:Profile") + `</trt:GetProfileResponse>`, nil
}

// videoSources lists the cameras whose video is known.
func (c *call) videoSources() (markup, error) {
	seen := map[string]bool{}
	return `<trt:GetVideoSourcesResponse>` + each(c.profiles(), func(p profile) markup {
		if seen[p.camera.ID] {
			return ""
		}
		seen[p.camera.ID] = true
		v := p.stream.Video
		return form(`<trt:VideoSources token="%s"><tt:Framerate>%s</tt:Framerate><tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution></trt:VideoSources>`,
			p.camera.ID, decimal(v.Rate), v.Width, v.Height)
	}) + `</trt:GetVideoSourcesResponse>`, nil
}

// chosen are the profiles that a request narrows a list to, by ConfigurationToken and
// ProfileToken.
func (c *call) chosen(k kind, media2 bool) ([]profile, error) {
	configuration, wanted := c.in.Text("ConfigurationToken"), c.in.Text("ProfileToken")
	var all []profile
	for _, p := range c.fitting(media2) {
		if (configuration == "" || k.token(p) == configuration) && (wanted == "" || p.token == wanted) {
			all = append(all, p)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case wanted != "":
		return nil, invalid("ter:NoProfile", "there is no profile %.64q with such a configuration", wanted)
	case configuration != "":
		return nil, invalid("ter:NoConfig", "there is no configuration %.64q", configuration)
	}
	return nil, nil
}

// configurations lists those of a kind, each once.
func (c *call) configurations(k kind, media2 bool) (markup, error) {
	all, err := c.chosen(k, media2)
	if err != nil {
		return "", err
	}
	seen := map[string]bool{}
	prefix := "trt:"
	if media2 {
		prefix = "tr2:"
	}
	list := each(all, func(p profile) markup {
		if seen[k.token(p)] {
			return ""
		}
		seen[k.token(p)] = true
		return k.element(prefix+"Configurations", p, media2)
	})
	return c.response(prefix, list), nil
}

// response wraps an answer in the element that belongs to the request's.
func (c *call) response(prefix string, inner markup) markup {
	name := markup(prefix + c.in.Name + "Response")
	return `<` + name + `>` + inner + `</` + name + `>`
}

func (c *call) configuration1(k kind) (markup, error) {
	all, err := c.chosen(k, false)
	if err != nil {
		return "", err
	}
	if len(all) == 0 || c.in.Text("ConfigurationToken") == "" {
		return "", invalid("ter:NoConfig", "the request names no configuration")
	}
	return c.response("trt:", k.element("trt:Configuration", all[0], false)), nil
}

func (c *call) options(k kind, media2 bool) (markup, error) {
	all, err := c.chosen(k, media2)
	if err != nil {
		return "", err
	}
	inner := k.option(c, all, media2)
	switch {
	case media2 && k.name == "VideoEncoder":
		return c.response("tr2:", inner), nil
	case media2:
		return c.response("tr2:", `<tr2:Options>`+inner+`</tr2:Options>`), nil
	}
	return c.response("trt:", `<trt:Options>`+inner+`</trt:Options>`), nil
}

// set takes a configuration that is as it is already, and refuses any other: a client
// that only writes back what it read does not fail.
func (c *call) set(k kind, prefix string) (markup, error) {
	given := c.in.Child("Configuration")
	for _, p := range c.profiles() {
		if k.token(p) != given.Attr("token") {
			continue
		}
		v := p.stream.Video
		same := true
		switch k.name {
		case "Metadata":
			same = given.Text("Analytics") != "false" && given.Text("Analytics") != "0"
		case "VideoEncoder":
			same = strings.EqualFold(given.Text("Encoding"), v.Codec) && given.Int("Resolution", "Width") == v.Width && given.Int("Resolution", "Height") == v.Height &&
				(given.Child("RateControl") == nil || math.Abs(given.Float("RateControl", "FrameRateLimit")-v.Rate) < 1)
		case "VideoSource":
			same = given.Text("SourceToken") == p.camera.ID
		case "VideoAnalytics":
			rules := given.Child("RuleEngineConfiguration").All("Rule")
			same = len(rules) == len(p.camera.Rules) && !slices.ContainsFunc(rules, func(e *soap.Element) bool { return !p.camera.has(e.Attr("Name")) })
		}
		if !same {
			return "", fixed("this device passes on its cameras' own video, with all that is seen in it: change the camera itself, or rules by the analytics service")
		}
		return c.response(prefix, ""), nil
	}
	return "", invalid("ter:NoConfig", "there is no configuration %.64q", given.Attr("token"))
}

// add1 takes a configuration that the profile has already.
func (c *call) add1(k kind) (markup, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	if c.in.Text("ConfigurationToken") != k.token(p) {
		return "", fixed("the profiles of this device are fixed, and have all that belongs to them")
	}
	return c.response("trt:", ""), nil
}

// errNoStream is the fault of a transport that is not there.
func errNoStream(what string) error {
	return &fault{status: 400, codes: "ter:InvalidArgVal ter:InvalidStreamSetup", reason: what + " is not there: ask for RTP-Unicast over UDP or RTSP"}
}

// streamURI is where the profile is played: the host that the client has come to, as
// there is no other that surely leads there.
func (c *call) streamURI(p profile) (string, error) {
	switch {
	case c.server.o.RTSP != 0:
		return "rtsp://" + c.host + ":" + strconv.Itoa(c.server.o.RTSP) + "/" + p.stream.Path, nil
	case c.server.o.RTSPS != 0:
		return "rtsps://" + c.host + ":" + strconv.Itoa(c.server.o.RTSPS) + "/" + p.stream.Path, nil
	}
	return "", &fault{status: 500, receiver: true, codes: "ter:Action", reason: "there is no RTSP server"}
}

func (c *call) streamURI1() (markup, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	setup := c.in.Child("StreamSetup")
	switch {
	case strings.EqualFold(setup.Text("Stream"), "RTP-Multicast"):
		return "", errNoStream("multicast")
	case strings.EqualFold(setup.Text("Transport", "Protocol"), "HTTP"):
		return "", errNoStream("RTSP over HTTP")
	}
	uri, err := c.streamURI(p)
	if err != nil {
		return "", err
	}
	return c.mediaURI(uri), nil
}

func (c *call) mediaURI(uri string) markup {
	return c.response("trt:", form(`<trt:MediaUri><tt:Uri>%s</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>`, uri))
}

// snapshots says whether there are any.
func (c *call) snapshots() bool {
	_, err := c.server.o.Backend.Snapshot(c.ctx, "", "")
	return !errors.Is(err, ErrNotSupported)
}

// snapshotURI is at this device, for the same credentials.
func (c *call) snapshotURI() (string, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	if !c.snapshots() {
		return "", notSupported("there are no snapshots here; take a picture of the stream")
	}
	return c.base + snapshotPath + p.token + ".jpg", nil
}

func (c *call) snapshotURI1() (markup, error) {
	uri, err := c.snapshotURI()
	if err != nil {
		return "", err
	}
	return c.mediaURI(uri), nil
}

// synchronize asks the camera for a key picture (Media 5.14, Media2 5.5). For the metadata
// there is nothing to do: every scene is whole.
func (c *call) synchronize(prefix string) (markup, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	c.server.o.Backend.KeyPicture(p.camera.ID)
	return c.response(prefix, ""), nil
}

func (c *call) synchronize1() (markup, error) { return c.synchronize("trt:") }
