// Command pantau is the sidecar: it taps cameras over RTSP, sees what happens in
// them, and gives events, counts and boxes to Redis and to the browser.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"pantau/sidecar"
	"pantau/sidecar/config"
)

// version is set by the linker.
var version = "unknown"

// Exit codes.
const (
	exitFailed = 1 // something went wrong that may go right the next time
	exitUsage  = 2 // an argument, a file or a setting is wrong: a person must change it
)

// cli is every command, with its help.
type cli struct {
	Run      runCmd      `cmd:"" help:"Run the sidecar with the cameras of a configuration file."`
	Demo     demoCmd     `cmd:"" help:"Show a street with boxes and counts in the browser: a demo camera, the sidecar, Redis and the page."`
	Analyse  analyseCmd  `cmd:"" help:"Count in a clip, as fast as it goes, and end in a table."`
	Tail     tailCmd     `cmd:"" help:"Print what passes in the Redis streams."`
	Discover discoverCmd `cmd:"" help:"Find the ONVIF cameras of the network, and the stream of each."`
	Probe    probeCmd    `cmd:"" help:"Look at a camera and its stream: services, profiles, codec, size, rate, GOP, clock, and what to change."`
	Camera   cameraCmd   `cmd:"" help:"Show and change the encoders of an ONVIF camera."`
	Models   modelsCmd   `cmd:"" help:"List, get and verify the models."`
	Check    checkCmd    `cmd:"" help:"Check a configuration file and change nothing."`
	Bench    benchCmd    `cmd:"" help:"Measure what each stage costs on this machine, beside a peer in the same run."`
	Track    trackCmd    `cmd:"" help:"Follow detections of the MOTChallenge's format, and rate the tracks."`
	Score    scoreCmd    `cmd:"" help:"Hold counted crossings against what a person counted."`
	Accuracy accuracyCmd `cmd:"" help:"Count in all clips with a truth, and write how right it is."`
	Audit    auditCmd    `cmd:"" help:"Measure how right a camera's counts are, with two minutes of a person's time."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	BenchPart benchPartCmd `cmd:"" hidden:""`
}

const description = `Pantau watches the cameras that a city already has and gives their numbers: it counts
who and what passes, and writes events, counts and boxes into Redis streams.

  pantau demo                                   a street in the browser, now
  pantau check pantau.yaml                      is the configuration right?
  pantau run pantau.yaml                        watch its cameras
  pantau analyse clip.mp4 --rules rules.yaml    count in a clip
  pantau tail events                            see events pass
  pantau discover                               which cameras are there?
  pantau probe rtsp://10.2.4.21/stream1         what does this camera send?
  pantau audit smg-0421                         how right are its counts?`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run parses and carries out one command line, and returns the exit code.
func run(ctx context.Context, args []string) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("pantau"), kong.Description(description),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		panic(err) // the commands themselves are wrong: a bug of this program
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pantau:", err)
		fmt.Fprintln(os.Stderr, "see: pantau --help")
		return exitUsage
	}
	if err := command.Run(); err != nil {
		return report(ctx, err)
	}
	return 0
}

// report prints an error and chooses the exit code.
func report(ctx context.Context, err error) int {
	if ctx.Err() != nil && onlyCanceled(err) {
		return 0 // Ctrl-C is no failure
	}
	fmt.Fprintln(os.Stderr, "pantau:", err)
	var fault *sidecar.Fault
	var field *sidecar.FieldError
	var file config.Errors
	if errors.As(err, &fault) || errors.As(err, &field) || errors.As(err, &file) {
		return exitUsage
	}
	return exitFailed
}

// onlyCanceled says whether an error, and every one that is joined in it, says
// nothing but that the context ended.
func onlyCanceled(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !onlyCanceled(e) {
				return false
			}
		}
		return true
	}
	return errors.Is(err, context.Canceled)
}
