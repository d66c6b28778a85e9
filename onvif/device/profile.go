package device

import (
	"fmt"
	"math"
	"strings"
)

// profile is one stream of one camera, with what belongs to it.
type profile struct {
	token  string
	camera Camera
	stream Stream
	use    int // profiles of the same camera
}

// maxToken is that of tt:ReferenceToken.
const maxToken = 64

// profiles are those of all streams whose video is known.
func (u *unit) profiles() []profile {
	var all []profile
	for _, cam := range u.cameras() {
		var own []profile
		for i, s := range cam.Streams {
			if s.Video.Codec == "" {
				continue
			}
			token := cam.ID
			if i > 0 {
				suffix := "_" + s.Name
				token = token[:min(len(token), maxToken-len(suffix))] + suffix
			}
			own = append(own, profile{token: token, camera: cam, stream: s})
		}
		for i := range own {
			own[i].use = len(own)
		}
		all = append(all, own...)
	}
	return all
}

// profile gives the one of a token.
func (u *unit) profile(token string) (profile, bool) {
	for _, p := range u.profiles() {
		if p.token == token {
			return p, true
		}
	}
	return profile{}, false
}

// asked gives the profile that the request names.
func (c *call) asked() (profile, error) {
	token := c.in.Text("ProfileToken")
	if p, ok := c.profile(token); ok {
		return p, nil
	}
	return profile{}, invalid("ter:NoProfile", "there is no profile %.64q; GetProfiles lists them", token)
}

// label is the profile's name for people.
func (p profile) label() string {
	name := p.camera.Name
	if name == "" {
		name = p.camera.ID
	}
	if p.token != p.camera.ID {
		name += " " + p.stream.Name
	}
	return strings.ToValidUTF8(name[:min(len(name), 64)], "")
}

// kind is a kind of configuration. They are all fixed: the video is the camera's, and the
// rules are of the analytics service.
type kind struct {
	name   string // in Media1's operations
	type2  string // in Media2's
	token  func(profile) string
	inner  func(p profile, media2 bool) markup // content of the element
	attrs  func(p profile, media2 bool) markup
	fits1  func(profile) bool // Media1 can describe it; nil: always
	option func(c *call, p []profile, media2 bool) markup
}

// kinds is the whole list, in the order of tr2:ConfigurationSet and tt:Profile.
func kinds() []kind {
	ofCamera := func(p profile) string { return p.camera.ID }
	ofStream := func(p profile) string { return p.token }
	return []kind{
		{name: "VideoSource", type2: "VideoSource", token: ofCamera, inner: sourceConfiguration, option: sourceOptions},
		{name: "VideoEncoder", type2: "VideoEncoder", token: ofStream, inner: encoderConfiguration, attrs: encoderAttributes, fits1: fitsMedia1, option: encoderOptions},
		{name: "VideoAnalytics", type2: "Analytics", token: ofCamera, inner: analyticsConfiguration},
		{name: "Metadata", type2: "Metadata", token: ofCamera, inner: metadataConfiguration, option: metadataOptions},
	}
}

// element writes a configuration.
func (k kind) element(tag string, p profile, media2 bool) markup {
	attrs, use := markup(""), p.use
	if k.attrs != nil {
		attrs, use = k.attrs(p, media2), 1 // of one stream alone
	}
	return form(`<%s token="%s"%s><tt:Name>%s</tt:Name><tt:UseCount>%d</tt:UseCount>%s</%s>`,
		markup(tag), k.token(p), attrs, k.token(p), use, k.inner(p, media2), markup(tag))
}

// fitsMedia1 says whether Media1 has a word for the codec (tt:VideoEncoding).
func fitsMedia1(p profile) bool { return p.stream.Video.Codec != "H265" }

// sourceConfiguration is the whole picture of the main stream.
func sourceConfiguration(p profile, _ bool) markup {
	v := p.camera.Streams[0].Video
	if v.Codec == "" {
		v = p.stream.Video
	}
	return form(`<tt:SourceToken>%s</tt:SourceToken><tt:Bounds x="0" y="0" width="%d" height="%d"/>`, p.camera.ID, v.Width, v.Height)
}

const multicast = `<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>`

// encoderConfiguration is what the stream really carries (tt:VideoEncoderConfiguration,
// tt:VideoEncoder2Configuration).
func encoderConfiguration(p profile, media2 bool) markup {
	v := p.stream.Video
	size := form(`<tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution>`, v.Width, v.Height)
	if media2 {
		return form(`<tt:Encoding>%s</tt:Encoding>%s<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>%s</tt:FrameRateLimit><tt:BitrateLimit>%d</tt:BitrateLimit></tt:RateControl><tt:Quality>0</tt:Quality>`,
			v.Codec, size, decimal(v.Rate), v.BitRate)
	}
	codec := markup("")
	if v.Codec == "H264" {
		codec = form(`<tt:H264><tt:GovLength>%d</tt:GovLength><tt:H264Profile>%s</tt:H264Profile></tt:H264>`, v.GOP, profile1(v.Profile))
	}
	return form(`<tt:Encoding>%s</tt:Encoding>%s<tt:Quality>0</tt:Quality><tt:RateControl><tt:FrameRateLimit>%d</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>`+
		`<tt:BitrateLimit>%d</tt:BitrateLimit></tt:RateControl>%s%s<tt:SessionTimeout>PT60S</tt:SessionTimeout>`,
		v.Codec, size, int(math.Round(v.Rate)), v.BitRate, codec, markup(multicast))
}

func encoderAttributes(p profile, media2 bool) markup {
	v := p.stream.Video
	switch {
	case !media2 || v.Codec == "JPEG":
		return ""
	case v.Profile == "":
		return form(` GovLength="%d"`, v.GOP)
	}
	return form(` GovLength="%d" Profile="%s"`, v.GOP, v.Profile)
}

// profile1 is one of tt:H264Profile.
func profile1(name string) string {
	switch name {
	case "Baseline", "Extended", "High":
		return name
	}
	return "Main"
}

func decimal(f float64) string { return fmt.Sprintf("%.3g", f) }

// metadataConfiguration gives boxes and events (tt:MetadataConfiguration).
func metadataConfiguration(profile, bool) markup {
	return `<tt:Events/><tt:Analytics>true</tt:Analytics>` + multicast + `<tt:SessionTimeout>PT60S</tt:SessionTimeout>`
}

// analyticsConfiguration is the module and its rules (tt:VideoAnalyticsConfiguration).
func analyticsConfiguration(p profile, _ bool) markup {
	return `<tt:AnalyticsEngineConfiguration>` + module("tt:AnalyticsModule") + `</tt:AnalyticsEngineConfiguration>` +
		`<tt:RuleEngineConfiguration>` + each(p.camera.Rules, func(r Rule) markup { return r.config("tt:Rule") }) + `</tt:RuleEngineConfiguration>`
}

// sourceOptions: the picture is what it is.
func sourceOptions(_ *call, all []profile, media2 bool) markup {
	var out markup
	for _, p := range all {
		v := p.stream.Video
		fixed := func(name string, n int) markup {
			return form(`<tt:%s><tt:Min>%d</tt:Min><tt:Max>%d</tt:Max></tt:%s>`, markup(name), n, n, markup(name))
		}
		out = `<tt:BoundsRange>` + fixed("XRange", 0) + fixed("YRange", 0) + fixed("WidthRange", v.Width) + fixed("HeightRange", v.Height) + `</tt:BoundsRange>`
		break
	}
	seen := map[string]bool{}
	return out + each(all, func(p profile) markup {
		if seen[p.camera.ID] {
			return ""
		}
		seen[p.camera.ID] = true
		return form(`<tt:VideoSourceTokensAvailable>%s</tt:VideoSourceTokensAvailable>`, p.camera.ID)
	})
}

// encoderOptions offers exactly what is there.
func encoderOptions(_ *call, all []profile, media2 bool) markup {
	if media2 {
		return each(all, func(p profile) markup {
			v := p.stream.Video
			attrs := form(` FrameRatesSupported="%s" ConstantBitRateSupported="false"`, decimal(v.Rate))
			if v.Codec != "JPEG" {
				attrs += form(` GovLengthRange="%d %d"`, v.GOP, v.GOP)
			}
			if v.Profile != "" {
				attrs += form(` ProfilesSupported="%s"`, v.Profile)
			}
			return form(`<tr2:Options%s><tt:Encoding>%s</tt:Encoding><tt:QualityRange><tt:Min>0</tt:Min><tt:Max>0</tt:Max></tt:QualityRange>`+
				`<tt:ResolutionsAvailable><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:ResolutionsAvailable>`+
				`<tt:BitrateRange><tt:Min>%d</tt:Min><tt:Max>%d</tt:Max></tt:BitrateRange></tr2:Options>`, attrs, v.Codec, v.Width, v.Height, v.BitRate, v.BitRate)
		})
	}
	out := markup(`<tt:QualityRange><tt:Min>0</tt:Min><tt:Max>0</tt:Max></tt:QualityRange>`)
	if len(all) == 0 {
		return out
	}
	v := all[0].stream.Video
	span := func(name string, n int) markup {
		return form(`<tt:%s><tt:Min>%d</tt:Min><tt:Max>%d</tt:Max></tt:%s>`, markup(name), n, n, markup(name))
	}
	size := form(`<tt:ResolutionsAvailable><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:ResolutionsAvailable>`, v.Width, v.Height)
	rate := span("FrameRateRange", int(math.Round(v.Rate))) + span("EncodingIntervalRange", 1)
	if v.Codec == "JPEG" {
		return out + `<tt:JPEG>` + size + rate + `</tt:JPEG>`
	}
	return out + `<tt:H264>` + size + span("GovLengthRange", v.GOP) + rate + form(`<tt:H264ProfilesSupported>%s</tt:H264ProfilesSupported></tt:H264>`, profile1(v.Profile))
}

// metadataOptions: there is no PTZ.
func metadataOptions(*call, []profile, bool) markup {
	return `<tt:PTZStatusFilterOptions><tt:PanTiltStatusSupported>false</tt:PanTiltStatusSupported><tt:ZoomStatusSupported>false</tt:ZoomStatusSupported></tt:PTZStatusFilterOptions>`
}
