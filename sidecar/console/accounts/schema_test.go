package accounts

import (
	"database/sql"
	"errors"
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

// second is the schema of version 1, with three accounts, of which one is deleted, and
// what is theirs.
const second = `
CREATE TABLE accounts (
	id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	role TEXT NOT NULL CHECK (role IN ('admin', 'operator')),
	hash TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE device_passwords (
	id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
	label TEXT NOT NULL, sealed BLOB NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE links (
	hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
	expires INTEGER NOT NULL) STRICT;
CREATE TABLE sessions (
	token TEXT PRIMARY KEY, account INTEGER REFERENCES accounts(id) ON DELETE CASCADE,
	data BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;
CREATE INDEX sessions_of ON sessions (account);
INSERT INTO accounts VALUES (1, 'root', 'admin', 'h', 1), (2, 'ops', 'operator', 'h', 1), (3, 'gone', 'operator', 'h', 1);
INSERT INTO device_passwords VALUES (3, 2, 'wall', x'00', 1);
INSERT INTO links VALUES (x'01', 2, 1);
INSERT INTO sessions VALUES ('t', 1, x'02', 9000000000000);
DELETE FROM accounts WHERE id = 3;
PRAGMA user_version = 1;`

// TestFileWithoutViewersMovesOver opens one twice: all stays, and there may be viewers.
func TestFileWithoutViewersMovesOver(t *testing.T) {
	dir := t.TempDir()
	old, err := sql.Open("sqlite", filepath.Join(dir, "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(second); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	s := open(t, dir)
	for table, want := range map[string]int{"accounts": 2, "device_passwords": 1, "links": 1, "sessions": 1} {
		var got int
		if err := s.db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %d rows, %v, want %d", table, got, err, want)
		}
	}
	if a, err := s.Create(t.Context(), "wall", secret("long enough"), Viewer); err != nil || a.ID != 4 || a.Role != Viewer {
		t.Errorf("got %+v, %v, want the viewer 4", a, err)
	}
	if _, err := s.Delete(t.Context(), "root"); !errors.Is(err, ErrLast) {
		t.Errorf("got %v, want ErrLast", err)
	}
	var index string
	if err := s.db.QueryRow(`SELECT tbl_name FROM sqlite_schema WHERE name = 'sessions_of'`).Scan(&index); err != nil || index != "sessions" {
		t.Errorf("the index is of %q, %v", index, err)
	}
}

// TestViewersHaveNothingThatIsNotBlurred asks for the passwords of servers that blur nothing.
func TestViewersHaveNothingThatIsNotBlurred(t *testing.T) {
	s := open(t, t.TempDir())
	for role, want := range map[Role]int{Admin: 1, Operator: 1, Viewer: 0} {
		a, err := s.Create(t.Context(), string(role), secret("long enough"), role)
		if err != nil {
			t.Fatal(err)
		}
		_, password, err := s.AddDevicePassword(t.Context(), a.ID, "wall")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.DeviceSecrets(t.Context(), a.Name); err != nil || len(got) != want {
			t.Errorf("%s: %d passwords for RTSP and ONVIF, %v, want %d", role, len(got), err, want)
		}
		if got, err := s.DeviceAccount(t.Context(), password); err != nil || got.Role != role {
			t.Errorf("%s: a player is %+v, %v", role, got, err)
		}
		if got := role.SeesPersons(); got != (role != Viewer) {
			t.Errorf("%s sees persons: %v", role, got)
		}
	}
	if Role("king").Includes("") || Role("king").SeesPersons() || !Admin.Includes(Viewer) || Viewer.Includes(Operator) || Operator.Includes(Admin) {
		t.Error("a role includes what it must not, or not what it must")
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
