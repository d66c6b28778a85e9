package whep

import "errors"

// Refusal is why a viewer is given nothing.
type Refusal struct {
	Status int    // of HTTP (RFC 9110)
	Cause  string // what is wrong
	Remedy string // what to do
	Wait   int    // seconds after which it may be tried again; 0: it stays so
}

// Error is cause and remedy in one line.
func (r *Refusal) Error() string { return r.Cause + "; " + r.Remedy }

func refuse(status int, cause, remedy string) error {
	return &Refusal{Status: status, Cause: cause, Remedy: remedy}
}

func malformed(cause string, err error) error {
	return refuse(400, cause+": "+err.Error(), "send the offer of a WebRTC implementation as it is")
}

// What is wrong with no offer in particular.
var (
	errNoCamera  = refuse(404, "there is no such camera", "GET /api/v1/cameras lists them")
	errNoSession = refuse(404, "there is no such session", "it has ended, or is another account's")
	errNoPicture = &Refusal{Status: 409, Cause: "no picture of the camera has come yet", Remedy: "try again; the camera's state says why if that lasts", Wait: 2}
	errFull      = &Refusal{Status: 503, Cause: "as many watch as may", Remedy: "try again later", Wait: 30}
	errMasked    = refuse(403, "the camera has masks, and its own pictures would show what they hide",
		"an administrator allows it by whep.unmasked")
	errBusy  = &Refusal{Status: 503, Cause: "as many pictures are converted as may be", Remedy: "try again later; live.transcodes is their number", Wait: 30}
	errMasks = errors.New("the camera's masks are others now")
	// errBlurred is for who may see nothing else, where nobody makes that.
	errBlurred = refuse(403, "this account sees blurred pictures only, and none are made", "let live.transcodes be more than 0")
	errOver    = errors.New("the server ends")
)
