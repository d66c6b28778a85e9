package main

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strconv"

	"pantau/sidecar/cmd/pantau/devices"
)

// beginONVIF opens the ports of the ONVIF devices, where they are wanted.
func (s *service) beginONVIF(_ context.Context, p *parts) (err error) {
	o := s.settings.ONVIF
	if o.Listen == "" {
		return nil
	}
	rtsp := 0
	if s.settings.RTSP.Listen != "" {
		rtsp = portOf(s.rtsp.Addr())
	}
	s.onvif, err = devices.New(devices.Options{
		Settings: o, Unmasked: s.settings.RTSP.Unmasked, Overlay: s.settings.RTSP.Overlay, RTSP: rtsp, RTSPS: portOf(s.settings.RTSP.ListenTLS),
		TLS:   &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.console.Certificate()}},
		State: filepath.Join(s.state, "onvif.json"), Snapshot: s.picture, Node: s.settings.Node, Version: version, File: s.file, Accounts: s.accounts,
		Change: s.change, Audit: s.audit, KeyFrame: func(camera string) { s.devices.KeyFrame(camera) }, Log: s.log,
	})
	if err != nil {
		return err
	}
	p.start("ONVIF", s.onvif.Run)
	return nil
}

// picture gives a camera's next picture, its masks blanked. No viewer asks for it here.
func (s *service) picture(ctx context.Context, camera string, boxes, blur bool) ([]byte, error) {
	data, _, err := s.snapshot(ctx, camera, boxes, blur)
	return data, err
}

// portOf is the port of an address; 0 where there is none.
func portOf(address string) int {
	_, text, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(text)
	return port
}
