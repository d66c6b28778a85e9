package onvif_test

import (
	"context"
	"testing"

	"pantau/onvif"
	"pantau/onvif/onviftest"
	"pantau/onvif/soap"
)

// password has every character that breaks an address.
const password = `p/w?d@#:%&<'"`

var credentials = soap.Credentials{User: "admin", Password: soap.NewSecret(password)}

// start runs a fake device until the test ends.
func start(tb testing.TB, o onviftest.Options) *onviftest.Device {
	tb.Helper()
	d, err := onviftest.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }() // received below
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("ending the fake device: %v", err)
		}
	})
	return d
}

// camera is a fake device with a password.
func camera(tb testing.TB, q onviftest.Quirks) *onviftest.Device {
	tb.Helper()
	return start(tb, onviftest.Options{User: "admin", Password: password, Model: "FC-1", Serial: "0815", Quirks: q})
}

func dial(tb testing.TB, d *onviftest.Device) *onvif.Client {
	tb.Helper()
	c, err := onvif.Dial(tb.Context(), d.Address(), onvif.Options{Credentials: credentials})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}
