package accounts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"pantau/sidecar"
)

// keySize is that of AES-256.
const keySize = 32

// DevicePassword is a password of an account for RTSP and ONVIF, without the
// password.
type DevicePassword struct {
	ID      int64     `json:"id"`
	Label   string    `json:"label"`
	Created time.Time `json:"created"`
}

// AddDevicePassword generates a password of 128 bits. This is the only time
// that it is given to its owner.
func (s *Store) AddDevicePassword(ctx context.Context, account int64, label string) (DevicePassword, sidecar.Secret, error) {
	if len(label) == 0 || len(label) > 100 {
		return DevicePassword{}, sidecar.Secret{}, &sidecar.FieldError{Field: "label",
			Problem: fmt.Sprintf("has %d bytes", len(label)), Remedy: "name the device in 1 to 100"}
	}
	text := rand.Text()
	sealed, err := seal(s.key, account, text)
	if err != nil {
		return DevicePassword{}, sidecar.Secret{}, fmt.Errorf("encrypting a device password: %w", err)
	}
	now := time.Now()
	result, err := s.db.ExecContext(ctx, `INSERT INTO device_passwords (account, label, sealed, created) VALUES (?, ?, ?, ?)`,
		account, label, sealed, now.Unix())
	if err != nil {
		return DevicePassword{}, sidecar.Secret{}, fmt.Errorf("adding a device password: %w", err)
	}
	id, err := result.LastInsertId()
	return DevicePassword{ID: id, Label: label, Created: now.UTC().Truncate(time.Second)}, sidecar.NewSecret(text), err
}

// DevicePasswords lists those of an account, oldest first.
func (s *Store) DevicePasswords(ctx context.Context, account int64) ([]DevicePassword, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, label, created FROM device_passwords WHERE account = ? ORDER BY id`, account)
	if err != nil {
		return nil, fmt.Errorf("listing device passwords: %w", err)
	}
	defer func() { _ = rows.Close() }()
	all := []DevicePassword{}
	for rows.Next() {
		var p DevicePassword
		var created int64
		if err := rows.Scan(&p.ID, &p.Label, &created); err != nil {
			return nil, fmt.Errorf("listing device passwords: %w", err)
		}
		p.Created = time.Unix(created, 0).UTC()
		all = append(all, p)
	}
	return all, rows.Err()
}

// DeleteDevicePassword removes one of an account's.
func (s *Store) DeleteDevicePassword(ctx context.Context, account, id int64) error {
	result, err := s.db.ExecContext(ctx, `DELETE FROM device_passwords WHERE id = ? AND account = ?`, id, account)
	if err != nil {
		return fmt.Errorf("deleting a device password: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrNotFound, err)
	}
	return nil
}

// DeviceSecrets gives the passwords themselves of an account by its name, for
// the digest of a server. Those of viewers are not among them: what such servers give
// is not blurred.
func (s *Store) DeviceSecrets(ctx context.Context, name string) ([]sidecar.Secret, error) {
	var all []sidecar.Secret
	err := s.eachDevice(ctx, `SELECT a.id, d.sealed FROM device_passwords d
		JOIN accounts a ON a.id = d.account WHERE a.name = ? AND a.role <> 'viewer' ORDER BY d.id`,
		func(_ int64, text string) { all = append(all, sidecar.NewSecret(text)) }, name)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// DeviceAccount gives the account that a device password belongs to, where the password
// comes alone, as a token. It returns ErrRefused for one that is nobody's.
func (s *Store) DeviceAccount(ctx context.Context, password sidecar.Secret) (Account, error) {
	owner := int64(0)
	err := s.eachDevice(ctx, `SELECT account, sealed FROM device_passwords`, func(account int64, text string) {
		if subtle.ConstantTimeCompare([]byte(text), []byte(password.Reveal())) == 1 {
			owner = account
		}
	})
	if err != nil {
		return Account{}, err
	}
	if owner == 0 {
		return Account{}, ErrRefused
	}
	return s.Get(ctx, owner)
}

// eachDevice decrypts the device passwords that a query gives: account, sealed.
func (s *Store) eachDevice(ctx context.Context, query string, take func(account int64, text string), args ...any) error {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading device passwords: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var account int64
		var sealed []byte
		if err := rows.Scan(&account, &sealed); err != nil {
			return fmt.Errorf("reading device passwords: %w", err)
		}
		text, err := unseal(s.key, account, sealed)
		if err != nil {
			return fmt.Errorf("decrypting a device password: %w", err)
		}
		take(account, text)
	}
	return rows.Err()
}

// seal encrypts a text by AES-256-GCM (NIST SP 800-38D), bound to its account:
// a random nonce, then the sealed text.
func seal(key []byte, account int64, text string) ([]byte, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(nil, nil, []byte(text), binary.BigEndian.AppendUint64(nil, uint64(account))), nil
}

func unseal(key []byte, account int64, sealed []byte) (string, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return "", err
	}
	text, err := gcm.Open(nil, nil, sealed, binary.BigEndian.AppendUint64(nil, uint64(account)))
	return string(text), err
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// loadKey reads the key, or makes it where there is none.
func loadKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, &sidecar.Fault{Err: fmt.Errorf("%s has %d bytes, want %d", path, len(key), keySize),
			Hint: "restore it from a backup, or delete it and generate the device passwords again"}
	}
	return key, nil
}

// makeKey writes a new key whole: first beside, then under its name.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	if err := os.WriteFile(path+".new", key, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}
