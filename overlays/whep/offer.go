package whep

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// maxMedia is how many media an offer may have: video, data, and what is not given.
const maxMedia = 8

// offer is what a viewer takes.
type offer struct {
	format
	every bool   // the viewer takes all profiles
	text  string // the offer with nothing in it but what is understood here
	fmtp  string // of the video in the answer
}

// readOffer reads an SDP offer for pictures of a profile-level-id. What it returns names
// one format of video and no address at all: the viewer is the one who finds us. With
// every, the viewer takes all profiles, whatever it offers. The error is a *Refusal.
func readOffer(text []byte, id profileLevelID, every bool) (offer, error) {
	var desc sdp.SessionDescription
	if err := desc.Unmarshal(text); err != nil {
		return offer{}, malformed("the offer is no SDP", err)
	}
	if n := len(desc.MediaDescriptions); n > maxMedia {
		return offer{}, refuse(400, fmt.Sprintf("the offer has %d media", n), "offer one video and, for the boxes, one data channel")
	}
	o := offer{every: every}
	var found bool
	for _, m := range desc.MediaDescriptions {
		switch {
		case m.MediaName.Media == "video" && !found && takes(m):
			f, err := chooseFormat(m, id, every)
			if err != nil {
				return offer{}, err
			}
			found, o.format, o.fmtp = true, f, f.answer(id)
			keepFormat(m, f, o.fmtp)
		case m.MediaName.Media == "application":
			m.Attributes = kept(m.Attributes)
		default: // refused in the answer
			m.MediaName.Port.Value, m.MediaName.Formats, m.Attributes = 0, []string{"0"}, kept(m.Attributes)
		}
	}
	if !found {
		return offer{}, refuse(400, "the offer asks for no video", "offer to receive one video (recvonly)")
	}
	desc.Attributes = kept(desc.Attributes)
	out, err := desc.Marshal()
	if err != nil {
		return offer{}, malformed("the offer is no SDP", err)
	}
	o.text = string(out)
	return o, nil
}

// takes says whether a medium is there to be received.
func takes(m *sdp.MediaDescription) bool {
	_, sends := m.Attribute("sendonly")
	_, rests := m.Attribute("inactive")
	return !sends && !rests
}

// understood are the attributes that are kept of an offer. Candidates are not among
// them.
var understood = []string{"group", "ice-ufrag", "ice-pwd", "ice-options", "fingerprint", "setup", "mid", "rtcp-mux", "rtcp-rsize",
	"recvonly", "sendrecv", "sendonly", "inactive", "sctp-port", "max-message-size", "msid-semantic"}

func kept(all []sdp.Attribute) []sdp.Attribute {
	return slices.DeleteFunc(all, func(a sdp.Attribute) bool { return !slices.Contains(understood, a.Key) })
}

// format is one way of H.264 that an offer names.
type format struct {
	kind  uint8
	id    profileLevelID
	known bool // the offer says which profile
}

// chooseFormat finds the nearest format that takes pictures of a profile.
func chooseFormat(m *sdp.MediaDescription, id profileLevelID, every bool) (format, error) {
	all := formats(m)
	if len(all) == 0 {
		return format{}, refuse(406, "the offer has no H.264 with packetization-mode=1", "use a player that takes H.264")
	}
	best := -1
	for i, f := range all {
		switch {
		case f.known && f.id.profile() < id.profile():
		case best < 0, !all[best].known && f.known, f.known && f.id.profile() < all[best].id.profile():
			best = i
		}
	}
	if best < 0 && every { // the one that takes most
		return slices.MaxFunc(all, func(a, b format) int { return a.id.profile() - b.id.profile() }), nil
	}
	if best < 0 {
		return format{}, refuse(406, fmt.Sprintf("the camera sends H.264 of profile-level-id %s, which is more than the offer takes", id),
			"set the camera's H.264 profile to Main or Baseline, or add ?profile=any to the address where the player takes it nevertheless")
	}
	return all[best], nil
}

// formats lists those of H.264 in packetization mode 1 (RFC 6184 clause 5.4).
func formats(m *sdp.MediaDescription) (all []format) {
	var h264 []string
	for _, a := range m.Attributes {
		kind, encoding, _ := strings.Cut(a.Value, " ")
		if a.Key == "rtpmap" && strings.EqualFold(strings.TrimSpace(encoding), "H264/90000") && slices.Contains(m.MediaName.Formats, kind) {
			h264 = append(h264, kind)
		}
	}
	for _, a := range m.Attributes {
		kind, list, _ := strings.Cut(a.Value, " ")
		n, err := strconv.ParseUint(kind, 10, 7)
		if a.Key != "fmtp" || err != nil || !slices.Contains(h264, kind) {
			continue
		}
		if p := parameters(list); p["packetization-mode"] == "1" {
			id, err := readProfileLevelID(p["profile-level-id"])
			all = append(all, format{kind: uint8(n), id: id, known: err == nil})
		}
	}
	return all
}

// parameters reads those of a format, such as "packetization-mode=1;profile-level-id=42e01f".
func parameters(list string) map[string]string {
	all := map[string]string{}
	for p := range strings.SplitSeq(list, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		all[strings.ToLower(key)] = value
	}
	return all
}

// answer is the format with the profile that was offered, as RFC 6184 clause 8.2.2 wants
// it, and the level of the pictures.
func (f format) answer(id profileLevelID) string {
	if f.known {
		id[0], id[1] = f.id[0], f.id[1]
	}
	return "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + id.String()
}

// keepFormat leaves one format in a medium.
func keepFormat(m *sdp.MediaDescription, f format, fmtp string) {
	kind := strconv.Itoa(int(f.kind))
	m.MediaName.Formats = []string{kind}
	m.Attributes = append(kept(m.Attributes), sdp.NewAttribute("rtpmap", kind+" H264/90000"), sdp.NewAttribute("fmtp", kind+" "+fmtp))
	for _, f := range feedback() {
		m.Attributes = append(m.Attributes, sdp.NewAttribute("rtcp-fb", strings.TrimSpace(kind+" "+f.Type+" "+f.Parameter)))
	}
}

// profileLevelID is the profile_idc, the constraint flags and the level_idc of a sequence
// parameter set (RFC 6184 clause 8.1).
type profileLevelID [3]byte

func (id profileLevelID) String() string { return hex.EncodeToString(id[:]) }

func readProfileLevelID(text string) (id profileLevelID, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(id) {
		return id, errors.New("not six hexadecimal digits")
	}
	return profileLevelID(raw), nil
}

// anyProfile is the rank of what takes everything.
const anyProfile = 4

// profile ranks the profiles such that who decodes one decodes those before it. What
// tells Baseline from Constrained Baseline, and High from Constrained High, no camera
// uses but for interlaced pictures.
func (id profileLevelID) profile() int {
	switch id[0] {
	case 66:
		return 1
	case 77, 88:
		return 2
	case 100:
		return 3
	}
	return anyProfile // 10 bits, 4:2:2, 4:4:4
}

// rank is that of the profiles which the viewer takes.
func (o offer) rank() int {
	if o.every || !o.known {
		return anyProfile
	}
	return o.id.profile()
}
