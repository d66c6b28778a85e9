package onvif

import (
	"context"
	"errors"
	"strings"

	"pantau/onvif/soap"
)

// maxServices of a device; there are about 25 in ONVIF.
const maxServices = 64

// readServices asks with GetServices, and with GetCapabilities where the device has
// none or an empty one.
func (c *Client) readServices(ctx context.Context) error {
	body, err := c.open(ctx, "GetServices", "<IncludeCapability>false</IncludeCapability>")
	for _, e := range body.All("Service") {
		c.add(e.Text("Namespace"), version(e.Child("Version")), e.Text("XAddr"))
	}
	if c.service(mediaSpace) == nil && c.service(media2Space) == nil && !errors.Is(err, soap.ErrUnauthorized) {
		var old error
		if body, old = c.open(ctx, "GetCapabilities", "<Category>All</Category>"); old == nil || err == nil {
			err = old
		}
		for name, namespace := range map[string]string{"Device": deviceSpace, "Media": mediaSpace, "Media2": media2Space,
			"Events": eventsSpace, "PTZ": "http://www.onvif.org/ver20/ptz/wsdl",
			"Imaging": "http://www.onvif.org/ver20/imaging/wsdl", "Analytics": "http://www.onvif.org/ver20/analytics/wsdl"} {
			c.add(namespace, "", body.Child("Capabilities").Find(name).Text("XAddr"))
		}
	}
	if c.service(deviceSpace) == nil {
		c.services = append(c.services, Service{Namespace: deviceSpace, Advertised: c.base.String(), addresses: []string{c.base.String()}})
	}
	if len(c.services) > 1 || errors.Is(err, soap.ErrNotSupported) {
		err = nil
	}
	return err
}

// add notes a service that the device has not named before.
func (c *Client) add(namespace, version, advertised string) {
	namespace = strings.TrimRight(namespace, "/")
	if advertised == "" || c.service(namespace) != nil || len(c.services) >= maxServices {
		return
	}
	// Some write several addresses into one element.
	for _, address := range strings.Fields(advertised) {
		if addresses := c.here(address); len(addresses) > 0 {
			c.services = append(c.services, Service{Namespace: namespace, Version: version, Advertised: address, addresses: addresses})
			return
		}
	}
}

// open calls an operation of the device service that needs no signing in.
func (c *Client) open(ctx context.Context, operation, inner string) (*soap.Element, error) {
	answer, err := c.soap.Call(ctx, soap.Request{
		URL: c.base, Open: true, Action: deviceSpace + "/" + operation,
		Body: `<` + operation + ` xmlns="` + deviceSpace + `">` + inner + `</` + operation + `>`,
	})
	return responseOf(answer, operation, err)
}

// Information is what a device is (GetDeviceInformation, Core 8.1.2).
type Information struct {
	Manufacturer string `json:"manufacturer,omitempty"`
	Model        string `json:"model,omitempty"`
	Firmware     string `json:"firmware,omitempty"`
	Serial       string `json:"serial,omitempty"`
	Hardware     string `json:"hardware,omitempty"`
}

// Information asks what the device is. What can be read of a broken answer is given.
func (c *Client) Information(ctx context.Context) (Information, error) {
	body, err := c.call(ctx, deviceSpace, "GetDeviceInformation", "")
	return Information{
		Manufacturer: body.Text("Manufacturer"), Model: body.Text("Model"), Firmware: body.Text("FirmwareVersion"),
		Serial: body.Text("SerialNumber"), Hardware: body.Text("HardwareId"),
	}, c.explain("reading device information", err)
}
