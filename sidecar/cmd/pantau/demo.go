package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/config"
	"pantau/sidecar/console/accounts"
	"pantau/sidecar/tap/taptest"
)

// demoCmd is `pantau demo`.
type demoCmd struct {
	Clip    string `help:"MP4 clip that the demo camera plays. Default: the street that make run prepares." placeholder:"FILE"`
	State   string `help:"Folder for accounts, outbox and Redis' file. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
	Camera  string `help:"Where the demo camera listens. Default: ${default}." default:"127.0.0.1:8654" placeholder:"HOST:PORT"`
	Listen  string `help:"Where the page listens. Default: ${default}." default:"127.0.0.1:8443" placeholder:"HOST:PORT"`
	RTSP    string `name:"rtsp" help:"Where the camera is given on, with its boxes as metadata. Default: ${default}." default:"127.0.0.1:8554" placeholder:"HOST:PORT"`
	Metrics string `help:"Where metrics and health listen. Default: ${default}." default:"127.0.0.1:9464" placeholder:"HOST:PORT"`
	Debug   bool   `help:"Log what only a developer wants to know."`
}

// Help is the longer text of --help.
func (demoCmd) Help() string {
	return `Everything is on this machine only: a camera that plays a street for ever, the sidecar,
its own Redis, and the page. The demo's configuration is demo.yaml in the state folder:
change a line there, and see it applied within two seconds. Ctrl-C ends everything.`
}

//go:embed demo.yaml
var demoConfig string

// demoUser signs in by the link that the demo prints. It can look and change
// nothing; the first administrator is made with the first-run token.
const demoUser = "demo"

// Run carries out the command.
func (c *demoCmd) Run(ctx context.Context) error {
	if err := c.clip(); err != nil {
		return err
	}
	state, err := stateDir(c.State)
	if err != nil {
		return err
	}
	file, password, err := c.configuration(state)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if c.Debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	camera, err := taptest.New(taptest.Options{Clip: c.Clip, Addr: c.Camera, Path: "/street", User: demoUser, Password: password})
	if err != nil {
		return portFault(err, "--camera")
	}
	s, err := newService(file, state, log)
	if err != nil {
		return err
	}
	p := newParts()
	p.start("demo camera", camera.Run)
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() { // ends with ctx, below
		defer close(watched)
		if err := p.wait(ctx); err != nil {
			cancel(err)
		}
	}()
	err = s.serve(ctx, func(ctx context.Context) error { return c.tell(ctx, s) })
	cancel(nil)
	<-watched
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return errors.Join(err, p.stop())
}

func (c *demoCmd) clip() error {
	if c.Clip != "" {
		return nil
	}
	p, err := findPaths()
	if err != nil {
		return err
	}
	c.Clip = p.demo()
	if _, err := os.Stat(c.Clip); err != nil {
		return &sidecar.Fault{Err: fmt.Errorf("the demo's street is not here: %w", err), Hint: "run make run, or give an MP4 clip with --clip"}
	}
	return nil
}

// configuration writes demo.yaml anew where it is missing or speaks of other
// ports, and gives the camera's password, which stands in it.
func (c *demoCmd) configuration(state string) (file string, password sidecar.Secret, err error) {
	file = filepath.Join(state, "demo.yaml")
	if cfg, err := config.Load(file, checks()); err == nil && c.matches(cfg) {
		return file, cfg.Cameras[0].Source.Password, nil
	} else if err == nil || errors.As(err, new(config.Errors)) {
		if err := os.Rename(file, file+".old"); err != nil {
			return "", password, fmt.Errorf("setting the demo's old configuration aside: %w", err)
		}
		fmt.Fprintf(os.Stderr, "the demo's configuration did not fit; the old one is %s.old\n", file)
	}
	password = sidecar.NewSecret(rand.Text())
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", password, fmt.Errorf("writing the demo's configuration: %w", err)
	}
	err = template.Must(template.New("demo").Parse(demoConfig)).Execute(f, map[string]string{
		"Camera": c.Camera, "Listen": c.Listen, "Metrics": c.Metrics, "RTSP": c.RTSP, "User": demoUser, "Password": password.Reveal(),
	})
	return file, password, errors.Join(err, f.Close())
}

// matches says whether a configuration is the demo's, with these ports.
func (c *demoCmd) matches(cfg *config.Config) bool {
	return len(cfg.Cameras) > 0 && cfg.Cameras[0].ID == "demo" && cfg.Cameras[0].Source.RTSP == "rtsp://"+c.Camera+"/street" &&
		cfg.Console.Listen == c.Listen && cfg.RTSP.Listen == c.RTSP && cfg.Metrics.Listen == c.Metrics
}

// tell waits for the first scene and says where to look.
func (c *demoCmd) tell(ctx context.Context, s *service) error {
	if err := firstScene(ctx, s); err != nil {
		return err
	}
	account, err := c.account(ctx, s)
	if err != nil {
		return err
	}
	link, err := c.link(ctx, s, account)
	if err != nil {
		return err
	}
	video, err := c.video(ctx, s, account)
	if err != nil {
		return err
	}
	socket := s.redisAt.Addrs[0]
	fmt.Printf(`
Pantau watches the demo street with %s.

  the page         %s
                   (the link signs in once; the browser asks about the certificate, which Pantau signed itself)
  events           redis-cli -s %s XREAD BLOCK 0 STREAMS pantau:events '$'
  minute counts    redis-cli -s %s XREVRANGE pantau:counts + - COUNT 1
  the same, short  %s tail%s
  lines and zones  %s
  metrics          http://%s/metrics
  for a VMS        %s
                   (the camera's own video, and a track with the boxes as ONVIF metadata; …/demo/video is without)
`, s.detectors.name(), link, socket, socket, os.Args[0], c.stateFlag(), s.file, s.ops.Addr(), video)
	if s.generated {
		fmt.Printf("  administrator    https://%s with this token, once: %s\n", s.console.Addr(), s.setup.Reveal())
	}
	fmt.Println("\nCtrl-C ends everything.")
	return nil
}

func (c *demoCmd) stateFlag() string {
	if c.State == "" {
		return ""
	}
	return " --state " + c.State
}

// firstScene waits until the demo camera has been looked at, so that the page
// shows boxes when it is opened.
func firstScene(ctx context.Context, s *service) error {
	deadline, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, camera := range s.Cameras() {
			if camera.Status.Latency.Infer > 0 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.Done():
			return fmt.Errorf("the demo camera shows nothing after 20 s: %+v", s.Cameras())
		case <-tick.C:
		}
	}
}

// account finds or makes the demo's account.
func (c *demoCmd) account(ctx context.Context, s *service) (accounts.Account, error) {
	account, err := s.accounts.Find(ctx, demoUser)
	if errors.Is(err, accounts.ErrNotFound) {
		account, err = s.accounts.Create(ctx, demoUser, sidecar.NewSecret(rand.Text()), accounts.Operator)
	}
	if err != nil {
		return account, fmt.Errorf("making the demo's account: %w", err)
	}
	if account.Role != accounts.Operator {
		return account, &sidecar.Fault{Err: fmt.Errorf("the account %q has the role %s", demoUser, account.Role), Hint: "use another --state folder for the demo"}
	}
	return account, nil
}

// video makes an RTSP address with a device password of this run; those of earlier
// runs are taken away.
func (c *demoCmd) video(ctx context.Context, s *service, account accounts.Account) (string, error) {
	const label = "pantau demo"
	old, err := s.accounts.DevicePasswords(ctx, account.ID)
	if err != nil {
		return "", err
	}
	for _, p := range old {
		if p.Label == label {
			if err := s.accounts.DeleteDevicePassword(ctx, account.ID, p.ID); err != nil {
				return "", err
			}
		}
	}
	_, password, err := s.accounts.AddDevicePassword(ctx, account.ID, label)
	if err != nil {
		return "", err
	}
	return "rtsp://" + demoUser + ":" + password.Reveal() + "@" + s.rtsp.Addr() + "/demo", nil
}

// link makes a link that signs in once.
func (c *demoCmd) link(ctx context.Context, s *service, account accounts.Account) (string, error) {
	token, err := s.accounts.NewLink(ctx, account.ID, 12*time.Hour)
	if err != nil {
		return "", fmt.Errorf("making a link: %w", err)
	}
	_, port, err := net.SplitHostPort(s.console.Addr().String())
	if err != nil {
		return "", err
	}
	return "https://localhost:" + port + "/signin?t=" + token.Reveal(), nil
}

// portFault explains an address that cannot be listened on.
func portFault(err error, flag string) error {
	if taken := new(net.OpError); !errors.As(err, &taken) {
		return err
	}
	return &sidecar.Fault{Err: err, Hint: "end what listens there, or choose another address with " + flag}
}
