package onviftest

import (
	"fmt"
	"slices"
)

// configuration is a video encoder's, as it is set.
type configuration struct {
	Token      string `xml:"token,attr"`
	GovLength  int    `xml:"GovLength,attr"`
	Name       string `xml:"http://www.onvif.org/ver10/schema Name"`
	Encoding   string `xml:"http://www.onvif.org/ver10/schema Encoding"`
	Resolution struct {
		Width  int `xml:"http://www.onvif.org/ver10/schema Width"`
		Height int `xml:"http://www.onvif.org/ver10/schema Height"`
	} `xml:"http://www.onvif.org/ver10/schema Resolution"`
	Quality     float64 `xml:"http://www.onvif.org/ver10/schema Quality"`
	RateControl struct {
		Rate    int `xml:"http://www.onvif.org/ver10/schema FrameRateLimit"`
		BitRate int `xml:"http://www.onvif.org/ver10/schema BitrateLimit"`
	} `xml:"http://www.onvif.org/ver10/schema RateControl"`
	H264 struct {
		GovLength int `xml:"http://www.onvif.org/ver10/schema GovLength"`
	} `xml:"http://www.onvif.org/ver10/schema H264"`
}

// profiles are the profiles as they are set now.
func (d *Device) profiles() []Profile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.options.Profiles)
}

// encoders answers for the video encoders: one for each profile.
func (d *Device) encoders(op operation, prefix string, media2 bool) (string, bool) {
	all := d.profiles()
	i := slices.IndexFunc(all, func(p Profile) bool { return "e-"+p.Token == op.Configuration })
	switch op.XMLName.Local {
	case "GetVideoEncoderConfigurations":
		text := ""
		for _, p := range all { // whatever was asked for
			text += encoding(p, prefix+":Configurations", media2)
		}
		return `<` + prefix + `:GetVideoEncoderConfigurationsResponse>` + text + `</` + prefix + `:GetVideoEncoderConfigurationsResponse>`, true
	case "GetVideoEncoderConfiguration":
		if i < 0 || media2 {
			return "", false
		}
		return `<trt:GetVideoEncoderConfigurationResponse>` + encoding(all[i], "trt:Configuration", false) + `</trt:GetVideoEncoderConfigurationResponse>`, true
	case "GetVideoEncoderConfigurationOptions":
		return d.abilities(media2), true
	case "SetVideoEncoderConfiguration":
		return `<` + prefix + `:SetVideoEncoderConfigurationResponse/>`, d.set(op.Set, media2)
	}
	return "", false
}

func (d *Device) abilities(media2 bool) string {
	sizes := `<tt:ResolutionsAvailable><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:ResolutionsAvailable>` +
		`<tt:ResolutionsAvailable><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:ResolutionsAvailable>`
	limits := func(name string, least, most int) string {
		return fmt.Sprintf(`<tt:%s><tt:Min>%d</tt:Min><tt:Max>%d</tt:Max></tt:%s>`, name, least, most, name)
	}
	text := ""
	if !media2 {
		text = `<trt:Options><tt:H264>` + sizes + limits("GovLengthRange", 1, 400) + limits("FrameRateRange", 1, 25) + `</tt:H264><tt:Extension><tt:H264>` +
			limits("BitrateRange", 64, 8192) + `</tt:H264></tt:Extension></trt:Options>`
		return `<trt:GetVideoEncoderConfigurationOptionsResponse>` + text + `</trt:GetVideoEncoderConfigurationOptionsResponse>`
	}
	for _, codec := range []string{"H264", "H265"} {
		text += `<tr2:Options GovLengthRange="1 400" FrameRatesSupported="25 20 15 10 5 1"><tt:Encoding>` + codec + `</tt:Encoding>` + sizes + limits("BitrateRange", 64, 8192) + `</tr2:Options>`
	}
	return `<tr2:GetVideoEncoderConfigurationOptionsResponse>` + text + `</tr2:GetVideoEncoderConfigurationOptionsResponse>`
}

// set takes a configuration over, if it is whole: what is not known to a client must
// come back as it was told.
func (d *Device) set(c configuration, media2 bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.options.Profiles, func(p Profile) bool { return "e-"+p.Token == c.Token })
	if i < 0 || c.Quality != 5 || c.Name != d.options.Profiles[i].Name || c.Encoding == "" {
		return false
	}
	p := &d.options.Profiles[i]
	p.Codec, p.Width, p.Height = c.Encoding, c.Resolution.Width, c.Resolution.Height
	p.Rate, p.BitRate, p.GOP = c.RateControl.Rate, c.RateControl.BitRate, c.GovLength
	if !media2 {
		p.GOP = c.H264.GovLength
	}
	return true
}
