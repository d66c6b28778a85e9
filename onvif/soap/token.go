package soap

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"time"
)

const wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"

// usernameToken is the security header of WS-Security's UsernameToken Profile 1.1,
// section 3.1: Base64(SHA-1(nonce + created + password)). The time is the device's.
// Fractions finer than milliseconds are refused by some devices.
func usernameToken(c Credentials, at time.Time) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	created := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return `<w:Security s:mustUnderstand="1" xmlns:w="` + wsse + `wssecurity-secext-1.0.xsd" xmlns:u="` + wsse + `wssecurity-utility-1.0.xsd">` +
		`<w:UsernameToken><w:Username>` + Escape(c.User) + `</w:Username>` +
		`<w:Password Type="` + wsse + `username-token-profile-1.0#PasswordDigest">` + TokenDigest(nonce, created, c.Password) + `</w:Password>` +
		`<w:Nonce EncodingType="` + wsse + `soap-message-security-1.0#Base64Binary">` + base64.StdEncoding.EncodeToString(nonce) + `</w:Nonce>` +
		`<u:Created>` + created + `</u:Created></w:UsernameToken></w:Security>`
}

// TokenDigest is the digest of UsernameToken Profile 1.1, section 3.1, in Base64.
func TokenDigest(nonce []byte, created string, password Secret) string {
	sum := sha1.Sum([]byte(string(nonce) + created + password.text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
