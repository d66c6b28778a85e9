package onvif

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"pantau/onvif/soap"
)

// maxProfiles of a device; recorders have a few for each channel.
const maxProfiles = 1024

// Profile is a way in which a device sends a video source.
type Profile struct {
	Token   string  `json:"token"` // the device's own word; never taken apart
	Name    string  `json:"name,omitempty"`
	Source  string  `json:"source,omitempty"`  // token of the video source
	Encoder string  `json:"encoder,omitempty"` // token of the video encoder
	Codec   string  `json:"codec"`             // H264, H265, JPEG, MPEG4; as the device writes it in upper case
	Width   int     `json:"width"`             // pixels
	Height  int     `json:"height"`
	Rate    float64 `json:"rate,omitempty"`     // frames/s, the limit
	GOP     int     `json:"gop,omitempty"`      // frames from key frame to key frame
	BitRate int     `json:"bit_rate,omitempty"` // kbit/s, the limit
	Media2  bool    `json:"media2"`             // comes from the Media2 service
}

// Profiles are all profiles with a video encoder: those of Media2, and those of the
// older media service where there are none.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	var failed error
	if c.service(media2Space) != nil {
		found, err := c.profiles2(ctx)
		if len(found) > 0 || errors.Is(err, soap.ErrUnauthorized) {
			return found, c.explain("reading profiles", err)
		}
		failed = err
	}
	if c.service(mediaSpace) == nil {
		if failed == nil {
			failed = soap.ErrNotSupported
		}
		return nil, c.explain("reading profiles", failed)
	}
	body, err := c.call(ctx, mediaSpace, "GetProfiles", "")
	return profilesOf(body, false), c.explain("reading profiles", err)
}

// profiles2 asks Media2. Some devices do not know the type All (Media2 5.2.1).
func (c *Client) profiles2(ctx context.Context) ([]Profile, error) {
	body, err := c.call(ctx, media2Space, "GetProfiles", "<Type>All</Type>")
	if found := profilesOf(body, true); len(found) > 0 || errors.Is(err, soap.ErrUnauthorized) {
		return found, err
	}
	body, again := c.call(ctx, media2Space, "GetProfiles", "<Type>VideoSource</Type><Type>VideoEncoder</Type>")
	if err == nil {
		err = again
	}
	return profilesOf(body, true), err
}

// profilesOf reads both forms, whichever was asked for: there are devices that answer
// Media2 in the words of Media1. The namespace of the answer says which service it was.
func profilesOf(body *soap.Element, media2 bool) []Profile {
	var all []Profile
	for _, e := range body.All("Profiles") {
		encoder, source := e.Child("Configurations", "VideoEncoder"), e.Child("Configurations", "VideoSource")
		if encoder == nil {
			encoder, source = e.Child("VideoEncoderConfiguration"), e.Child("VideoSourceConfiguration")
		}
		token := e.Attr("token")
		if encoder == nil || token == "" || len(all) >= maxProfiles {
			continue
		}
		p := Profile{
			Token: token, Name: e.Text("Name"), Source: source.Text("SourceToken"),
			Encoder: encoder.Attr("token"), Codec: codecName(encoder.Text("Encoding")),
			Width: encoder.Int("Resolution", "Width"), Height: encoder.Int("Resolution", "Height"),
			Rate: encoder.Float("RateControl", "FrameRateLimit"), BitRate: encoder.Int("RateControl", "BitrateLimit"),
			GOP:    govLength(encoder),
			Media2: media2 && body.Space != mediaSpace,
		}
		all = append(all, p)
	}
	return all
}

// govLength is an attribute in Media2, and an element per codec in Media1.
func govLength(encoder *soap.Element) int {
	if n, err := strconv.Atoi(encoder.Attr("GovLength")); err == nil {
		return n
	}
	return encoder.Find("GovLength").Int()
}

// codecName makes one name of H264, H.264, video/h264 and their like.
func codecName(encoding string) string {
	name := strings.ToUpper(strings.NewReplacer(".", "", "-", "", "video/", "").Replace(encoding))
	switch name {
	case "HEVC":
		return "H265"
	case "AVC":
		return "H264"
	}
	return name
}

// SetSynchronizationPoint asks for a key frame now, and for the state of all events
// (Media2 5.5, Media 5.14). Not every device does it.
func (c *Client) SetSynchronizationPoint(ctx context.Context, p Profile) error {
	_, err := c.call(ctx, p.space(), "SetSynchronizationPoint", "<ProfileToken>"+soap.Escape(p.Token)+"</ProfileToken>")
	return c.explain("asking for a key frame", err)
}

// space is the namespace of the service that a profile comes from.
func (p Profile) space() string {
	if p.Media2 {
		return media2Space
	}
	return mediaSpace
}
