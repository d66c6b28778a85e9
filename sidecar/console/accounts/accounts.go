// Package accounts holds who may use the console: accounts with their roles,
// sessions, one-time sign-in links and device passwords, in one SQLite file.
//
// A console password is kept as its argon2id hash (RFC 9106) and never serves
// for RTSP or ONVIF. Their digests (RFC 7616) need the password itself: for
// them an account has device passwords, which are generated here, shown once,
// and kept encrypted by AES-256-GCM.
package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite", without cgo
)

// Role says what an account may do.
type Role string

// The roles.
const (
	Admin    Role = "admin"    // everything
	Operator Role = "operator" // looks at cameras and their numbers
	Viewer   Role = "viewer"   // sees cameras with persons and number plates blurred, and their numbers: a screen that others see
)

// Includes says whether a role may do what another one may; "" is whoever has signed in.
func (r Role) Includes(other Role) bool {
	rank := map[Role]int{"": 0, Viewer: 1, Operator: 2, Admin: 3}
	has, known := rank[r]
	return known && has >= rank[other]
}

// SeesPersons says whether a role may have pictures that are not blurred.
func (r Role) SeesPersons() bool { return r.Includes(Operator) }

// The errors that a caller treats differently.
var (
	ErrSetUp    = errors.New("an administrator exists already")
	ErrExists   = errors.New("an account of this name exists already")
	ErrNotFound = errors.New("not found")
	ErrRefused  = errors.New("name or password is wrong")
	ErrLast     = errors.New("the last administrator cannot be deleted")
)

// Account is a person's access to the console.
type Account struct {
	ID      int64     `json:"-"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
}

// Store keeps the accounts. Its methods may be called from several goroutines.
type Store struct {
	db     *sql.DB
	key    []byte        // of the device passwords
	hashes chan struct{} // tickets for hashing: each takes 19 MiB for some 20 ms
}

// Open opens accounts.db in the state folder, made at the first start, together
// with the key of the device passwords. Both are readable by their owner only.
func Open(ctx context.Context, state string) (*Store, error) {
	key, err := loadKey(filepath.Join(state, "device.key"))
	if err != nil {
		return nil, fmt.Errorf("loading the key of the device passwords: %w", err)
	}
	path := filepath.Join(state, "accounts.db")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+
		"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the accounts: %w", err), db.Close())
	}
	return &Store{db: db, key: key, hashes: make(chan struct{}, 2)}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Unclaimed says whether there is no administrator yet.
func (s *Store) Unclaimed(ctx context.Context) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM accounts WHERE role = 'admin'`).Scan(&n)
	return n == 0, err
}

// List gives all accounts by name.
func (s *Store) List(ctx context.Context) ([]Account, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, name, role, created FROM accounts ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	all := []Account{}
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("listing accounts: %w", err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Get gives an account by its number.
func (s *Store) Get(ctx context.Context, id int64) (Account, error) {
	return scan(s.db.QueryRowContext(ctx, `SELECT id, name, role, created FROM accounts WHERE id = ?`, id))
}

// Find gives an account by its name; upper and lower case are the same.
func (s *Store) Find(ctx context.Context, name string) (Account, error) {
	return scan(s.db.QueryRowContext(ctx, `SELECT id, name, role, created FROM accounts WHERE name = ?`, name))
}

// Delete removes an account with its sessions, device passwords and links,
// and gives what it was. The last administrator stays.
func (s *Store) Delete(ctx context.Context, name string) (Account, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return Account{}, fmt.Errorf("deleting an account: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	a, err := scan(tx.QueryRowContext(ctx, `SELECT id, name, role, created FROM accounts WHERE name = ?`, name))
	if err != nil {
		return Account{}, err
	}
	var others int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM accounts WHERE role = 'admin' AND id <> ?`, a.ID).Scan(&others)
	if err != nil {
		return Account{}, fmt.Errorf("deleting an account: %w", err)
	}
	if others == 0 {
		return Account{}, ErrLast
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM accounts WHERE id = ?`, a.ID); err != nil {
		return Account{}, fmt.Errorf("deleting an account: %w", err)
	}
	return a, tx.Commit()
}

func scan(row interface{ Scan(...any) error }) (Account, error) {
	var a Account
	var created int64
	err := row.Scan(&a.ID, &a.Name, &a.Role, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNotFound
	}
	a.Created = time.Unix(created, 0).UTC()
	return a, err
}
