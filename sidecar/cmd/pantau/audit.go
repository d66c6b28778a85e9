package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"pantau/inference/models"
	"pantau/sidecar"
	"pantau/sidecar/audit"
	"pantau/sidecar/config"
	"pantau/sidecar/decode"
	"pantau/sidecar/figures"
	"pantau/sidecar/pipeline"
	"pantau/sidecar/publish"
)

// auditCmd is `pantau audit`.
type auditCmd struct {
	Record auditRecordCmd `cmd:"" default:"withargs" help:"Have a camera's counts audited: keep strips around random crossings and of random time without."`
	Tally  auditTallyCmd  `cmd:"" help:"Read what a person tallied, and say how right the counts are."`
	Show   auditShowCmd   `cmd:"" help:"Show a camera's audits."`
	Clip   auditClipCmd   `cmd:"" help:"The same for a clip, as a trial."`
}

// Help is the longer text of --help.
func (auditCmd) Help() string {
	return `How right are this camera's counts, here and with this light? A running Pantau keeps short strips of
random time; a person tallies them in two minutes without seeing what was counted; the error, its
bias and a 95 % interval are published with the counts.

  pantau audit smg-0421                                strips, from the Pantau that runs
  pantau audit tally smg-0421 tally-smg-0421.json      what a person saw, from the page

The pictures are masked where the camera has masks. They stay in the state folder, and are deleted
after the tally.`
}

// drawFlags say how much is kept for a person.
type drawFlags struct {
	State     string        `help:"State folder of Pantau. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
	Crossings int           `help:"About how many crossings of each line a person sees." default:"20"`
	Quiet     int           `help:"How many windows (10 s and more) without a count a person sees, of each line." default:"12"`
	Keep      time.Duration `help:"How long pictures wait for the tally." default:"168h"`
	Seed      uint64        `help:"Of the chance that draws the windows. Default: a new one." placeholder:"N"`
}

func (f drawFlags) order(camera string) (audit.Order, error) {
	o := audit.NewOrder(camera)
	o.Crossings, o.Quiet, o.Keep = f.Crossings, f.Quiet, f.Keep
	if f.Seed != 0 {
		o.Seed = f.Seed
	}
	return o, flagged(o.Check())
}

// flagged names the flag of a field.
func flagged(err error) error {
	var field *sidecar.FieldError
	if errors.As(err, &field) {
		return &sidecar.FieldError{Field: "--" + field.Field, Problem: field.Problem, Remedy: field.Remedy}
	}
	return err
}

// auditRecordCmd is `pantau audit CAMERA`.
type auditRecordCmd struct {
	drawFlags
	Camera string        `arg:"" help:"Id of the camera."`
	For    time.Duration `help:"How long to record. Default: full quarters of an hour until there are crossings enough, a day at most." placeholder:"TIME"`
	Cancel bool          `help:"Give the recording up, finished or not, and delete its pictures."`
}

// Run carries out the command.
func (c *auditRecordCmd) Run(ctx context.Context) error {
	state, err := statePath(c.State)
	if err != nil {
		return err
	}
	folder := audit.In(state)
	if err := audit.CheckCamera(c.Camera); err != nil {
		return err
	}
	if c.Cancel {
		return folder.Discard(c.Camera)
	}
	order, err := c.order(c.Camera)
	if err != nil {
		return err
	}
	order.For = c.For
	if err := flagged(order.Check()); err != nil {
		return err
	}
	if err := folder.Begin(order); err != nil && !errors.Is(err, audit.ErrBegun) {
		return err
	}
	return c.follow(ctx, folder)
}

// pickup is how long a running sidecar may take to begin.
const pickup = 10 * time.Second

// follow shows how the recording goes on until it has ended.
func (c *auditRecordCmd) follow(ctx context.Context, f audit.Folder) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	placed := time.Now()
	info, err := os.Stderr.Stat()
	watched := err == nil && info.Mode()&os.ModeCharDevice != 0 // somebody looks: the line goes on changing
	for {
		p, begun, err := f.Progress(c.Camera)
		switch {
		case err != nil:
			return err
		case !begun && time.Since(placed) > pickup:
			return errors.Join(f.Discard(c.Camera), &sidecar.Fault{Err: fmt.Errorf("nobody records: no Pantau runs with this state folder, or it has no camera %s", c.Camera),
				Hint: "start pantau run, or name its state folder with --state"})
		case p.State == audit.Recorded:
			if watched {
				fmt.Fprint(os.Stderr, "\r\033[K")
			}
			return tellPage(f, c.Camera)
		case p.State == audit.Failed:
			return errors.Join(f.Discard(c.Camera), fmt.Errorf("recording %s: %s", c.Camera, p.Cause))
		case begun && watched:
			fmt.Fprint(os.Stderr, "\r\033[K", progressLine(p))
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(os.Stderr, "\nthe recording goes on; pantau audit %s shows it again, and --cancel gives it up\n", c.Camera)
			return nil
		case <-second.C:
		}
	}
}

func progressLine(p audit.Progress) string {
	text := ""
	for _, l := range p.Lines {
		format := "%s: %d crossings, %d windows with and %d without; "
		if l.Moments {
			format = "%s: %d seen in %d moments, and nobody in %d; "
		}
		text += fmt.Sprintf(format, l.Rule, l.Crossings, l.Busy, l.Quiet)
	}
	if p.Until.IsZero() {
		return text + "ends when there are enough"
	}
	return text + fmt.Sprintf("until about %s (%v to go)", p.Until.Local().Format("15:04"), max(0, time.Until(p.Until)).Round(time.Second))
}

// tellPage says what to do with a recording.
func tellPage(f audit.Folder, camera string) error {
	r, err := f.Recorded(camera)
	if err != nil {
		return err
	}
	n, stills, length := 0, 0, time.Duration(0)
	for _, s := range r.Shown() {
		if s.Still {
			stills++
			continue
		}
		n, length = n+1, length+time.Duration(s.End*float64(time.Second))
	}
	fmt.Printf(`%d strips, %v at normal speed, and %d pictures of random moments, of %v that were observed from %s on.

  1. open       %s
                (one file; take it to any browser, and delete it there afterwards)
  2. then       pantau audit tally %s tally-%s.json

The pictures are deleted after the tally, or on %s. (--cancel gives them up; then a new recording can begin.)
`, n, length.Round(time.Second), stills, r.Seen.Round(time.Second), r.From.Local().Format("2006-01-02 15:04"), f.Page(camera), camera, camera, r.Ends.Local().Format("2006-01-02 15:04"))
	return nil
}

// auditTallyCmd is `pantau audit tally`.
type auditTallyCmd struct {
	Camera string `arg:"" help:"Id of the camera."`
	Tally  string `arg:"" optional:"" help:"File that the page wrote. Without it: where the page is." placeholder:"FILE"`
	State  string `help:"State folder of Pantau. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
	Retain bool   `help:"Do not delete the pictures yet."`
	JSON   bool   `help:"Print the result as JSON."`
}

// Run carries out the command.
func (c *auditTallyCmd) Run() error {
	state, err := statePath(c.State)
	if err != nil {
		return err
	}
	if err := audit.CheckCamera(c.Camera); err != nil {
		return err
	}
	folder := audit.In(state)
	if c.Tally == "" {
		return tellPage(folder, c.Camera)
	}
	answer, err := audit.ReadAnswer(c.Tally)
	if err != nil {
		return err
	}
	result, err := folder.Tally(c.Camera, answer, c.Retain)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(result)
	}
	return printAudit(os.Stdout, result)
}

// auditShowCmd is `pantau audit show`.
type auditShowCmd struct {
	Camera string `arg:"" help:"Id of the camera."`
	State  string `help:"State folder of Pantau. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
	Config string `help:"Configuration file: say which audits its rules have made outdated." placeholder:"FILE"`
	JSON   bool   `help:"Print the audits as JSON."`
}

// Run carries out the command.
func (c *auditShowCmd) Run() error {
	state, err := statePath(c.State)
	if err != nil {
		return err
	}
	if err := audit.CheckCamera(c.Camera); err != nil {
		return err
	}
	all, err := audit.In(state).Results(c.Camera)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return &sidecar.Fault{Err: fmt.Errorf("%s was never audited", c.Camera), Hint: "make a recording with: pantau audit " + c.Camera}
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	now, err := c.present()
	if err != nil {
		return err
	}
	for i, r := range all {
		if i > 0 {
			fmt.Println()
		}
		if err := printAudit(os.Stdout, r); err != nil {
			return err
		}
		if model, _, _ := strings.Cut(r.Model, "@"); now.rules != "" && (r.Rules != now.rules || now.model != "" && model != now.model) {
			fmt.Printf("OUTDATED: the camera has the rules %s and the model %s now. It is published no more; audit the camera again.\n",
				now.rules, cmp.Or(now.model, "auto"))
		}
	}
	return nil
}

// present is what a camera is counted with now. An empty model may be any.
type present struct{ model, rules string }

// present reads the configuration, if there is one.
func (c *auditShowCmd) present() (present, error) {
	if c.Config == "" {
		return present{}, nil
	}
	settings, err := config.Load(c.Config, checks())
	if err != nil {
		return present{}, err
	}
	for _, camera := range settings.Cameras {
		if camera.ID == c.Camera {
			model := cmp.Or(camera.Analyse.Model, settings.Models.Default)
			if model == models.Auto {
				model = ""
			}
			return present{model, pipeline.RulesVersion(camera.Functions)}, nil
		}
	}
	return present{}, &sidecar.FieldError{Field: "CAMERA", Problem: fmt.Sprintf("%s has no camera %s", c.Config, c.Camera), Remedy: "give the id of one of its cameras"}
}

// printAudit prints a result.
func printAudit(w io.Writer, r audit.Result) error {
	fmt.Fprintf(w, "%s to %s, model %s, rules %s\n\n", r.From.Local().Format("2006-01-02 15:04"), r.At.Local().Format("15:04"), r.Model, r.Rules)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "RULE\tOF\tSEEN\tCOUNTED\tTRUE, ABOUT\tBIAS\t95 % INTERVAL\tRECALL\tPRECISION\t")
	few := false
	for _, l := range r.Lines {
		for _, e := range l.Estimates {
			counted, truth := l.Numbers(e)
			digits := 0
			if l.Moments {
				digits = 1
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%.*f\t%.*f\t", l.Rule, l.Of(e), e.Seen, digits, counted, digits, truth)
			if e.TooFew {
				few = true
				fmt.Fprintln(t, "too few\t\t\t\t")
				continue
			}
			fmt.Fprintf(t, "%s\t%s to %s\t%s\t%s\t\n", percent(e.Bias.Value), percent(e.Bias.Low), percent(e.Bias.High), bounded(e.Recall), bounded(e.Precision))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range r.Lines {
		format := "\n%s: seen %d of %d windows with counts, %d of %d without."
		if l.Moments {
			format = "\n%s: seen %d of %d moments with somebody there, %d of %d without; numbers are means."
		}
		fmt.Fprintf(w, format, l.Rule, l.Seen[1], l.Windows[1], l.Seen[0], l.Windows[0])
	}
	fmt.Fprintln(w, "\nBias is (counted - true) / true. The interval is for traffic and light like those of the recorded time.")
	if few {
		fmt.Fprintln(w, "Too few: that is not published. Record longer, or with more --crossings and --quiet.")
	}
	return nil
}

func percent(v float64) string { return fmt.Sprintf("%+.1f %%", 100*v) }

func bounded(b audit.Bounded) string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", b.Value, b.Low, b.High)
}

// auditClipCmd is `pantau audit clip`.
type auditClipCmd struct {
	drawFlags
	Clip  string `arg:"" help:"Video file; any format that libav reads."`
	Rules string `required:"" help:"What to count: a YAML file with functions:, as in a camera of the configuration." placeholder:"FILE"`
	Model string `help:"Model to use, as of analyse." placeholder:"NAME"`
}

// Run carries out the command.
func (c *auditClipCmd) Run(ctx context.Context) (err error) {
	camera, err := (&analyseCmd{Clip: c.Clip, Rules: c.Rules, Model: c.Model}).camera()
	if err != nil {
		return err
	}
	order, err := c.order(camera.ID)
	if err != nil {
		return err
	}
	state, err := stateDir(c.State)
	if err != nil {
		return err
	}
	clip, err := decode.OpenFile(c.Clip, decode.FileOptions{Start: time.Unix(0, 0).UTC(), Mask: camera.Analyse.Mask})
	if err != nil {
		return err
	}
	defer clip.Close()
	open, err := quietDetectors(state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.close()) }()
	detector, err := open.get(camera.Analyse.Model)
	if err != nil {
		return err
	}
	bar := newProgress(os.Stderr, clip.Info().Duration, false)
	err = audit.Clip(ctx, audit.In(state), order, pipeline.File{Camera: camera, Clip: clip, Detector: detector, Workers: runtime.NumCPU(), Progress: bar.at})
	bar.end()
	if err != nil {
		return err
	}
	return tellPage(audit.In(state), camera.ID)
}

// audited is the sink of a running sidecar: counts get what is known of their
// error, and the auditor and the board hear what has been published.
type audited struct {
	*publish.Publisher
	auditor *audit.Auditor
	board   *figures.Board
}

// Keep publishes events and counts, and keeps what the analysis and the board know of
// their camera.
func (a audited) Keep(ctx context.Context, camera string, memory []byte, events []sidecar.Event, counts []sidecar.Count) error {
	counts = a.auditor.Annotate(counts)
	notes := map[string][]byte{"analysis/" + camera: memory, "figures/" + camera: nil}
	if memory != nil {
		figures, err := a.board.Memory(camera, events, counts)
		if err != nil {
			return err
		}
		notes["figures/"+camera] = figures
	}
	if err := a.Publisher.Keep(ctx, notes, events, counts); err != nil {
		return err
	}
	a.auditor.Facts(events)
	a.board.Facts(events, counts)
	return nil
}

// Recall gives what the analysis knew of a camera, and tells the board what it knew.
func (a audited) Recall(ctx context.Context, camera string) ([]byte, error) {
	note, err := a.Note(ctx, "figures/"+camera)
	if err == nil && note != nil {
		err = a.board.Recall(camera, note)
	}
	if err != nil {
		return nil, err
	}
	return a.Note(ctx, "analysis/"+camera)
}
