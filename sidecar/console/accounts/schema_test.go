package accounts

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"
)

// first is the schema of version 0, with two accounts and what is theirs.
const first = `
CREATE TABLE accounts (
	id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	role TEXT NOT NULL CHECK (role IN ('admin', 'operator')),
	hash TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE device_passwords (
	id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
	label TEXT NOT NULL, sealed BLOB NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE links (
	hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
	expires INTEGER NOT NULL) STRICT;
CREATE TABLE sessions (
	token TEXT PRIMARY KEY, data BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;
INSERT INTO accounts VALUES (1, 'root', 'admin', 'h', 1), (2, 'ops', 'operator', 'h', 1);
INSERT INTO device_passwords VALUES (3, 2, 'wall', x'00', 1);
INSERT INTO links VALUES (x'01', 2, 1);
INSERT INTO sessions VALUES ('t', x'02', 9000000000000);`

// TestFileOfTheFirstVersionMovesOver opens one twice: accounts and what is
// theirs stay, sessions end, and no number is given again.
func TestFileOfTheFirstVersionMovesOver(t *testing.T) {
	dir := t.TempDir()
	old, err := sql.Open("sqlite", filepath.Join(dir, "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(first); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	s := open(t, dir)
	for table, want := range map[string]int{"accounts": 2, "device_passwords": 1, "links": 1, "sessions": 0} {
		var got int
		if err := s.db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %d rows, %v, want %d", table, got, err, want)
		}
	}
	if _, err := s.Delete(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	next, err := s.Create(t.Context(), "next", secret("long enough"), Operator)
	if err != nil || next.ID != 3 {
		t.Errorf("got number %d, %v, want 3", next.ID, err)
	}
	var left int
	err = s.db.QueryRow(`SELECT (SELECT count(*) FROM device_passwords) + (SELECT count(*) FROM links)`).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("got %d rows of a deleted account, %v", left, err)
	}
}

// TestSessionsEndWithTheirAccount looks into the file.
func TestSessionsEndWithTheirAccount(t *testing.T) {
	s := open(t, t.TempDir())
	ids := map[string]int64{}
	for _, name := range []string{"root", "ops"} {
		a, err := s.Create(t.Context(), name, secret("long enough"), Admin)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = a.ID
		if err := (Sessions{s}).Commit(name, session(t, a.ID), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Delete(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	var left string
	if err := s.db.QueryRow(`SELECT group_concat(token) FROM sessions`).Scan(&left); err != nil || left != "root" {
		t.Errorf("got sessions %q, %v, want root's", left, err)
	}
	if err := (Sessions{s}).Commit("late", session(t, ids["ops"]), time.Now().Add(time.Hour)); err == nil {
		t.Error("a session of a deleted account is kept")
	}
}
