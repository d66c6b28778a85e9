package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"pantau/sidecar"
)

// hashing is argon2id with 19 MiB and two passes, as OWASP's password storage
// sheet has it: about 20 ms of one core.
func hashing() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// minPassword is the least number of characters of a console password.
const minPassword = 10

// SetUp makes the first administrator. It returns ErrSetUp where there is one.
func (s *Store) SetUp(ctx context.Context, name string, password sidecar.Secret) (Account, error) {
	return s.create(ctx, name, password, Admin, true)
}

// Create makes an account. It returns ErrExists where the name is taken.
func (s *Store) Create(ctx context.Context, name string, password sidecar.Secret, role Role) (Account, error) {
	return s.create(ctx, name, password, role, false)
}

func (s *Store) create(ctx context.Context, name string, password sidecar.Secret, role Role, first bool) (Account, error) {
	if err := check(name, password, role); err != nil {
		return Account{}, err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return Account{}, fmt.Errorf("hashing a password: %w", err)
	}
	now := time.Now()
	result, err := s.db.ExecContext(ctx, `INSERT INTO accounts (name, role, hash, created)
		SELECT ?, ?, ?, ? WHERE NOT ? OR NOT EXISTS (SELECT 1 FROM accounts WHERE role = 'admin')`, name, role, hash, now.Unix(), first)
	var broken *sqlite.Error
	if errors.As(err, &broken) && broken.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return Account{}, ErrExists
	}
	if err != nil {
		return Account{}, fmt.Errorf("creating an account: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return Account{}, errors.Join(ErrSetUp, err)
	}
	return s.Find(ctx, name)
}

// check returns a *sidecar.FieldError for what an account cannot have.
func check(name string, password sidecar.Secret, role Role) error {
	if !validName(name) {
		return &sidecar.FieldError{Field: "name", Problem: "is no account name",
			Remedy: "use 1 to 64 letters, digits, dots, hyphens, underscores and @"}
	}
	if n := utf8.RuneCountInString(password.Reveal()); n < minPassword || n > 256 {
		return &sidecar.FieldError{Field: "password", Problem: fmt.Sprintf("has %d characters", n),
			Remedy: fmt.Sprintf("use %d to 256", minPassword)}
	}
	if role == "" || !role.Includes("") {
		return &sidecar.FieldError{Field: "role", Problem: "is no role", Remedy: "use admin, operator or viewer"}
	}
	return nil
}

func validName(name string) bool {
	for _, c := range name {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '-' && c != '_' && c != '@' {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 64
}

// Verify gives the account whose name and password these are, or ErrRefused.
// An unknown name takes as long as a wrong password.
func (s *Store) Verify(ctx context.Context, name string, password sidecar.Secret) (Account, error) {
	var hash string
	a, err := s.Find(ctx, name)
	if err == nil {
		err = s.db.QueryRowContext(ctx, `SELECT hash FROM accounts WHERE id = ?`, a.ID).Scan(&hash)
	}
	if errors.Is(err, ErrNotFound) {
		if _, err := s.hash(ctx, password); err != nil {
			return Account{}, err
		}
		return Account{}, ErrRefused
	}
	if err != nil {
		return Account{}, fmt.Errorf("looking up an account: %w", err)
	}
	if err := s.ticket(ctx); err != nil {
		return Account{}, err
	}
	defer func() { <-s.hashes }()
	match, err := argon2id.ComparePasswordAndHash(password.Reveal(), hash)
	if err != nil {
		return Account{}, fmt.Errorf("comparing a password: %w", err)
	}
	if !match {
		return Account{}, ErrRefused
	}
	return a, nil
}

func (s *Store) hash(ctx context.Context, password sidecar.Secret) (string, error) {
	if err := s.ticket(ctx); err != nil {
		return "", err
	}
	defer func() { <-s.hashes }()
	return argon2id.CreateHash(password.Reveal(), hashing())
}

// ticket waits for one of the few places for hashing, so that a flood of
// sign-ins takes neither all memory nor all cores.
func (s *Store) ticket(ctx context.Context) error {
	select {
	case s.hashes <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
