package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

var update = flag.Bool("update", false, "write the golden files")

// checks are those of the tests: one model, a plain check of functions, and an
// environment of their own.
func checks() Checks {
	return Checks{
		Function: func(f sidecar.Function) error {
			if f.Kind == "sonar" || f.Kind == "" {
				return &sidecar.FieldError{Field: "kind", Problem: fmt.Sprintf("unknown kind %q", f.Kind), Remedy: "use line or zone"}
			}
			for i, p := range append(slices.Clone(f.Line), f.Polygon...) {
				if p.X() > 1 || p.Y() > 1 {
					field := map[bool]string{true: "line", false: "polygon"}[f.Kind == "line"]
					return &sidecar.FieldError{Field: element(field, i), Problem: fmt.Sprintf("point %v, %v lies outside of the picture", p[0], p[1]), Remedy: "use coordinates from 0 to 1"}
				}
			}
			return nil
		},
		Presets: []string{"veryfast", "fast"},
		Model: func(name string) error {
			if name == "street" {
				return nil
			}
			return &sidecar.FieldError{Problem: fmt.Sprintf("unknown model %q", name), Remedy: "use street"}
		},
		Getenv: func(name string) (string, bool) {
			v, ok := map[string]string{"CAM_PW": "from-env", "REDIS_PW": "redis-env"}[name]
			return v, ok
		},
	}
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil || len(all) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return all
}

func TestGoodFilesLoad(t *testing.T) {
	for _, path := range files(t, "testdata/good/*.yaml") {
		if _, err := Load(path, checks()); err != nil {
			t.Errorf("%s:\n%v", path, err)
		}
	}
}

func TestBadFilesSayWhereAndWhatToDo(t *testing.T) {
	for _, path := range files(t, "testdata/bad/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := Load(path, checks())
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v, want Errors", err)
			}
			for _, e := range errs {
				if e.Line < 1 || e.Column < 1 || e.Problem == "" || e.Remedy == "" {
					t.Errorf("place, problem or remedy is missing: %+v", e)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
				t.Errorf("a password is printed:\n%v", err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCredentialsLeaveTheAddress(t *testing.T) {
	cfg, err := Load("testdata/good/flow.yaml", checks())
	if err != nil {
		t.Fatal(err)
	}
	got := cfg.Cameras[1].Source
	if got.RTSP != "rtsp://10.0.0.2:554/s?channel=1" || got.User != "admin" || got.Password.Reveal() != "top@secret" {
		t.Errorf("got %+v (%q)", got, got.Password.Reveal())
	}
	if got := cfg.Cameras[0].Source.Password.Reveal(); got != "p,w}" {
		t.Errorf("got password %q", got)
	}
}

func TestPasswordsStayAsTheyAreWritten(t *testing.T) {
	cfg, err := Load("testdata/good/secrets.yaml", checks())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"123", "two words", "1e3"} {
		if got := cfg.Cameras[i].Source.Password.Reveal(); got != want {
			t.Errorf("camera %d: got %q, want %q", i, got, want)
		}
	}
	if got := cfg.Redis.Password.Reveal(); got != "redis-env" {
		t.Errorf("redis: got %q", got)
	}
	if printed := fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg.Cameras); strings.Contains(printed, "two words") {
		t.Errorf("a password is printed: %s", printed)
	}
}

func TestAnchorsAndMergesAreFollowed(t *testing.T) {
	cfg, err := Load("testdata/good/anchors.yaml", checks())
	if err != nil {
		t.Fatal(err)
	}
	a, b := cfg.Cameras[0], cfg.Cameras[1]
	if b.Source.RTSP != "rtsp://10.0.0.1/b" || b.Source.User != "viewer" || b.Source.Password.Reveal() != "0123" {
		t.Errorf("got source %+v", b.Source)
	}
	if a.Analyse.FPS != 8 || b.Analyse.FPS != 8 {
		t.Errorf("got fps %v and %v, want 8", a.Analyse.FPS, b.Analyse.FPS)
	}
}

func TestDefaults(t *testing.T) {
	cfg, err := Load("testdata/good/empty.yaml", checks())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg, defaults()) {
		t.Errorf("got %+v, want %+v", cfg, defaults())
	}
}

func TestMissingFileIsOneClearLine(t *testing.T) {
	_, err := Load("testdata/nowhere.yaml", Checks{})
	var fault *sidecar.Fault
	if !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", err)
	}
}

// TestReferenceCoversEveryKey loads the reference file with the clip that it
// names, and looks that it has every key of the structs.
func TestReferenceCoversEveryKey(t *testing.T) {
	data, err := os.ReadFile("pantau.reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "street.mp4"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pantau.yaml")
	cfg, err := Parse(path, data, checks())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "street.mp4"); cfg.Cameras[1].Source.File != want {
		t.Errorf("got file %s, want %s", cfg.Cameras[1].Source.File, want)
	}
	want := defaults()
	want.Node, want.Cameras = cfg.Node, cfg.Cameras
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("the reference file has other defaults than the program:\ngot  %+v\nwant %+v", cfg, want)
	}
	d := newDocument(path, data)
	d.decode(defaults())
	index := regexp.MustCompile(`\[\d+\]`)
	have := make(map[string]bool)
	for p := range d.places {
		have[index.ReplaceAllString(p, "")] = true
	}
	for _, key := range keys(reflect.TypeFor[Config](), "") {
		if !have[key] {
			t.Errorf("the reference file lacks %s", key)
		}
	}
}

// keys lists the paths of all keys of a struct.
func keys(typ reflect.Type, path string) []string {
	for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[sidecar.Secret]() {
		return []string{path}
	}
	var all []string
	for i, name := range fieldNames(typ) {
		all = append(all, keys(typ.Field(i).Type, child(path, name))...)
	}
	return all
}

const docs = "../../docs/configuration.md"

// TestDocumentationShowsTheReferenceFile keeps docs/configuration.md equal to
// the reference file; -update writes it.
func TestDocumentationShowsTheReferenceFile(t *testing.T) {
	reference, err := os.ReadFile("pantau.reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	errorText, err := os.ReadFile("testdata/bad/functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	example, _, _ := strings.Cut(strings.ReplaceAll(string(errorText), "testdata/bad/functions.yaml", "pantau.yaml"), "\npantau.yaml")
	golden(t, docs, fmt.Sprintf(`# Configuration

One YAML file holds the settings of the process and its cameras. It is read at
the start, and again whenever it changes: cameras are added, changed and removed
within two seconds, and no other camera notices. A file with an error changes
nothing. Every error says where it stands and what to do:

`+"```\n%s\n```"+`

`+"`pantau check FILE`"+` reads a file and starts nothing.

Passwords are best kept out of the file: `+"`password_env`"+` names an environment
variable. A user name and a password inside an RTSP address are taken out of it;
no error and no log ever shows them.

Functions are also changed over the API and over ONVIF, which is written into this file:
[change lines and zones](how-to/change-lines-and-zones.md).

## Every key

This is `+"`sidecar/config/pantau.reference.yaml`"+`.

`+"```yaml\n%s```\n", example, reference))
}

// TestManyCamerasLoadQuickly holds the time of a city's file below what a
// reader of the page would notice.
func TestManyCamerasLoadQuickly(t *testing.T) {
	if testing.Short() {
		t.Skip("a long file")
	}
	var b strings.Builder
	b.WriteString("cameras:\n")
	const n = 500
	for i := range n {
		fmt.Fprintf(&b, "  - {id: cam-%d, source: {rtsp: \"rtsp://10.0.0.1/%d\"}, functions: [{id: l, kind: line, line: [[0, 0.5], [1, 0.5]]}]}\n", i, i)
	}
	start := time.Now()
	cfg, err := Parse("city.yaml", []byte(b.String()), checks())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cameras in %v", len(cfg.Cameras), time.Since(start))
}
