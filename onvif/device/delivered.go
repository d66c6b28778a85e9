package device

import (
	"context"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// connKey is under which a request's context has its connection.
type connKey struct{}

// withConn keeps the connection for delivered.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// deliverIn is how long the client's host may take to acknowledge an answer.
const deliverIn = 3 * time.Second

// delivered says whether the client's host has acknowledged all that was written to a
// request's connection (tcp(7), SIOCOUTQ): what is only in this machine's buffers is lost
// when the client was cut off.
func delivered(ctx context.Context) bool {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	tcp := socket(conn)
	if tcp == nil {
		return true // no connection that can tell
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	end := time.Now().Add(deliverIn)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		waiting, state := 0, (*unix.TCPInfo)(nil)
		err := raw.Control(func(fd uintptr) {
			waiting, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
			state, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		})
		switch {
		case err != nil || state == nil || state.State == unix.BPF_TCP_CLOSE:
			return false // it is gone
		case waiting == 0:
			return true
		case ctx.Err() != nil || time.Now().After(end):
			return false
		}
		time.Sleep(pause)
	}
}
