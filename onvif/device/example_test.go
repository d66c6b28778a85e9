package device_test

import (
	"context"
	"log"
	"os"
	"time"

	"pantau/onvif/device"
	"pantau/onvif/soap"
)

// backend knows one account, and has no pictures.
type backend struct{}

func (backend) Account(_ context.Context, user string) (device.Account, error) {
	if user != "viewer" {
		return device.Account{}, nil
	}
	return device.Account{Passwords: []soap.Secret{soap.NewSecret(os.Getenv("VIEWER_PW"))}}, nil
}

func (backend) Snapshot(context.Context, string, string) ([]byte, error) {
	return nil, device.ErrNotSupported
}

func (backend) KeyPicture(string) {}

func (backend) ChangeRules(context.Context, string, string, device.RuleChange) error {
	return &device.Refusal{Reason: "rules are fixed here"}
}

// An RTSP server at port 8554 of this host becomes an ONVIF camera.
func Example() {
	s, err := device.New(device.Options{Backend: backend{}, Listen: "0.0.0.0:8080", RTSP: 8554, Discovery: true, State: "onvif.json",
		Name: "host-1", Manufacturer: "Example", Model: "Gateway", Firmware: "1.0"})
	if err != nil {
		log.Fatal(err)
	}
	s.Put(device.Camera{ID: "door", Name: "Front door",
		Streams: []device.Stream{{Name: "main", Path: "door", Video: device.Video{Codec: "H264", Width: 1920, Height: 1080, Rate: 25, BitRate: 4096, Profile: "High", GOP: 50}}},
		Rules:   []device.Rule{{Name: "step", Type: device.FieldDetector, Field: []device.Point{{X: -1, Y: -1}, {X: 1, Y: -1}, {X: 0, Y: 0}}}}})
	s.Notify("door", device.Motion("door", time.Now(), true)...)
	if err := s.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
