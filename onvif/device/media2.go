package device

import (
	"slices"
	"strings"
)

// media2Operations are those of Media2 (Media2 5).
func media2Operations() map[string]operation {
	all := map[string]operation{
		"GetServiceCapabilities": {access: open, answer: func(c *call) (markup, error) {
			return `<tr2:GetServiceCapabilitiesResponse>` + c.capabilities(media2Space) + `</tr2:GetServiceCapabilitiesResponse>`, nil
		}},
		"GetProfiles":             {answer: (*call).profiles2},
		"GetStreamUri":            {answer: (*call).streamURI2},
		"GetSnapshotUri":          {answer: (*call).snapshotURI2},
		"SetSynchronizationPoint": {answer: func(c *call) (markup, error) { return c.synchronize("tr2:") }},
		"AddConfiguration":        {access: change, answer: (*call).add2},
		"RemoveConfiguration": {access: change, answer: func(*call) (markup, error) {
			return "", fixed("the profiles of this device are fixed: nothing can be taken out of them")
		}},
		"GetVideoEncoderInstances": {answer: (*call).instances},
	}
	for _, k := range kinds() {
		all["Get"+k.type2+"Configurations"] = operation{answer: func(c *call) (markup, error) { return c.configurations(k, true) }}
		if k.type2 != "Analytics" { // of which Media2 has none
			all["Set"+k.type2+"Configuration"] = operation{access: change, answer: func(c *call) (markup, error) { return c.set(k, "tr2:") }}
		}
		if k.option != nil {
			all["Get"+k.type2+"ConfigurationOptions"] = operation{answer: func(c *call) (markup, error) { return c.options(k, true) }}
		}
	}
	return all
}

// profiles2 gives the configurations that are asked for by their types (Media2 5.2.1).
func (c *call) profiles2() (markup, error) {
	wanted := c.in.Text("Token")
	var types []string
	for _, e := range c.in.All("Type") {
		types = append(types, e.Text())
	}
	all := c.profiles()
	if wanted != "" {
		all = slices.DeleteFunc(all, func(p profile) bool { return p.token != wanted })
		if len(all) == 0 {
			return "", invalid("ter:NoProfile", "there is no profile %.64q", wanted)
		}
	}
	return `<tr2:GetProfilesResponse>` + each(all, func(p profile) markup {
		inner := markup("")
		for _, k := range kinds() {
			if slices.Contains(types, "All") || slices.Contains(types, k.type2) {
				inner += k.element("tr2:"+k.type2, p, true)
			}
		}
		if inner != "" {
			inner = `<tr2:Configurations>` + inner + `</tr2:Configurations>`
		}
		return form(`<tr2:Profiles token="%s" fixed="true"><tr2:Name>%s</tr2:Name>%s</tr2:Profiles>`, p.token, p.label(), inner)
	}) + `</tr2:GetProfilesResponse>`, nil
}

func (c *call) streamURI2() (markup, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	switch strings.ToLower(c.in.Text("Protocol")) {
	case "rtspmulticast":
		return "", errNoStream("multicast")
	case "rtspoverhttp":
		return "", errNoStream("RTSP over HTTP")
	}
	uri, err := c.streamURI(p)
	if err != nil {
		return "", err
	}
	return c.response("tr2:", form(`<tr2:Uri>%s</tr2:Uri>`, uri)), nil
}

func (c *call) snapshotURI2() (markup, error) {
	uri, err := c.snapshotURI()
	if err != nil {
		return "", err
	}
	return c.response("tr2:", form(`<tr2:Uri>%s</tr2:Uri>`, uri)), nil
}

// add2 takes configurations that the profile has already.
func (c *call) add2() (markup, error) {
	p, err := c.asked()
	if err != nil {
		return "", err
	}
	for _, e := range c.in.All("Configuration") {
		i := slices.IndexFunc(kinds(), func(k kind) bool { return k.type2 == e.Text("Type") })
		if i < 0 || e.Text("Token") != "" && e.Text("Token") != kinds()[i].token(p) {
			return "", fixed("the profiles of this device are fixed, and have all that belongs to them")
		}
	}
	return c.response("tr2:", ""), nil
}

// instances are as many as the camera has streams: they are not encoded for a reader.
func (c *call) instances() (markup, error) {
	all, err := c.chosen(kinds()[0], true)
	if err != nil || len(all) == 0 {
		return "", invalid("ter:NoConfig", "there is no configuration %.64q", c.in.Text("ConfigurationToken"))
	}
	return c.response("tr2:", form(`<tr2:Info><tr2:Total>%d</tr2:Total></tr2:Info>`, all[0].use)), nil
}
