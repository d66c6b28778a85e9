package onvif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pantau/onvif/soap"
)

// schemaSpace is the namespace of what configurations are made of.
const schemaSpace = "http://www.onvif.org/ver10/schema"

// Encoder is the configuration of a video encoder (Media2 5.3.3, Media 5.6).
type Encoder struct {
	Token   string  `json:"token"`
	Name    string  `json:"name,omitempty"`
	Codec   string  `json:"codec"`
	Width   int     `json:"width"` // pixels
	Height  int     `json:"height"`
	Rate    float64 `json:"rate"`     // frames/s, the limit
	GOP     int     `json:"gop"`      // frames from key frame to key frame
	BitRate int     `json:"bit_rate"` // kbit/s, the limit
	Media2  bool    `json:"media2"`
	XML     string  `json:"xml"` // as the device tells it, with all that is not read here
}

// String is the configuration in a line.
func (e Encoder) String() string {
	return fmt.Sprintf("%s %d×%d, %g frames/s, key frame every %d, %d kbit/s", e.Codec, e.Width, e.Height, e.Rate, e.GOP, e.BitRate)
}

// Settings are what is to become of an encoder. Zero values stay as they are.
type Settings struct {
	Codec         string
	Width, Height int
	Rate          float64
	GOP, BitRate  int
}

// Ability is what an encoder can do with one codec.
type Ability struct {
	Codec   string    `json:"codec"`
	Sizes   [][2]int  `json:"sizes,omitempty"`    // width, height
	Rates   []float64 `json:"rates,omitempty"`    // frames/s: each of them, or where Range, from the first to the second
	Range   bool      `json:"range"`              // Rates are the least and the most
	GOP     [2]int    `json:"gop,omitempty"`      // least and most; zero: not told
	BitRate [2]int    `json:"bit_rate,omitempty"` // kbit/s, least and most; zero: not told
}

// Encoder reads the configuration of a profile's encoder.
func (c *Client) Encoder(ctx context.Context, p Profile) (Encoder, error) {
	operation, found := "GetVideoEncoderConfigurations", "Configurations"
	if !p.Media2 {
		operation, found = "GetVideoEncoderConfiguration", "Configuration"
	}
	body, err := c.call(ctx, p.space(), operation, "<ConfigurationToken>"+soap.Escape(p.Encoder)+"</ConfigurationToken>")
	if err != nil {
		return Encoder{}, c.explain("reading the encoder", err)
	}
	// Some give all of them, whatever was asked for.
	for _, e := range body.All(found) {
		if e.Attr("token") == p.Encoder {
			return encoderOf(e, p.Media2), nil
		}
	}
	return Encoder{}, c.explain("reading the encoder", fmt.Errorf("the device has no encoder %q: %w", p.Encoder, soap.ErrNotSupported))
}

func encoderOf(e *soap.Element, media2 bool) Encoder {
	return Encoder{
		Token: e.Attr("token"), Name: e.Text("Name"), Codec: codecName(e.Text("Encoding")),
		Width: e.Int("Resolution", "Width"), Height: e.Int("Resolution", "Height"),
		Rate: e.Float("RateControl", "FrameRateLimit"), BitRate: e.Int("RateControl", "BitrateLimit"),
		GOP: govLength(e), Media2: media2, XML: e.XML(""),
	}
}

// Abilities asks what a profile's encoder can do. Not every device tells it.
func (c *Client) Abilities(ctx context.Context, p Profile) ([]Ability, error) {
	body, err := c.call(ctx, p.space(), "GetVideoEncoderConfigurationOptions", "<ConfigurationToken>"+soap.Escape(p.Encoder)+"</ConfigurationToken>")
	if err != nil {
		return nil, c.explain("asking what the encoder can do", err)
	}
	var all []Ability
	if p.Media2 {
		for _, e := range body.All("Options") {
			a := Ability{Codec: codecName(e.Text("Encoding")), Sizes: sizesOf(e), BitRate: rangeOf(e.Child("BitrateRange"))}
			for _, r := range strings.Fields(e.Attr("FrameRatesSupported")) {
				if f, err := strconv.ParseFloat(r, 64); err == nil {
					a.Rates = append(a.Rates, f)
				}
			}
			if gop := strings.Fields(e.Attr("GovLengthRange")); len(gop) == 2 {
				a.GOP[0], _ = strconv.Atoi(gop[0]) // what is no number is not told
				a.GOP[1], _ = strconv.Atoi(gop[1])
			}
			all = append(all, a)
		}
		return all, nil
	}
	options := body.Child("Options")
	for _, name := range []string{"JPEG", "MPEG4", "H264"} {
		e := options.Child(name)
		if e == nil {
			continue
		}
		rates := rangeOf(e.Child("FrameRateRange"))
		all = append(all, Ability{Codec: name, Sizes: sizesOf(e), GOP: rangeOf(e.Child("GovLengthRange")), Range: true,
			Rates: []float64{float64(rates[0]), float64(rates[1])}, BitRate: rangeOf(options.Child("Extension", name, "BitrateRange"))})
	}
	return all, nil
}

func sizesOf(e *soap.Element) [][2]int {
	var all [][2]int
	for _, r := range e.All("ResolutionsAvailable") {
		if len(all) < 256 {
			all = append(all, [2]int{r.Int("Width"), r.Int("Height")})
		}
	}
	return all
}

func rangeOf(e *soap.Element) [2]int { return [2]int{e.Int("Min"), e.Int("Max")} }

// With is the encoder with other settings, as they are wanted.
func (e Encoder) With(s Settings) Encoder {
	e.Codec, e.Rate, e.GOP, e.BitRate = cmp.Or(s.Codec, e.Codec), cmp.Or(s.Rate, e.Rate), cmp.Or(s.GOP, e.GOP), cmp.Or(s.BitRate, e.BitRate)
	e.Width, e.Height = cmp.Or(s.Width, e.Width), cmp.Or(s.Height, e.Height)
	return e
}

// Check says what of a change an encoder cannot do, as far as its abilities are known;
// nil: it can.
func (e Encoder) Check(change Settings, abilities []Ability) error {
	if len(abilities) == 0 {
		return nil
	}
	codec := e.Codec
	if change.Codec != "" {
		codec = change.Codec
	}
	i := slices.IndexFunc(abilities, func(a Ability) bool { return a.Codec == codec })
	if i < 0 {
		var names []string
		for _, a := range abilities {
			names = append(names, a.Codec)
		}
		return fmt.Errorf("it has no %s; it has %s", codec, strings.Join(names, ", "))
	}
	a := abilities[i]
	if size := [2]int{change.Width, change.Height}; change.Width > 0 && len(a.Sizes) > 0 && !slices.Contains(a.Sizes, size) {
		return fmt.Errorf("it cannot send %d×%d as %s; it can send %s", size[0], size[1], codec, sizesText(a.Sizes))
	}
	if change.Rate > 0 && !a.sends(change.Rate) {
		return fmt.Errorf("it cannot send %g frames/s; it can send %s", change.Rate, a.ratesText())
	}
	for what, c := range map[string]struct {
		value int
		limit [2]int
	}{"a key frame every": {change.GOP, a.GOP}, "kbit/s:": {change.BitRate, a.BitRate}} {
		if c.value > 0 && c.limit[1] > 0 && (c.value < c.limit[0] || c.value > c.limit[1]) {
			return fmt.Errorf("it cannot send %s %d; it can from %d to %d", what, c.value, c.limit[0], c.limit[1])
		}
	}
	return nil
}

func (a Ability) sends(rate float64) bool {
	switch {
	case len(a.Rates) == 0 || a.Range && a.Rates[1] == 0:
		return true // not told
	case a.Range:
		return rate >= a.Rates[0] && rate <= a.Rates[1]
	}
	return slices.Contains(a.Rates, rate)
}

func (a Ability) ratesText() string {
	if a.Range {
		return fmt.Sprintf("%g to %g", a.Rates[0], a.Rates[1])
	}
	return strings.Trim(fmt.Sprint(a.Rates), "[]")
}

func sizesText(sizes [][2]int) string {
	var all []string
	for _, s := range sizes {
		all = append(all, fmt.Sprintf("%d×%d", s[0], s[1]))
	}
	return strings.Join(all, ", ")
}

// String is what the encoder can do with a codec, in a line.
func (a Ability) String() string {
	return fmt.Sprintf("%s: %s; %s frames/s; key frame every %d to %d; %d to %d kbit/s", a.Codec, sizesText(a.Sizes), a.ratesText(), a.GOP[0], a.GOP[1], a.BitRate[0], a.BitRate[1])
}

// SetEncoder changes an encoder, for good: the device keeps it. All that the change does
// not name is sent back as the device told it. Devices may round what they are sent; the
// configuration as it is then is given.
func (c *Client) SetEncoder(ctx context.Context, p Profile, e Encoder, change Settings) (Encoder, error) {
	root, err := soap.Parse([]byte(e.XML))
	if err == nil {
		err = change.apply(root)
	}
	if err != nil {
		return e, c.explain("changing the encoder", err)
	}
	space := p.space()
	root.Name, root.Space = "Configuration", space
	root.Adopt(schemaSpace)
	inner := root.XML("")
	if !e.Media2 {
		inner += "<ForcePersistence>true</ForcePersistence>"
	}
	r := soap.Request{Action: space + "/SetVideoEncoderConfiguration", Once: true}
	if _, err := c.ask(ctx, r, space, "SetVideoEncoderConfiguration", inner); err != nil {
		return e, c.explain("changing the encoder", err)
	}
	return c.Encoder(ctx, p)
}

var errNotTold = errors.New("the device does not tell this setting, so it cannot be changed")

// apply writes a change into a configuration. What is not there is not made: where it
// must stand differs from device to device.
func (change Settings) apply(e *soap.Element) error {
	set := func(text string, path ...string) error {
		child := e.Child(path...)
		if child == nil {
			return fmt.Errorf("%s: %w", strings.Join(path, "/"), errNotTold)
		}
		child.SetText(text)
		return nil
	}
	var errs []error
	if change.Codec != "" {
		errs = append(errs, set(change.Codec, "Encoding"))
	}
	if change.Width > 0 {
		errs = append(errs, set(strconv.Itoa(change.Width), "Resolution", "Width"), set(strconv.Itoa(change.Height), "Resolution", "Height"))
	}
	if change.Rate > 0 {
		errs = append(errs, set(strconv.FormatFloat(change.Rate, 'f', -1, 64), "RateControl", "FrameRateLimit"))
	}
	if change.BitRate > 0 {
		errs = append(errs, set(strconv.Itoa(change.BitRate), "RateControl", "BitrateLimit"))
	}
	if change.GOP > 0 && !e.SetAttr("GovLength", strconv.Itoa(change.GOP)) {
		codec := codecName(e.Text("Encoding")) // Media1 has one for each codec
		errs = append(errs, set(strconv.Itoa(change.GOP), codec, "GovLength"))
	}
	return errors.Join(errs...)
}
