package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// noteKept is how long a note is kept that nobody writes any more.
const noteKept = 30 * 24 * time.Hour

func writeNotes(ctx context.Context, tx *sql.Tx, now int64, notes map[string][]byte) error {
	for name, body := range notes {
		query, args := "INSERT INTO note (name, at, body) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at, body = excluded.body",
			[]any{name, now, body}
		if body == nil {
			query, args = "DELETE FROM note WHERE name = ?", args[:1]
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// Note is what PutNoting wrote last by a name; nil if there is none.
func (b *Outbox) Note(ctx context.Context, name string) (body []byte, err error) {
	err = b.db.QueryRowContext(ctx, "SELECT body FROM note WHERE name = ?", name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the note %s: %w", name, err)
	}
	return body, nil
}

// forgetNotes deletes those of cameras that are no more.
func forgetNotes(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "DELETE FROM note WHERE at < ?", time.Now().Add(-noteKept).UnixMilli())
	return err
}
