package accounts

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"go.uber.org/goleak"

	"pantau/sidecar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func secret(text string) sidecar.Secret { return sidecar.NewSecret(text) }

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOnlyOneIsFirst(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Create(t.Context(), "watcher", secret("long enough"), Operator); err != nil {
		t.Fatal(err)
	}
	if free, err := s.Unclaimed(t.Context()); err != nil || !free {
		t.Errorf("got unclaimed %v, %v, want true: an operator is no administrator", free, err)
	}
	var wg sync.WaitGroup
	results := make(chan error, 6)
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		wg.Go(func() {
			_, err := s.SetUp(context.Background(), name, secret("long enough"))
			results <- err
		})
	}
	wg.Wait()
	close(results)
	made := 0
	for err := range results {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, ErrSetUp):
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("got %d first administrators, want 1", made)
	}
}

func TestVerify(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Create(t.Context(), "Root", secret("long enough"), Admin); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Verify(t.Context(), "root", secret("long enough")); err != nil || a.Name != "Root" || a.Role != Admin {
		t.Errorf("got %+v, %v", a, err)
	}
	for _, c := range [][2]string{{"root", "long enougH"}, {"root", ""}, {"", "long enough"}, {"other", "long enough"}} {
		if _, err := s.Verify(t.Context(), c[0], secret(c[1])); !errors.Is(err, ErrRefused) {
			t.Errorf("%q: got %v, want refused", c, err)
		}
	}
	var hash string
	if err := s.db.QueryRow(`SELECT hash FROM accounts`).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got hash %s", hash)
	}
}

func TestBadAccountsAreRefused(t *testing.T) {
	s := open(t, t.TempDir())
	for _, c := range []struct {
		name, password string
		role           Role
		field          string
	}{
		{"", "long enough", Admin, "name"},
		{"a b", "long enough", Admin, "name"},
		{"é", "long enough", Admin, "name"},
		{strings.Repeat("a", 65), "long enough", Admin, "name"},
		{"a", "too short", Admin, "password"},
		{"a", strings.Repeat("é", 257), Admin, "password"},
		{"a", "long enough", "king", "role"},
	} {
		_, err := s.Create(t.Context(), c.name, secret(c.password), c.role)
		var field *sidecar.FieldError
		if !errors.As(err, &field) || field.Field != c.field || field.Remedy == "" {
			t.Errorf("%q: got %v, want an error of %s", c.name, err, c.field)
		}
	}
}

func TestDeletedAccountIsGoneWithAllThatIsIts(t *testing.T) {
	s := open(t, t.TempDir())
	root, err := s.Create(t.Context(), "root", secret("long enough"), Admin)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Create(t.Context(), "other", secret("long enough"), Admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.AddDevicePassword(t.Context(), other.ID, "wall"); err != nil {
		t.Fatal(err)
	}
	link, err := s.NewLink(t.Context(), other.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Delete(t.Context(), "OTHER"); err != nil || a.Name != "other" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if _, err := s.UseLink(t.Context(), link); !errors.Is(err, ErrRefused) {
		t.Errorf("the link of a deleted account: got %v", err)
	}
	if got, err := s.DeviceSecrets(t.Context(), "other"); err != nil || len(got) != 0 {
		t.Errorf("got %d device passwords of a deleted account, %v", len(got), err)
	}
	if _, err := s.Delete(t.Context(), root.Name); !errors.Is(err, ErrLast) {
		t.Errorf("deleting the last administrator: got %v", err)
	}
	if _, err := s.Delete(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleting nobody: got %v", err)
	}
	if all, err := s.List(t.Context()); err != nil || len(all) != 1 || all[0].Name != "root" {
		t.Errorf("got %+v, %v", all, err)
	}
}

// TestDevicePasswordsAreEncryptedAtRest looks into all files of the folder, and
// opens it again.
func TestDevicePasswordsAreEncryptedAtRest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	a, err := s.Create(t.Context(), "root", secret("long enough"), Admin)
	if err != nil {
		t.Fatal(err)
	}
	p, made, err := s.AddDevicePassword(t.Context(), a.ID, "wall")
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Reveal()) != 26 || p.Label != "wall" {
		t.Errorf("got %+v and %d characters", p, len(made.Reveal()))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("got files %v, %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), made.Reveal()) || strings.Contains(string(data), "long enough") {
			t.Errorf("%s holds a password", f)
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %v, %v", f, info.Mode(), err)
		}
	}
	again := open(t, dir)
	got, err := again.DeviceSecrets(t.Context(), "ROOT")
	if err != nil || len(got) != 1 || got[0].Reveal() != made.Reveal() {
		t.Errorf("got %d passwords, %v", len(got), err)
	}
}

// TestSealedPasswordBelongsToItsAccount moves one to another account.
func TestSealedPasswordBelongsToItsAccount(t *testing.T) {
	key := make([]byte, keySize)
	sealed, err := seal(key, 1, "text")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unseal(key, 1, sealed); err != nil || got != "text" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := unseal(key, 2, sealed); err == nil {
		t.Error("another account opens it")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := unseal(key, 1, sealed); err == nil {
		t.Error("a changed one is opened")
	}
}

func TestBrokenKeyIsAFault(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "device.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	var fault *sidecar.Fault
	if !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", err)
	}
}

func TestFolderWithOddName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a ?b#c%20d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Create(t.Context(), "root", secret("long enough"), Admin); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "accounts.db")); err != nil || info.Size() == 0 {
		t.Errorf("the accounts are elsewhere: %v, %v", info, err)
	}
}

// session is the data of a session of an account.
func session(t *testing.T, account int64) []byte {
	t.Helper()
	data, err := scs.GobCodec{}.Encode(time.Unix(0, 0), map[string]any{SessionAccount: account})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSessionsExpire(t *testing.T) {
	s := Sessions{Store: open(t, t.TempDir())}
	for _, name := range []string{"a", "b", "c"} { // numbers 1 to 3
		if _, err := s.Store.Create(t.Context(), name, secret("long enough"), Operator); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit("old", session(t, 1), time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit("new", session(t, 2), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit("new", session(t, 3), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Find("old"); err != nil || found {
		t.Errorf("old: got %v, %v", found, err)
	}
	if data, found, err := s.Find("new"); err != nil || !found || !bytes.Equal(data, session(t, 3)) {
		t.Errorf("new: got %q, %v, %v", data, found, err)
	}
	if err := s.Delete("new"); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Find("new"); err != nil || found {
		t.Errorf("deleted: got %v, %v", found, err)
	}
	var left int
	if err := s.Store.db.QueryRow(`SELECT count(*) FROM sessions`).Scan(&left); err != nil || left != 0 {
		t.Errorf("got %d sessions left, %v", left, err)
	}
}

// TestHashingIsBounded has more sign-ins than places, one of which gives up.
func TestHashingIsBounded(t *testing.T) {
	s := open(t, t.TempDir())
	for range cap(s.hashes) {
		s.hashes <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Verify(ctx, "nobody", secret("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	for range cap(s.hashes) {
		<-s.hashes
	}
}
