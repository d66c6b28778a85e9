// Command fakecamera is an ONVIF device that has no camera: it is found, asked and
// described as one, and misbehaves when told to.
//
//	fakecamera -http :8081 -rtsp :8554 -multicast -quirks '{"DigestOnly":"SHA-256"}'
//
// With -forward it is a port forward instead: fakecamera -forward :8081=10.0.0.5:80
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"

	"pantau/onvif/onviftest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fakecamera:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o onviftest.Options
	flag.StringVar(&o.HTTP, "http", ":80", "HOST:PORT of HTTP")
	flag.StringVar(&o.RTSP, "rtsp", ":554", "HOST:PORT of RTSP")
	flag.StringVar(&o.Probes, "probes", "", "HOST:3702 for unicast probes")
	flag.BoolVar(&o.Multicast, "multicast", false, "answer multicast probes, say Hello and Bye")
	flag.StringVar(&o.Endpoint, "endpoint", "", "endpoint reference")
	flag.StringVar(&o.User, "user", "", "user name that is asked for")
	flag.StringVar(&o.Password, "password", "", "password that is asked for")
	flag.StringVar(&o.Model, "model", "Fake 1", "name of the model")
	flag.StringVar(&o.Serial, "serial", "1", "serial number")
	quirks := flag.String("quirks", "{}", "fields of onviftest.Quirks as JSON")
	profiles := flag.String("profiles", "", "list of onviftest.Profile as JSON")
	forwards := flag.String("forward", "", "be a port forward: FROM=TO, several with commas")
	flag.Parse()
	if *forwards != "" {
		return forward(ctx, strings.Split(*forwards, ","))
	}
	if err := json.Unmarshal([]byte(*quirks), &o.Quirks); err != nil {
		return fmt.Errorf("reading -quirks: %w", err)
	}
	if *profiles != "" {
		if err := json.Unmarshal([]byte(*profiles), &o.Profiles); err != nil {
			return fmt.Errorf("reading -profiles: %w", err)
		}
	}
	d, err := onviftest.New(o)
	if err != nil {
		return err
	}
	fmt.Println("ready", d.Address(), d.RTSPAddress())
	return d.Run(ctx)
}

// forward passes TCP connections on.
func forward(ctx context.Context, pairs []string) error {
	var passing sync.WaitGroup
	defer passing.Wait()
	for _, pair := range pairs {
		from, to, ok := strings.Cut(pair, "=")
		if !ok {
			return errors.New("-forward: write FROM=TO")
		}
		l, err := net.Listen("tcp", from)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		passing.Go(func() {
			for {
				in, err := l.Accept()
				if err != nil {
					return
				}
				passing.Go(func() { pass(ctx, in, to) })
			}
		})
	}
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}

// pass joins a connection with a new one to somewhere else.
func pass(ctx context.Context, in net.Conn, to string) {
	defer in.Close()
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	stop := context.AfterFunc(ctx, func() { in.Close(); out.Close() })
	defer stop()
	go func() { _, _ = io.Copy(out, in); out.Close() }() // ends with the connections
	_, _ = io.Copy(in, out)                              // either end may hang up
}
