package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// version is that of the schema, kept as the file's user_version. The first
// one, 0, gave the number of a deleted account to the next, and did not know
// whose a session was.
const version = 1

// schema is that of a new file. AUTOINCREMENT never gives a number twice.
const schema = `
CREATE TABLE IF NOT EXISTS accounts (
	id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	role TEXT NOT NULL CHECK (role IN ('admin', 'operator')),
	hash TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS device_passwords (
	id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
	label TEXT NOT NULL, sealed BLOB NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS links (
	hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
	expires INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
	token TEXT PRIMARY KEY, account INTEGER REFERENCES accounts(id) ON DELETE CASCADE,
	data BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (account);`

// Of a file of version 0 the accounts move over; everybody signs in again,
// since nobody knows whose its sessions are.
const (
	setAside = `
ALTER TABLE accounts RENAME TO old_accounts;
ALTER TABLE device_passwords RENAME TO old_device_passwords;
ALTER TABLE links RENAME TO old_links;
DROP TABLE sessions;`
	moveOver = `
INSERT INTO accounts SELECT id, name, role, hash, created FROM old_accounts;
INSERT INTO device_passwords SELECT id, account, label, sealed, created FROM old_device_passwords;
INSERT INTO links SELECT hash, account, expires FROM old_links;
DROP TABLE old_links;
DROP TABLE old_device_passwords;
DROP TABLE old_accounts;`
)

// prepare brings the file to this version, whole or not at all.
func prepare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var has, tables int
	err = errors.Join(tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&has),
		tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'accounts'`).Scan(&tables))
	if err != nil || has >= version {
		return err
	}
	steps := schema
	if tables > 0 {
		steps = setAside + schema + moveOver
	}
	if _, err := tx.ExecContext(ctx, steps+fmt.Sprintf("PRAGMA user_version = %d;", version)); err != nil {
		return err
	}
	return tx.Commit()
}
