package publish

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Finding is something about a Redis that a person should know, in one line.
type Finding struct {
	Problem string
	Remedy  string
	Fatal   bool // streams will not work as they are promised
}

func (f Finding) level() slog.Level {
	if f.Fatal {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// Check looks whether a Redis is fit for the streams: version, memory policy,
// persistence, clock. The error says that it could not be asked.
func Check(ctx context.Context, o *Redis) ([]Finding, error) {
	c := newConn(o, slog.New(slog.DiscardHandler))
	defer c.Close()
	if err := c.Ping(ctx).Err(); err != nil {
		if t := troubleOf(err); t.hint != "" {
			return nil, fmt.Errorf("asking Redis: %w: %s", err, t.hint)
		}
		return nil, fmt.Errorf("asking Redis: %w", err)
	}
	return check(ctx, c)
}

// newest difference of clocks that is not worth a line.
const clockTolerance = 2 * time.Second

func check(ctx context.Context, c *conn) ([]Finding, error) {
	info, err := c.Info(ctx).Result()
	if forbidden(err) {
		return []Finding{{Problem: "INFO is forbidden: version, memory policy and persistence could not be checked",
			Remedy: "allow this user INFO"}}, nil
	}
	if err != nil {
		return nil, err
	}
	found := checkInfo(info)
	if offset := time.Duration(c.offset.Load()); offset.Abs() > clockTolerance {
		found = append(found, Finding{Problem: fmt.Sprintf("its clock differs from ours by %s", offset.Round(time.Millisecond)),
			Remedy: "let both follow a time server"})
	}
	if infoField(info, "aof_enabled") != "1" {
		return found, nil
	}
	config, err := c.ConfigGet(ctx, "appendfsync").Result()
	switch {
	case forbidden(err):
		found = append(found, Finding{Problem: "CONFIG is forbidden: appendfsync could not be checked", Remedy: "make sure that it is everysec or always"})
	case err != nil:
		return nil, err
	case config["appendfsync"] == "no":
		found = append(found, Finding{Problem: "appendfsync is no: a power cut loses up to half a minute of what was acknowledged",
			Remedy: "set appendfsync everysec"})
	}
	return found, nil
}

// checkInfo reads an answer to INFO.
func checkInfo(info string) (found []Finding) {
	fatal := func(problem, remedy string) {
		found = append(found, Finding{Problem: problem, Remedy: remedy, Fatal: true})
	}
	warn := func(problem, remedy string) { found = append(found, Finding{Problem: problem, Remedy: remedy}) }
	version := infoField(info, "redis_version")
	switch fit, known := fitVersion(version); {
	case !known:
		warn(fmt.Sprintf("its version %q cannot be read", version), "6.2 or later is needed")
	case !fit:
		fatal("version "+version+" does not know XADD … MINID", "install Redis 6.2 or later")
	}
	switch policy := infoField(info, "maxmemory_policy"); policy {
	case "noeviction":
	case "":
		warn("it does not tell its maxmemory-policy", "make sure that it is noeviction")
	default:
		fatal("maxmemory-policy is "+policy+": whole streams can vanish when memory is short", "set maxmemory-policy noeviction")
	}
	if infoField(info, "role") == "slave" {
		fatal("it is a replica and takes no writes", "give the address of the primary, or of the Sentinels")
	}
	switch aof, rdb := infoField(info, "aof_enabled"), infoField(info, "rdb_last_bgsave_status"); {
	case infoField(info, "aof_last_write_status") == "err":
		fatal("its append-only file could not be written", "look at its log and at its disk")
	case rdb == "err":
		fatal("its last snapshot could not be written", "look at its log and at its disk")
	case aof == "0":
		warn("it has no append-only file: after a restart, what came since the last snapshot is missing", "set appendonly yes")
	case aof == "":
		warn("it does not tell whether it has an append-only file", "make sure that appendonly is yes")
	}
	return found
}

// fitVersion says whether a version is 6.2 or later.
func fitVersion(version string) (fit, known bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false, false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return false, false
	}
	return major > 6 || major == 6 && minor >= 2, true
}
