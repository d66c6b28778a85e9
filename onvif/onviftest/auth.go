package onviftest

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	realm   = "fake camera"
	opaque  = "5ccc069c403ebaf9f0171e9517f40e41"
	maxSkew = 30 * time.Second // of a token's time
)

// signedIn checks the caller, and answers if it may not go on.
func (d *Device) signedIn(w http.ResponseWriter, r *http.Request, in *request) bool {
	q := d.options.Quirks
	token, authorization := in.Header.Security != nil, r.Header.Get("Authorization")
	d.mu.Lock()
	if token {
		d.leaked = append(d.leaked, "token")
	}
	if authorization != "" {
		d.leaked = append(d.leaked, "digest")
	}
	d.mu.Unlock()
	switch {
	case d.options.User == "":
		return true
	case q.OneScheme && token && authorization != "":
		d.fault(w, 500, "MustUnderstand", "MustUnderstand", "Security must be understood but cannot be handled")
		return false
	case authorization != "" && !q.TokenOnly && d.digestRight(authorization, r.Method, r.URL.RequestURI()):
		return true
	case token && q.DigestOnly == "" && d.tokenRight(in):
		return true
	}
	if q.TokenOnly || token && q.DigestOnly == "" {
		d.fault(w, 400, "Sender", "NotAuthorized", "Sender not authorized")
		return false
	}
	d.challenge(w.Header())
	text := ""
	if q.Page {
		text = `<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"><html></html>`
	}
	http.Error(w, text, http.StatusUnauthorized)
	return false
}

// tokenRight checks a UsernameToken (WS-Security UsernameToken Profile, 3.1).
func (d *Device) tokenRight(in *request) bool {
	t := in.Header.Security.Token
	nonce, err := base64.StdEncoding.DecodeString(t.Nonce)
	if err != nil || t.Username != d.options.User || !strings.HasSuffix(t.Password.Type, "#PasswordDigest") {
		return false
	}
	created, err := time.Parse(time.RFC3339Nano, t.Created)
	if err != nil || created.Sub(d.now()).Abs() > maxSkew {
		return false
	}
	if d.options.Quirks.NoMilliseconds && !regexp.MustCompile(`^[^.]+(\.\d{3})?Z$`).MatchString(t.Created) {
		return false
	}
	sum := sha1.Sum([]byte(string(nonce) + t.Created + d.options.Password))
	return t.Password.Text == base64.StdEncoding.EncodeToString(sum[:])
}

func (d *Device) algorithm() string {
	if a := d.options.Quirks.DigestOnly; a != "" {
		return a
	}
	return "MD5"
}

// challenge asks for HTTP digest (RFC 7616, 3.3).
func (d *Device) challenge(h http.Header) {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	nonce := hex.EncodeToString(b[:])
	d.nonces.Store(nonce, uint64(0))
	h.Add("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", qop="auth", nonce="%s", opaque="%s", algorithm=%s`, realm, nonce, opaque, d.algorithm()))
}

var parameter = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^\s,]+))`)

// digestRight checks an answer to a challenge (RFC 7616, 3.4). Readers of RTSP may answer
// as RFC 2069 has it, to which RFC 2326, 14 leads: without qop, nc and opaque.
func (d *Device) digestRight(authorization, method, uri string) bool {
	p := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(authorization, -1) {
		p[m[1]] = m[2] + m[3]
	}
	last, given := d.nonces.Load(p["nonce"])
	if !given || p["uri"] != uri || p["username"] != d.options.User || p["algorithm"] != d.algorithm() {
		return false
	}
	hash := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	if d.algorithm() == "SHA-256" {
		hash = func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	}
	ha1, ha2 := hash(d.options.User+":"+realm+":"+d.options.Password), hash(method+":"+uri)
	if method == "DESCRIBE" && p["qop"] == "" {
		return p["response"] == hash(strings.Join([]string{ha1, p["nonce"], ha2}, ":"))
	}
	count, err := strconv.ParseUint(p["nc"], 16, 64)
	if err != nil || len(p["nc"]) != 8 || count <= last.(uint64) || p["opaque"] != opaque {
		return false
	}
	d.nonces.Store(p["nonce"], count)
	return p["response"] == hash(strings.Join([]string{ha1, p["nonce"], p["nc"], p["cnonce"], p["qop"], ha2}, ":"))
}
