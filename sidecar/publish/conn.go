package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"pantau/sidecar"
)

// Redis says which Redis to talk to and what to keep there.
type Redis struct {
	// Addrs is one address (host:port, or the path of a Unix socket), several
	// nodes of a Cluster, or several Sentinels if Master is given.
	Addrs            []string
	Master           string // name of the primary that the Sentinels watch
	Cluster          bool   // one address is enough to find a Cluster
	User             string
	Password         sidecar.Secret
	SentinelUser     string
	SentinelPassword sidecar.Secret
	DB               int
	TLS              *tls.Config // nil: not encrypted

	Prefix string // of all keys; empty is "pantau:"
	Keep   Retention
	Outbox Outbox
}

// Outbox says where facts wait until Redis has them.
type Outbox struct {
	Path     string // of an SQLite file
	MaxBytes int64  // 0 is 1 GiB: about two million events
	MinFree  int64  // bytes that stay free on the disk; 0 is 32 MiB
}

// Retention says how long entries stay in their streams; zero is the default.
type Retention struct {
	Frames time.Duration // 30 s
	Events time.Duration // 48 h
	Counts time.Duration // 48 h
	Health time.Duration // 7 days
	Audit  time.Duration // 90 days
}

// of is the retention of a stream.
func (r Retention) of(stream string) time.Duration {
	set, standard := r.Frames, 30*time.Second
	switch stream {
	case Events:
		set, standard = r.Events, 48*time.Hour
	case Counts:
		set, standard = r.Counts, 48*time.Hour
	case Health:
		set, standard = r.Health, 7*24*time.Hour
	case Audited:
		set, standard = r.Audit, 90*24*time.Hour
	}
	if set > 0 {
		return set
	}
	return standard
}

func (r *Redis) prefix() string {
	if r.Prefix == "" {
		return "pantau:"
	}
	return r.Prefix
}

// NewClient makes a client for these options, for reading (Tail) and for tests.
func (r *Redis) NewClient() redis.UniversalClient { return r.client(nil) }

func (r *Redis) client(onConnect func(context.Context, *redis.Conn) error) redis.UniversalClient {
	redis.SetLogger(silent{})
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: r.Addrs, MasterName: r.Master, IsClusterMode: r.Cluster, DB: r.DB, TLSConfig: r.TLS,
		Username: r.User, Password: r.Password.Reveal(),
		SentinelUsername: r.SentinelUser, SentinelPassword: r.SentinelPassword.Reveal(),
		OnConnect:  onConnect,
		MaxRetries: -1, DialerRetries: 1, // who calls knows what may be repeated
		DialTimeout: 2 * time.Second, ReadTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second, ContextTimeoutEnabled: true,
		Protocol: 2, DisableIdentity: true, // a restricted user may not say CLIENT SETINFO
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// silent keeps the library from writing to standard error: what it would say
// comes back as errors too.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// conn is a client that notices when it talks to another server than before.
type conn struct {
	redis.UniversalClient
	o      *Redis
	log    *slog.Logger
	most   int          // servers that are talked to at the same time
	offset atomic.Int64 // nanoseconds by which Redis' clock is ahead of ours

	mu         sync.Mutex // guards what follows
	servers    []string   // run ids of the servers that are talked to, the newest last
	generation uint64     // counts the meetings with others than these
	strangers  int        // connections to servers that do not say who they are
}

// clusterNodes bounds the memory of the servers of a Cluster.
const clusterNodes = 256

func newConn(o *Redis, log *slog.Logger) *conn {
	c := &conn{o: o, log: log, most: 1}
	if o.Cluster || o.Master == "" && len(o.Addrs) > 1 {
		c.most = clusterNodes
	}
	c.UniversalClient = o.client(c.greet)
	return c
}

// greet runs on every new connection, before anything else is sent. A run id
// that was not seen before means that Redis was restarted or replaced: it may
// have lost what its predecessor acknowledged last.
func (c *conn) greet(ctx context.Context, cn *redis.Conn) error {
	info, err := cn.Info(ctx, "server").Result()
	if err != nil && !forbidden(err) {
		return err
	}
	before := time.Now()
	now, err := cn.Time(ctx).Result()
	if err == nil {
		c.offset.Store(int64(now.Sub(before.Add(time.Since(before) / 2))))
	} else if !forbidden(err) {
		return err
	}
	// While Redis still reads its file it would refuse the first entries of a pipeline and
	// take the rest, out of order: no connection begins before it has read all of it.
	if err := cn.Ping(ctx).Err(); err != nil {
		return err
	}
	c.meet(infoField(info, "run_id"))
	return nil
}

func forbidden(err error) bool {
	code, _ := answerCode(err)
	return code == "NOPERM" || code == "ERR" // ERR: the command was renamed away
}

func (c *conn) meet(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == "" {
		c.strangers++
		id = "unknown-" + strconv.Itoa(c.strangers)
	}
	if slices.Contains(c.servers, id) {
		return
	}
	c.servers = append(c.servers, id)
	c.servers = c.servers[max(0, len(c.servers)-c.most):]
	c.generation++
}

// known makes the servers of a former process known ones.
func (c *conn) known(note string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = append(strings.Fields(note), c.servers...)
}

// met is how often an unknown server was met, and which ones are known now.
func (c *conn) met() (generation uint64, note string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation, strings.Join(c.servers, " ")
}

// infoField is the value of a field in an answer to INFO.
func infoField(info, name string) string {
	for line := range strings.SplitSeq(info, "\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// key is the name of a key with its prefix.
func (c *conn) key(name string) string { return c.o.prefix() + name }

// now is Redis' clock: the ids of entries come from it, and so must their trim.
func (c *conn) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// xadd is the command that adds an entry and trims what is too old.
func (c *conn) xadd(ctx context.Context, e *entry) *redis.Cmd {
	kind, _, _ := strings.Cut(e.stream, ":")
	return redis.NewCmd(ctx, "XADD", c.key(e.stream), "MINID", "~", c.now().Add(-c.o.Keep.of(kind)).UnixMilli(), "*",
		"id", e.id, "type", e.typ, "source", e.source, "subject", e.subject, "time", e.time,
		"schema", schemaMinor, "ctype", contentType, "data", e.data)
}

// add adds the entries in one pipeline and says how many of them, from the
// first, were acknowledged.
func (c *conn) add(ctx context.Context, entries []entry) (int, error) {
	pipe := c.Pipeline()
	cmds := make([]*redis.Cmd, len(entries))
	for i := range entries {
		cmds[i] = c.xadd(ctx, &entries[i])
		if err := pipe.Process(ctx, cmds[i]); err != nil {
			return 0, err
		}
	}
	_, err := pipe.Exec(ctx)
	for i, cmd := range cmds {
		if cmd.Err() != nil {
			return i, cmd.Err()
		}
	}
	return len(entries), err
}

// asReply finds an error reply of Redis in err. Nil replies are no errors here.
func asReply(err error, reply *redis.Error) bool {
	return !errors.Is(err, redis.Nil) && errors.As(err, reply)
}
