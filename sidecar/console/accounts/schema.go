package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// version is that of the schema, kept as the file's user_version. The first
// one, 0, gave the number of a deleted account to the next, and did not know
// whose a session was; 1 knew no viewers.
const version = 2

// schema is that of a new file. AUTOINCREMENT never gives a number twice.
const schema = `
CREATE TABLE IF NOT EXISTS accounts (
	id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
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

// Of an older file all moves over, but the sessions of version 0: nobody knows whose
// they are, so everybody signs in again. Numbers that were given are not given again.
const (
	setAside = `
DROP INDEX IF EXISTS sessions_of;
ALTER TABLE accounts RENAME TO old_accounts;
ALTER TABLE device_passwords RENAME TO old_device_passwords;
ALTER TABLE links RENAME TO old_links;
ALTER TABLE sessions RENAME TO old_sessions;`
	moveOver = `
INSERT INTO accounts SELECT id, name, role, hash, created FROM old_accounts;
INSERT INTO device_passwords SELECT id, account, label, sealed, created FROM old_device_passwords;
INSERT INTO links SELECT hash, account, expires FROM old_links;`
	moveSessions = `
INSERT INTO sessions SELECT token, account, data, expires FROM old_sessions;
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'old_accounts') WHERE name = 'accounts';`
	dropOld = `
DROP TABLE old_links;
DROP TABLE old_sessions;
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
		if has > 0 {
			steps += moveSessions
		}
		steps += dropOld
	}
	if _, err := tx.ExecContext(ctx, steps+fmt.Sprintf("PRAGMA user_version = %d;", version)); err != nil {
		return err
	}
	return tx.Commit()
}
