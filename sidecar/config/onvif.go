package config

import (
	"fmt"
	"strings"
)

// ONVIF says where the cameras are offered as ONVIF devices.
type ONVIF struct {
	Listen     string   `yaml:"listen"`     // host:port; with EachCamera that of the first; empty: not at all
	Mode       string   `yaml:"mode"`       // EachCamera or OneDevice
	Discovery  bool     `yaml:"discovery"`  // WS-Discovery; true
	Interfaces []string `yaml:"interfaces"` // on which; empty: all
}

// The modes of ONVIF.
const (
	EachCamera = "cameras" // a device for each camera, at ports of their own
	OneDevice  = "one"     // one device, each camera a video source of it
)

func (k *checker) onvifDevices(c *Config) {
	o := &c.ONVIF
	if o.Mode != EachCamera && o.Mode != OneDevice {
		k.wrong("onvif.mode", fmt.Sprintf("unknown mode %q", o.Mode), "use cameras (a device for each camera) or one (a device of all cameras)")
	}
	if o.Listen == "" {
		return
	}
	k.listen("onvif.listen", o.Listen)
	if c.RTSP.Listen == "" && c.RTSP.ListenTLS == "" {
		k.wrong("onvif.listen", "there is no RTSP server for the streams of the devices", "set rtsp.listen too, such as 127.0.0.1:8554")
	}
	for _, other := range [][2]string{{"console.listen", c.Console.Listen}, {"metrics.listen", c.Metrics.Listen}, {"rtsp.listen", c.RTSP.Listen}, {"rtsp.listen_tls", c.RTSP.ListenTLS}} {
		if other[1] == o.Listen && !strings.HasSuffix(o.Listen, ":0") {
			k.wrong("onvif.listen", "this address is taken by "+other[0], "use another port")
		}
	}
}
