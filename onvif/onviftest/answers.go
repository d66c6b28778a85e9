package onviftest

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	deviceSpace = "http://www.onvif.org/ver10/device/wsdl"
	mediaSpace  = "http://www.onvif.org/ver10/media/wsdl"
	media2Space = "http://www.onvif.org/ver20/media/wsdl"
)

// device answers for the device service.
func (d *Device) device(op operation, host string) (string, bool) {
	if op.XMLName.Space != deviceSpace {
		return "", false
	}
	q := d.options.Quirks
	base := "http://" + d.advertised(d.http, host) + "/onvif/"
	switch op.XMLName.Local {
	case "GetSystemDateAndTime":
		return d.time(), true
	case "GetServices":
		if q.NoServices {
			return "", false
		}
		text := service(deviceSpace, base+"device_service")
		if !q.NoMedia1 {
			text += service(mediaSpace, base+"media_service")
		}
		if !q.NoMedia2 {
			text += service(media2Space, base+"media2_service")
		}
		text += service(eventsSpace, base+"event_service")
		return `<tds:GetServicesResponse>` + text + `</tds:GetServicesResponse>`, true
	case "GetCapabilities":
		text := `<tt:Device><tt:XAddr>` + base + `device_service</tt:XAddr></tt:Device>`
		if !q.NoMedia1 {
			text += `<tt:Media><tt:XAddr>` + base + `media_service</tt:XAddr></tt:Media>`
		}
		text += `<tt:Events><tt:XAddr>` + base + `event_service</tt:XAddr><tt:WSPullPointSupport>` + strconv.FormatBool(!q.NoEvents) + `</tt:WSPullPointSupport></tt:Events>`
		return `<tds:GetCapabilitiesResponse><tds:Capabilities>` + text + `</tds:Capabilities></tds:GetCapabilitiesResponse>`, true
	case "GetDeviceInformation":
		model := d.options.Model
		if q.BadText {
			model += "\xff\xfe"
		}
		text := `<tds:Manufacturer>Fake</tds:Manufacturer><tds:Model>` + model + `</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion>` +
			`<tds:SerialNumber>` + d.options.Serial + `</tds:SerialNumber>`
		if q.BadText {
			text += `<tds:HardwareId><2</tds:HardwareId>`
		}
		return `<tds:GetDeviceInformationResponse>` + text + `</tds:GetDeviceInformationResponse>`, true
	}
	return "", false
}

func service(space, address string) string {
	return `<tds:Service><tds:Namespace>` + space + `</tds:Namespace><tds:XAddr>` + address + `</tds:XAddr>` +
		`<tds:Version><tt:Major>2</tt:Major><tt:Minor>6</tt:Minor></tds:Version></tds:Service>`
}

// now is the device's clock.
func (d *Device) now() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())).UTC() }

func (d *Device) time() string {
	q, t := d.options.Quirks, d.now()
	when := `<tt:UTCDateTime>` + dateTime(t) + `</tt:UTCDateTime>`
	zone := "UTC0"
	if q.LocalTimeOnly != "" {
		zone = q.LocalTimeOnly
		when = `<tt:LocalDateTime>` + dateTime(t.Add(7*time.Hour)) + `</tt:LocalDateTime>`
	}
	if q.ImpossibleDate {
		when = strings.Replace(when, fmt.Sprintf("<tt:Month>%d</tt:Month><tt:Day>%d</tt:Day>", t.Month(), t.Day()), "<tt:Month>2</tt:Month><tt:Day>31</tt:Day>", 1)
	}
	return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>` +
		`<tt:TimeZone><tt:TZ>` + zone + `</tt:TZ></tt:TimeZone>` + when + `</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`
}

func dateTime(t time.Time) string {
	return fmt.Sprintf(`<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>`+
		`<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date>`,
		t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day())
}

// media answers for both media services.
func (d *Device) media(op operation, host string) (string, bool) {
	q := d.options.Quirks
	second := op.XMLName.Space == media2Space
	if !second && op.XMLName.Space != mediaSpace || second && q.NoMedia2 || !second && q.NoMedia1 {
		return "", false
	}
	prefix := "trt"
	if second && !q.Media1Words {
		prefix = "tr2"
	}
	known := slices.ContainsFunc(d.profiles(), func(p Profile) bool { return p.Token == op.Token })
	if text, ok := d.encoders(op, prefix, second); ok {
		return text, true
	}
	text := ""
	switch op.XMLName.Local {
	case "GetProfiles":
		for i, p := range d.profiles() {
			text += d.profile(p, prefix, i > 0 || !q.NoEncoder, len(op.Types) > 0)
		}
	case "GetStreamUri":
		uri := "rtsp://" + d.advertised(d.rtsp, host) + "/" + op.Token
		d.mu.Lock()
		if d.stream != "" {
			uri = d.stream
		}
		d.mu.Unlock()
		text = uriAnswer(prefix, uri)
	case "GetSnapshotUri":
		uri := "http://" + d.advertised(d.http, host) + "/snapshot.jpg"
		if q.SnapshotURI != "" {
			uri = q.SnapshotURI
		}
		text = uriAnswer(prefix, uri)
	case "SetSynchronizationPoint":
	default:
		return "", false
	}
	if op.XMLName.Local != "GetProfiles" && !known {
		return "", false
	}
	name := prefix + ":" + op.XMLName.Local + "Response"
	return "<" + name + ">" + text + "</" + name + ">", true
}

func uriAnswer(prefix, uri string) string {
	if prefix == "tr2" {
		return "<tr2:Uri>" + escape(uri) + "</tr2:Uri>"
	}
	return "<trt:MediaUri><tt:Uri>" + escape(uri) + "</tt:Uri></trt:MediaUri>"
}

// profile is one in the words of Media1 or Media2. Media2 tells configurations only
// to who asks for them.
func (d *Device) profile(p Profile, prefix string, encoder, asked bool) string {
	source := `<tt:SourceToken>` + escape(p.Source) + `</tt:SourceToken>`
	text := `<tt:Name>` + escape(p.Name) + `</tt:Name>`
	if prefix == "tr2" {
		text = `<tr2:Name>` + escape(p.Name) + `</tr2:Name>`
	}
	switch {
	case prefix == "tr2" && asked:
		text += `<tr2:Configurations><tr2:VideoSource token="c">` + source + `</tr2:VideoSource>`
		if encoder {
			text += encoding(p, "tr2:VideoEncoder", true)
		}
		text += `</tr2:Configurations>`
	case prefix == "trt":
		text += `<tt:VideoSourceConfiguration token="c">` + source + `</tt:VideoSourceConfiguration>`
		if encoder {
			text += encoding(p, "tt:VideoEncoderConfiguration", false)
		}
	}
	return `<` + prefix + `:Profiles token="` + escape(p.Token) + `">` + text + `</` + prefix + `:Profiles>`
}

// encoding is a profile's encoder, as an element of that name.
func encoding(p Profile, name string, media2 bool) string {
	size := fmt.Sprintf(`<tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution>`, p.Width, p.Height)
	limits := fmt.Sprintf(`<tt:FrameRateLimit>%d</tt:FrameRateLimit><tt:BitrateLimit>%d</tt:BitrateLimit>`, p.Rate, p.BitRate)
	token := ` token="` + escape("e-"+p.Token) + `"`
	name2 := `<tt:Name>` + escape(p.Name) + `</tt:Name><tt:UseCount>1</tt:UseCount>`
	if media2 {
		return fmt.Sprintf(`<%s%s GovLength="%d" Profile="Main">%s<tt:Encoding>%s</tt:Encoding>%s<tt:RateControl ConstantBitRate="false">%s</tt:RateControl><tt:Quality>5</tt:Quality></%s>`,
			name, token, p.GOP, name2, p.Codec, size, limits, name)
	}
	return fmt.Sprintf(`<%s%s>%s<tt:Encoding>%s</tt:Encoding>%s<tt:Quality>5</tt:Quality><tt:RateControl>%s</tt:RateControl><tt:H264><tt:GovLength>%d</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>`+
		`<tt:SessionTimeout>PT60S</tt:SessionTimeout></%s>`, name, token, name2, p.Codec, size, limits, p.GOP, name)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
