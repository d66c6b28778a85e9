package publish_test

import (
	"fmt"
	"strings"
	"testing"

	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
)

// setups are settings of a Redis and a part of what is to be said of each.
var setups = []struct {
	name    string
	args    []string
	problem string // empty: nothing is wrong
	fatal   bool
}{
	{"as it should be", nil, "", false},
	{"evicts", []string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory-policy is allkeys-lru", true},
	{"no file", []string{"--appendonly", "no"}, "no append-only file", false},
	{"file is not synced", []string{"--appendfsync", "no"}, "appendfsync is no", false},
	{"CONFIG is forbidden", []string{"--user", "default", "on", "nopass", "~*", "&*", "+@all", "-config"}, "CONFIG is forbidden", false},
	{"CONFIG is renamed", []string{"--rename-command", "CONFIG", ""}, "CONFIG is forbidden", false},
	{"INFO is forbidden", []string{"--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info"}, "INFO is forbidden", false},
	{"replica", []string{"--replicaof", "127.0.0.1 1"}, "it is a replica", true},
}

func TestCheckSaysWhatIsWrongInOneLine(t *testing.T) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			server := redistest.New(t)
			server.Args = s.args
			server.Start()
			found, err := publish.Check(t.Context(), &publish.Redis{Addrs: []string{server.Addr}})
			if err != nil {
				t.Fatal(err)
			}
			if s.problem == "" {
				if len(found) > 0 {
					t.Errorf("got %+v, want nothing", found)
				}
				return
			}
			if len(found) != 1 || !strings.Contains(found[0].Problem, s.problem) || found[0].Fatal != s.fatal {
				t.Fatalf("got %+v, want %q", found, s.problem)
			}
			if line := fmt.Sprint(found[0]); found[0].Remedy == "" || strings.Contains(line, "\n") {
				t.Errorf("got %q, want a remedy in one line", line)
			}
		})
	}
}

func TestFindingsAreLoggedAtTheStart(t *testing.T) {
	server := redistest.New(t)
	server.Args = []string{"--maxmemory-policy", "allkeys-lru"}
	server.Start()
	var log journal
	running(t, publish.Options{Redis: &publish.Redis{Addrs: []string{server.Addr}}, Log: log.logger()})
	eventually(t, "it is said", func() bool { return strings.Contains(log.String(), "maxmemory-policy is allkeys-lru") })
}

func TestCheckWithoutRedisIsAnError(t *testing.T) {
	if _, err := publish.Check(t.Context(), &publish.Redis{Addrs: []string{t.TempDir() + "/none"}}); err == nil {
		t.Error("got nil, want an error")
	}
}
