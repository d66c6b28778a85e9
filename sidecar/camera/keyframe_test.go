package camera

import (
	"log/slog"
	"testing"
	"time"

	"pantau/onvif/onviftest"
	"pantau/sidecar"
)

// TestAKeyFrameIsAskedForOnce asks many times at once.
func TestAKeyFrameIsAskedForOnce(t *testing.T) {
	d := fake(t, onviftest.Options{})
	devices := listening(t, make(facts, 16))
	c := of(d)
	devices.Camera(c)
	devices.KeyFrame("gate") // before it has told its stream: nobody knows of which profile
	devices.KeyFrame("other")
	if _, err := devices.Resolve(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		devices.KeyFrame("gate")
	}
	for limit := time.Now().Add(20 * time.Second); d.Calls("SetSynchronizationPoint") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the camera was not asked")
		}
	}
	time.Sleep(50 * time.Millisecond) // for calls that must not come
	if n := d.Calls("SetSynchronizationPoint"); n != 1 {
		t.Errorf("the camera was asked %d times", n)
	}
}

// TestACameraThatSendsNoKeyFrameIsLeftAlone has one that does not know the operation.
func TestACameraThatSendsNoKeyFrameIsLeftAlone(t *testing.T) {
	d := fake(t, onviftest.Options{})
	devices := listening(t, make(facts, 16))
	c := of(d)
	devices.Camera(c)
	if _, err := devices.Resolve(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	devices.mu.Lock()
	devices.known["gate"].found.Profile.Token = "gone"
	devices.mu.Unlock()
	devices.refresh(t.Context(), "gate")
	devices.mu.Lock()
	never := devices.known["gate"].never
	devices.mu.Unlock()
	if !never || d.Calls("SetSynchronizationPoint") != 1 {
		t.Errorf("got never %v after %d calls", never, d.Calls("SetSynchronizationPoint"))
	}
	devices.KeyFrame("gate")
	time.Sleep(50 * time.Millisecond) // for calls that must not come
	if n := d.Calls("SetSynchronizationPoint"); n != 1 {
		t.Errorf("the camera was asked %d times", n)
	}
}

// TestACameraThatRefusesThePasswordIsAskedAgain has one that a person may mend.
func TestACameraThatRefusesThePasswordIsAskedAgain(t *testing.T) {
	d := fake(t, onviftest.Options{})
	devices := New(Options{Need: anything, Log: slog.New(slog.DiscardHandler)})
	c := of(d)
	c.Source.Password = sidecar.NewSecret("wrong-one")
	devices.Camera(c)
	known := devices.known["gate"]
	known.found.Profile.Token = "sub"
	devices.refresh(t.Context(), "gate")
	if devices.KeyFrame("gate"); len(devices.keys) != 0 {
		t.Error("it is asked again at once, and locks the account")
	}
	known.asked = known.asked.Add(-faulty - keyEvery)
	if devices.KeyFrame("gate"); len(devices.keys) != 1 || known.never {
		t.Error("it is never asked again")
	}
}
