package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"modernc.org/sqlite"
)

// openFile opens the SQLite file, makes its tables and looks whether it is sound.
func openFile(ctx context.Context, o Options) (*sql.DB, error) {
	f, err := os.OpenFile(o.Path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let others read it
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"auto_vacuum(incremental)", "journal_mode(wal)", "synchronous(full)", "busy_timeout(5000)", "journal_size_limit(8388608)"}}
	if o.MaxPages > 0 {
		query.Add("_pragma", fmt.Sprintf("max_page_count(%d)", o.MaxPages))
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: o.Path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func prepare(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body BLOB NOT NULL);
		CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, note TEXT NOT NULL);
		CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)`)
	if err != nil {
		return err
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return errDamaged
	}
	return forgetNotes(ctx, db)
}

func inTx(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that tells
		return err
	}
	return tx.Commit()
}

// diskError makes what SQLite says of a full or failing disk an ErrDisk.
func diskError(err error) error {
	switch code(err) {
	case sqliteFull, sqliteIO, sqliteReadOnly, sqliteCantOpen:
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return err
}

// Primary result codes of SQLite (https://sqlite.org/rescode.html).
const (
	sqliteReadOnly = 8
	sqliteIO       = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

// code is SQLite's primary result code of an error; zero if it is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
