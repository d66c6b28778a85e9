package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"pantau/sidecar"
)

// certificateLife is that of a certificate signed by itself, and
// certificateRest what must be left of it at a start.
const (
	certificateLife = 2 * 365 * 24 * time.Hour
	certificateRest = 30 * 24 * time.Hour
)

// loadCertificate reads the configured certificate, or the one in the state
// folder, which is made where it is missing, old or for other names.
func loadCertificate(o Options, now time.Time) (tls.Certificate, error) {
	if o.Certificate != "" || o.Key != "" {
		c, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return c, &sidecar.Fault{Err: fmt.Errorf("loading the console's certificate: %w", err),
				Hint: "check console.certificate and console.key, both PEM files"}
		}
		return c, nil
	}
	certPath, keyPath := filepath.Join(o.State, "console.crt"), filepath.Join(o.State, "console.key")
	names := certificateNames(o.Listen)
	c, err := tls.LoadX509KeyPair(certPath, keyPath)
	if err == nil && serves(c.Leaf, names, now) {
		return c, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, &sidecar.Fault{Err: fmt.Errorf("loading the console's certificate: %w", err),
			Hint: "delete " + certPath + " to have it made again"}
	}
	if err := makeCertificate(certPath, keyPath, names, now); err != nil {
		return c, fmt.Errorf("making the console's certificate: %w", err)
	}
	return tls.LoadX509KeyPair(certPath, keyPath)
}

// certificateNames lists the names and addresses that a browser may use.
func certificateNames(listen string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil && host != "" {
		names = append(names, host)
	}
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && ip != nil && !ip.IsUnspecified() && !slices.Contains(names, ip.String()) {
		names = append(names, ip.String())
	}
	return names
}

func serves(leaf *x509.Certificate, names []string, now time.Time) bool {
	if leaf == nil || now.Before(leaf.NotBefore) || now.Add(certificateRest).After(leaf.NotAfter) {
		return false
	}
	return !slices.ContainsFunc(names, func(n string) bool { return leaf.VerifyHostname(n) != nil })
}

// makeCertificate signs a new P-256 key by itself and writes both files.
func makeCertificate(certPath, keyPath string, names []string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Pantau", Organization: []string{"Pantau, signed by itself"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// The key first: a certificate without its key is made again.
	if err := writePEM(keyPath, "PRIVATE KEY", der); err != nil {
		return err
	}
	return writePEM(certPath, "CERTIFICATE", cert)
}

func writePEM(path, kind string, der []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
