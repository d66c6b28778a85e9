package publish

import (
	"strings"

	"github.com/redis/go-redis/v9"
)

// trouble is a way in which Redis does not take what it is given.
type trouble struct {
	kind string // a label of metrics and logs
	hint string // what a person does about it; empty where waiting helps
}

// answers are the error codes of Redis that need telling apart (the first word
// of an error reply), each with its remedy.
var answers = map[string]trouble{
	"OOM":         {"oom", "Redis has reached its maxmemory: raise it, or shorten what is kept in Redis"},
	"MISCONF":     {"misconf", "Redis cannot write its file: look at its log and at its disk"},
	"READONLY":    {"readonly", "this Redis is a replica: give the address of the primary, or of the Sentinels"},
	"NOREPLICAS":  {"noreplicas", "too few replicas are connected (min-replicas-to-write): start them"},
	"NOAUTH":      {"auth", "Redis wants a password: give user and password"},
	"WRONGPASS":   {"auth", "Redis refuses user or password: correct them"},
	"NOPERM":      {"permission", "this user of Redis may not do that: allow it the commands and the keys of docs/streams.md"},
	"WRONGTYPE":   {"wrongtype", "something else lies under this key: delete or rename it, or use another prefix"},
	"LOADING":     {"loading", ""},
	"MASTERDOWN":  {"away", ""},
	"CLUSTERDOWN": {"away", "the Redis Cluster has lost a part of its slots: look at its nodes"},
	"TRYAGAIN":    {"away", ""},
}

// troubleOf tells what kind of trouble an error is. An error that is no answer
// of Redis means that it cannot be reached.
func troubleOf(err error) trouble {
	if err == nil {
		return trouble{}
	}
	if code, ok := answerCode(err); ok {
		if t, ok := answers[code]; ok {
			return t
		}
		if code == "ERR" && strings.Contains(err.Error(), "invalid password") { // before Redis 6.2.?: AUTH without a user
			return answers["WRONGPASS"]
		}
		return trouble{kind: "refused", hint: "Redis refuses the command: is it really a Redis of version 6.2 or later?"}
	}
	return trouble{kind: "away"}
}

// answerCode is the first word of an error reply of Redis, somewhere in err.
func answerCode(err error) (string, bool) {
	var reply redis.Error
	if !asReply(err, &reply) {
		return "", false
	}
	code, _, _ := strings.Cut(strings.TrimPrefix(reply.Error(), "-"), " ")
	return code, true
}
