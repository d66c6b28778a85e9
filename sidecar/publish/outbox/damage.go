package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// errDamaged says that SQLite's own check found the file unsound.
var errDamaged = errors.New("file is damaged")

func damaged(err error) bool {
	c := code(err)
	return errors.Is(err, errDamaged) || c == sqliteCorrupt || c == sqliteNotADB
}

// replace moves a damaged file aside, opens a new one and takes over what can
// still be read of the old one. Nothing of the old file is removed.
func replace(ctx context.Context, o Options) (db *sql.DB, moved string, err error) {
	moved = freeName(o.Path + time.Now().UTC().Format(".damaged-20060102T150405Z"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(o.Path+suffix, moved+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, "", fmt.Errorf("moving the damaged file aside: %w", err)
		}
	}
	if db, err = openFile(ctx, o); err != nil {
		return nil, "", err
	}
	bodies, now := salvage(ctx, moved), time.Now().UnixMilli()
	err = inTx(ctx, db, func(tx *sql.Tx) error {
		for _, body := range bodies {
			if _, err := tx.ExecContext(ctx, insertRecord, now, body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return db, moved, nil
}

func freeName(path string) string {
	for n, name := 2, path; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", path, n)
	}
}

// salvage reads the records of a damaged file up to the first that cannot be
// read. The file stays as it is.
func salvage(ctx context.Context, path string) (bodies [][]byte) {
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(path, "?", "%3f")+"?mode=ro")
	if err != nil {
		return nil
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT body FROM record ORDER BY seq")
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if rows.Scan(&body) != nil {
			return bodies
		}
		bodies = append(bodies, body)
	}
	_ = rows.Err() // what was read before the damage counts
	return bodies
}
