package device

import (
	"crypto/sha1"
	"net"
	"net/netip"
	"net/url"
)

// deviceOperations are those of the device service (Core 8).
func deviceOperations() map[string]operation {
	return map[string]operation{
		"GetSystemDateAndTime":   {access: open, answer: (*call).dateAndTime},
		"GetServices":            {access: open, answer: (*call).getServices},
		"GetServiceCapabilities": {access: open, answer: (*call).deviceCapabilities},
		"GetCapabilities":        {access: open, answer: (*call).getCapabilities},
		"GetHostname":            {access: open, answer: (*call).hostname},
		"GetWsdlUrl":             {access: open, answer: (*call).wsdl},
		"GetEndpointReference":   {access: open, answer: (*call).endpoint},
		"GetDeviceInformation":   {answer: (*call).information},
		"GetScopes":              {answer: (*call).getScopes},
		"GetDiscoveryMode":       {answer: (*call).discoveryMode},
		"GetNetworkInterfaces":   {answer: (*call).networkInterfaces},
		"GetNetworkProtocols":    {answer: (*call).networkProtocols},
		"GetUsers":               {answer: (*call).users},
	}
}

// dateAndTime is UTC; the device's own zone is UTC too.
func (c *call) dateAndTime() (markup, error) {
	at := c.server.gate.now().UTC()
	date := form(`<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>`+
		`<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date>`,
		at.Hour(), at.Minute(), at.Second(), at.Year(), int(at.Month()), at.Day())
	return form(`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>`+
		`<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime>%s</tt:UTCDateTime><tt:LocalDateTime>%s</tt:LocalDateTime>`+
		`</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`, date, date), nil
}

// getServices names the services as seen from the client (Core 8.1.2.1).
func (c *call) getServices() (markup, error) {
	with := c.in.Text("IncludeCapability") == "true" || c.in.Text("IncludeCapability") == "1"
	return form(`<tds:GetServicesResponse>%s</tds:GetServicesResponse>`, each(c.server.services, func(s service) markup {
		capability := markup("")
		if with {
			capability = `<tds:Capabilities>` + c.capabilities(s.space) + `</tds:Capabilities>`
		}
		return form(`<tds:Service><tds:Namespace>%s</tds:Namespace><tds:XAddr>%s</tds:XAddr>%s<tds:Version><tt:Major>%d</tt:Major><tt:Minor>%d</tt:Minor></tds:Version></tds:Service>`,
			s.space, c.base+s.path, capability, s.major, s.minor)
	})), nil
}

// capabilities are what a service can, as its GetServiceCapabilities says it.
func (c *call) capabilities(space string) markup {
	switch space {
	case deviceSpace:
		return `<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="true" DynDNS="false" NTP="0" Dot11Configuration="false"/>` +
			`<tds:Security TLS1.2="true" UsernameToken="true" HttpDigest="true" DefaultAccessPolicy="true" AccessPolicyConfig="false" RemoteUserHandling="false" MaxUsers="0" HashingAlgorithms="MD5,SHA-256"/>` +
			`<tds:System DiscoveryResolve="true" DiscoveryBye="true" RemoteDiscovery="false" SystemBackup="false" SystemLogging="false" FirmwareUpgrade="false" UserConfigNotSupported="true" NetworkConfigNotSupported="true"/></tds:Capabilities>`
	case mediaSpace:
		return form(`<trt:Capabilities SnapshotUri="%t" Rotation="false" OSD="false"><trt:ProfileCapabilities MaximumNumberOfProfiles="%d"/>`+
			`<trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="true" RTP_RTSP_TCP="true" NonAggregateControl="false"/></trt:Capabilities>`, c.snapshots(), len(c.profiles()))
	case media2Space:
		return form(`<tr2:Capabilities SnapshotUri="%t" Rotation="false" OSD="false"><tr2:ProfileCapabilities MaximumNumberOfProfiles="%d" ConfigurationsSupported="VideoSource VideoEncoder Analytics Metadata"/>`+
			`<tr2:StreamingCapabilities RTSPStreaming="true" RTPMulticast="false" RTP_RTSP_TCP="true" NonAggregateControl="false"/></tr2:Capabilities>`, c.snapshots(), len(c.profiles()))
	case eventSpace:
		return form(`<tev:Capabilities WSSubscriptionPolicySupport="false" WSPullPointSupport="true" WSPausableSubscriptionManagerInterfaceSupport="false" MaxNotificationProducers="0" MaxPullPoints="%d" PersistentNotificationStorage="false"/>`, maxPullPoints)
	default:
		return `<tan:Capabilities RuleSupport="true" AnalyticsModuleSupport="true" CellBasedSceneDescriptionSupported="false" RuleOptionsSupported="true" AnalyticsModuleOptionsSupported="true" SupportedMetadata="true"/>`
	}
}

func (c *call) deviceCapabilities() (markup, error) {
	return `<tds:GetServiceCapabilitiesResponse>` + c.capabilities(deviceSpace) + `</tds:GetServiceCapabilitiesResponse>`, nil
}

// getCapabilities is GetServices for old clients. Only what is there is in it: there are
// clients that stumble over an empty element.
func (c *call) getCapabilities() (markup, error) {
	at := func(i int) string { return c.base + c.server.services[i].path }
	parts := []struct {
		category string
		text     markup
	}{
		{"Analytics", form(`<tt:Analytics><tt:XAddr>%s</tt:XAddr><tt:RuleSupport>true</tt:RuleSupport><tt:AnalyticsModuleSupport>true</tt:AnalyticsModuleSupport></tt:Analytics>`, at(4))},
		{"Device", form(`<tt:Device><tt:XAddr>%s</tt:XAddr>`+
			`<tt:Network><tt:IPFilter>false</tt:IPFilter><tt:ZeroConfiguration>false</tt:ZeroConfiguration><tt:IPVersion6>true</tt:IPVersion6><tt:DynDNS>false</tt:DynDNS></tt:Network>`+
			`<tt:System><tt:DiscoveryResolve>true</tt:DiscoveryResolve><tt:DiscoveryBye>true</tt:DiscoveryBye><tt:RemoteDiscovery>false</tt:RemoteDiscovery><tt:SystemBackup>false</tt:SystemBackup>`+
			`<tt:SystemLogging>false</tt:SystemLogging><tt:FirmwareUpgrade>false</tt:FirmwareUpgrade><tt:SupportedVersions><tt:Major>24</tt:Major><tt:Minor>12</tt:Minor></tt:SupportedVersions></tt:System>`+
			`<tt:IO><tt:InputConnectors>0</tt:InputConnectors><tt:RelayOutputs>0</tt:RelayOutputs></tt:IO>`+
			`<tt:Security><tt:TLS1.1>false</tt:TLS1.1><tt:TLS1.2>%t</tt:TLS1.2><tt:OnboardKeyGeneration>false</tt:OnboardKeyGeneration><tt:AccessPolicyConfig>false</tt:AccessPolicyConfig>`+
			`<tt:X.509Token>false</tt:X.509Token><tt:SAMLToken>false</tt:SAMLToken><tt:KerberosToken>false</tt:KerberosToken><tt:RELToken>false</tt:RELToken></tt:Security></tt:Device>`, at(0), c.server.o.TLS != nil)},
		{"Events", form(`<tt:Events><tt:XAddr>%s</tt:XAddr><tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport>`+
			`<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>`, at(3))},
		{"Media", form(`<tt:Media><tt:XAddr>%s</tt:XAddr><tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities>`+
			`<tt:Extension><tt:ProfileCapabilities><tt:MaximumNumberOfProfiles>%d</tt:MaximumNumberOfProfiles></tt:ProfileCapabilities></tt:Extension></tt:Media>`, at(1), len(c.profiles()))},
	}
	asked := map[string]bool{}
	for _, e := range c.in.All("Category") {
		asked[e.Text()] = true
	}
	var found markup
	for _, p := range parts {
		if len(asked) == 0 || asked["All"] || asked[p.category] {
			found += p.text
		}
	}
	if found == "" {
		return "", &fault{status: 500, receiver: true, codes: "ter:ActionNotSupported ter:NoSuchService", reason: "the device has no service of this category"}
	}
	return `<tds:GetCapabilitiesResponse><tds:Capabilities>` + found + `</tds:Capabilities></tds:GetCapabilitiesResponse>`, nil
}

// name is what people call the device.
func (u *unit) name() string {
	if u.camera == "" {
		return u.server.o.Name
	}
	if c, ok := u.find(u.camera); ok && c.Name != "" {
		return c.Name
	}
	return u.camera
}

func (c *call) hostname() (markup, error) {
	return form(`<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>%s</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>`, c.server.o.Name), nil
}

func (c *call) wsdl() (markup, error) {
	return `<tds:GetWsdlUrlResponse><tds:WsdlUrl>http://www.onvif.org/</tds:WsdlUrl></tds:GetWsdlUrlResponse>`, nil
}

func (c *call) endpoint() (markup, error) {
	return form(`<tds:GetEndpointReferenceResponse><tds:GUID>%s</tds:GUID></tds:GetEndpointReferenceResponse>`, "urn:uuid:"+c.id), nil
}

func (c *call) information() (markup, error) {
	o := c.server.o
	return form(`<tds:GetDeviceInformationResponse><tds:Manufacturer>%s</tds:Manufacturer><tds:Model>%s</tds:Model><tds:FirmwareVersion>%s</tds:FirmwareVersion>`+
		`<tds:SerialNumber>%s</tds:SerialNumber><tds:HardwareId>%s</tds:HardwareId></tds:GetDeviceInformationResponse>`,
		o.Manufacturer, o.Model, o.Firmware, c.id, o.Model), nil
}

// scopes are what the device says of itself to whoever probes (Core 7.3.2.2).
func (u *unit) scopes() []string {
	hardware := u.server.o.Model
	if name := u.name(); name != hardware { // ZoneMinder lists devices by this alone
		hardware += " " + name
	}
	all := []string{"type/video_encoder", "type/video_analytics", "type/Network_Video_Transmitter",
		"Profile/Streaming", "Profile/T", "Profile/M", "hardware/" + word(hardware), "name/" + word(u.name()),
		"mac/" + u.hardwareAddress()} // by which Home Assistant leaves out what it has already
	for i, s := range all {
		all[i] = "onvif://www.onvif.org/" + s
	}
	return all
}

// word writes a text as a segment of a scope.
func word(text string) string { return url.PathEscape(text) }

func (c *call) getScopes() (markup, error) {
	return form(`<tds:GetScopesResponse>%s</tds:GetScopesResponse>`, each(c.scopes(), func(s string) markup {
		return form(`<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>%s</tt:ScopeItem></tds:Scopes>`, s)
	})), nil
}

func (c *call) discoveryMode() (markup, error) {
	mode := "NonDiscoverable"
	if c.server.o.Discovery {
		mode = "Discoverable"
	}
	return form(`<tds:GetDiscoveryModeResponse><tds:DiscoveryMode>%s</tds:DiscoveryMode></tds:GetDiscoveryModeResponse>`, mode), nil
}

// hardwareAddress is one that is administered locally (IEEE 802, 8.2), made of the UUID:
// clients that know devices by it must not take all devices of this host for one.
func (u *unit) hardwareAddress() string {
	sum := sha1.Sum([]byte(u.id))
	sum[0] = sum[0]&^1 | 2
	return net.HardwareAddr(sum[:6]).String()
}

// networkInterfaces tells the address that the client has come by, and nothing else of
// the host's network.
func (c *call) networkInterfaces() (markup, error) {
	own, length := c.local()
	address := form(`<tt:Config><tt:Manual><tt:Address>%s</tt:Address><tt:PrefixLength>%d</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config>`, own.String(), length)
	if own.Is6() {
		address = form(`<tt:IPv6><tt:Enabled>true</tt:Enabled><tt:Config><tt:DHCP>Off</tt:DHCP><tt:Manual><tt:Address>%s</tt:Address><tt:PrefixLength>%d</tt:PrefixLength></tt:Manual></tt:Config></tt:IPv6>`, own.String(), length)
	} else {
		address = `<tt:IPv4><tt:Enabled>true</tt:Enabled>` + address + `</tt:IPv4>`
	}
	return form(`<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="net0"><tt:Enabled>true</tt:Enabled>`+
		`<tt:Info><tt:Name>net0</tt:Name><tt:HwAddress>%s</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info>%s</tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>`,
		c.hardwareAddress(), address), nil
}

// local is the address that the client's connection has on this side.
func (c *call) local() (netip.Addr, int) {
	conn, _ := c.ctx.Value(connKey{}).(net.Conn)
	if conn == nil {
		return netip.IPv4Unspecified(), 0
	}
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.IPv4Unspecified(), 0
	}
	own := at.Addr().Unmap().WithZone("")
	addresses, _ := net.InterfaceAddrs() // without them the prefix is the whole address
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == own {
			return own, p.Bits()
		}
	}
	return own, own.BitLen()
}

func (c *call) networkProtocols() (markup, error) {
	port := 0
	if at, err := netip.ParseAddrPort(c.door.Addr().String()); err == nil {
		port = int(at.Port())
	}
	protocol := func(name string, on bool, port int) markup {
		if port == 0 {
			return ""
		}
		return form(`<tds:NetworkProtocols><tt:Name>%s</tt:Name><tt:Enabled>%t</tt:Enabled><tt:Port>%d</tt:Port></tds:NetworkProtocols>`, name, on, port)
	}
	return `<tds:GetNetworkProtocolsResponse>` + protocol("HTTP", true, port) + protocol("HTTPS", c.server.o.TLS != nil, port) +
		protocol("RTSP", true, c.server.o.RTSP) + `</tds:GetNetworkProtocolsResponse>`, nil
}

// users tells the caller who it is, and nothing of others.
func (c *call) users() (markup, error) {
	level := "User"
	if c.who.admin {
		level = "Administrator"
	}
	return form(`<tds:GetUsersResponse><tds:User><tt:Username>%s</tt:Username><tt:UserLevel>%s</tt:UserLevel></tds:User></tds:GetUsersResponse>`, c.who.name, level), nil
}
