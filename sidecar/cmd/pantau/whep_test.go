package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// watchWHEP watches a camera over WebRTC, signed in, until pictures and a scene have come.
func watchWHEP(t *testing.T, web *http.Client, console, camera string) {
	t.Helper()
	settings, media := webrtc.SettingEngine{}, &webrtc.MediaEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	peer, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.GracefulClose() }()
	if _, err := peer.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	channel, err := peer.CreateDataChannel("scenes", nil)
	if err != nil {
		t.Fatal(err)
	}
	packets, scenes := make(chan struct{}, 1000), make(chan string, 1000)
	channel.OnMessage(func(m webrtc.DataChannelMessage) { scenes <- string(m.Data) })
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			select {
			case packets <- struct{}{}:
			default:
			}
		}
	})
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	status, answer := http.StatusConflict, ""
	for deadline := time.Now().Add(20 * time.Second); status == http.StatusConflict && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		status, answer = post(t, web, "https://"+console+"/api/v1/cameras/"+camera+"/whep", offer.SDP) // until a key picture has come
	}
	if status != http.StatusCreated {
		t.Fatalf("got %d %s", status, answer)
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	late := time.After(20 * time.Second)
	for n := 0; n < 100; n++ {
		select {
		case <-packets:
		case <-late:
			t.Fatalf("%d packets came in 20 s", n)
		}
	}
	select {
	case s := <-scenes:
		if !strings.HasPrefix(s, `{"type":"scene","rtp":`) || !strings.Contains(s, `"cam":"`+camera+`"`) {
			t.Errorf("got %s", s)
		}
	case <-late:
		t.Error("no scene came in 20 s")
	}
}

// post sends an offer.
func post(t *testing.T, web *http.Client, url, offer string) (status int, answer string) {
	t.Helper()
	response, err := web.Post(url, "application/sdp", strings.NewReader(offer))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
