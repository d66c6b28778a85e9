package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"

	"pantau/sidecar"
)

// NewLink makes a token that signs an account in, once, until it expires. Only
// its hash is kept. Links that have expired are forgotten.
func (s *Store) NewLink(ctx context.Context, account int64, valid time.Duration) (sidecar.Secret, error) {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM links WHERE expires < ?`, time.Now().UnixMilli()); err != nil {
		return sidecar.Secret{}, fmt.Errorf("making a sign-in link: %w", err)
	}
	token := rand.Text()
	hash := sha256.Sum256([]byte(token))
	_, err := s.db.ExecContext(ctx, `INSERT INTO links (hash, account, expires) VALUES (?, ?, ?)`,
		hash[:], account, time.Now().Add(valid).UnixMilli())
	if err != nil {
		return sidecar.Secret{}, fmt.Errorf("making a sign-in link: %w", err)
	}
	return sidecar.NewSecret(token), nil
}

// UseLink gives the account of a token and makes the token void. It returns
// ErrRefused for one that is unknown, used or expired.
func (s *Store) UseLink(ctx context.Context, token sidecar.Secret) (Account, error) {
	hash := sha256.Sum256([]byte(token.Reveal()))
	var account, expires int64
	err := s.db.QueryRowContext(ctx, `DELETE FROM links WHERE hash = ? RETURNING account, expires`, hash[:]).Scan(&account, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, ErrRefused
	}
	if err != nil {
		return Account{}, fmt.Errorf("using a sign-in link: %w", err)
	}
	if time.Now().UnixMilli() > expires {
		return Account{}, ErrRefused
	}
	return s.Get(ctx, account)
}

// SessionAccount is the name of the account's number in a session's data.
const SessionAccount = "account"

// Sessions keeps the sessions of the console's session manager, so that a
// restart signs nobody out, by the account that each belongs to. It has the
// methods of scs.CtxStore, for data of scs.GobCodec.
type Sessions struct {
	Store *Store
}

// FindCtx gives the data of a session that has not expired.
func (s Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := s.Store.db.QueryRowContext(ctx, `SELECT data FROM sessions WHERE token = ? AND expires > ?`,
		token, time.Now().UnixMilli()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx keeps a session, and forgets those that have expired. It fails for
// one of an account that is deleted.
func (s Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return err
	}
	_, err = s.Store.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires <= ?`, time.Now().UnixMilli())
	if err != nil {
		return err
	}
	_, err = s.Store.db.ExecContext(ctx, `INSERT INTO sessions (token, account, data, expires) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET account = excluded.account, data = excluded.data, expires = excluded.expires`,
		token, values[SessionAccount], data, expiry.UnixMilli())
	return err
}

// DeleteCtx ends a session.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.Store.db.ExecContext(ctx, `DELETE FROM sessions WHERE token = ?`, token)
	return err
}

// Find is FindCtx without a context.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
