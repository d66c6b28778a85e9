package config

import (
	"errors"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// site is a file as people write them.
const site = `# Semarang
node: n1   # this one

cameras:
  # the gate
  - id: gate
    source: &cam {rtsp: "rtsp://10.0.0.1/s", user: u, password: 'p#w'}
    functions:   # drawn on 2 March
      # over the road
      - {id: l, kind: line, line: [[0.1, 0.5], [0.9, 0.5]], classes: [car]}   # counts

      - id: z      # the square
        kind: zone
        polygon:   # by hand
          - [0.1, 0.1]
          - [0.9, 0.1]
          - [0.5, 0.9]
        # as the mayor wants it
        classes: [person]
      - id: lot
        kind: parking
        bays:
          A: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]   # by the wall
          B: [[0.3, 0.1], [0.4, 0.1], [0.4, 0.2]]

  - id: bare
    source: *cam   # the same
# the end
`

// edited changes the functions of a camera of a text by a function.
func edited(t testing.TB, text, camera string, change func([]sidecar.Function) []sidecar.Function) (string, error) {
	t.Helper()
	got, err := Edit("f.yaml", []byte(text), camera, func(all []sidecar.Function) ([]sidecar.Function, error) { return change(all), nil }, checks())
	return string(got), err
}

func without(id string) func([]sidecar.Function) []sidecar.Function {
	return func(all []sidecar.Function) []sidecar.Function {
		return slices.DeleteFunc(all, func(f sidecar.Function) bool { return f.ID == id })
	}
}

func with(f sidecar.Function) func([]sidecar.Function) []sidecar.Function {
	return func(all []sidecar.Function) []sidecar.Function { return append(all, f) }
}

func change(id string, do func(*sidecar.Function)) func([]sidecar.Function) []sidecar.Function {
	return func(all []sidecar.Function) []sidecar.Function {
		do(&all[indexOf(all, id)])
		return all
	}
}

func line(id string) sidecar.Function {
	return sidecar.Function{ID: id, Kind: "line", Line: []sidecar.Point{{0.25, 0.5}, {1, 0.123456}}}
}

const lineText = "id: new, kind: line, line: [[0.25, 0.5], [1, 0.123456]]"

// TestOnlyWhatChangesIsWrittenAnew gives the pieces of the text that go and come.
func TestOnlyWhatChangesIsWrittenAnew(t *testing.T) {
	one := func(functions string) string {
		return "cameras:\n- id: gate\n  source: {rtsp: 'rtsp://h/p'}\n" + functions
	}
	for _, c := range []struct {
		name, text string
		change     func([]sidecar.Function) []sidecar.Function
		old, new   string // in the text, exactly once
	}{
		{"points", site, change("l", func(f *sidecar.Function) { f.Line[1] = sidecar.Point{0.8, 0.625} }), "[[0.1, 0.5], [0.9, 0.5]]", "[[0.1, 0.5], [0.8, 0.625]]"},
		{"a key more", site, change("l", func(f *sidecar.Function) { f.Anchor = "centre" }), "classes: [car]}", "classes: [car], anchor: centre}"},
		{"a key less", site, change("l", func(f *sidecar.Function) { f.Classes = nil }), ", classes: [car]", ""},
		{"a list in a block", site, change("z", func(f *sidecar.Function) { f.Polygon = f.Polygon[:2] }), "polygon:   # by hand\n          - [0.1, 0.1]\n          - [0.9, 0.1]\n          - [0.5, 0.9]\n        # as", "polygon: [[0.1, 0.1], [0.9, 0.1]]\n        # as"},
		{"a key more in a block", site, change("z", func(f *sidecar.Function) { f.Dwell = 90 * time.Second }), "classes: [person]\n", "classes: [person]\n        dwell: 1m30s\n"},
		{"a key less in a block", site, change("z", func(f *sidecar.Function) { f.Classes = nil }), "        classes: [person]\n", ""},
		{"one bay of two", site, change("lot", func(f *sidecar.Function) {
			f.Bays = map[string]sidecar.Polygon{"A": f.Bays["A"], "B": f.Bays["A"]}
		}), "B: [[0.3, 0.1], [0.4, 0.1], [0.4, 0.2]]", "B: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]"},
		{"a bay more, one less", site, change("lot", func(f *sidecar.Function) {
			f.Bays = map[string]sidecar.Polygon{"A": f.Bays["A"], "true": f.Bays["A"]}
		}), "B: [[0.3, 0.1], [0.4, 0.1], [0.4, 0.2]]", `"true": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]`},
		{"a function less", site, without("l"), "      - {id: l, kind: line, line: [[0.1, 0.5], [0.9, 0.5]], classes: [car]}   # counts\n", ""},
		{"the last one less", site, without("lot"), "      - id: lot\n        kind: parking\n        bays:\n          A: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]   # by the wall\n          B: [[0.3, 0.1], [0.4, 0.1], [0.4, 0.2]]\n", ""},
		{"a function more", site, with(line("new")), "[0.4, 0.2]]\n", "[0.4, 0.2]]\n      - id: new\n        kind: line\n        line: [[0.25, 0.5], [1, 0.123456]]\n"},
		{"beside others in braces", one("  functions:\n  - {id: a, kind: zone}"), with(line("new")), "kind: zone}", "kind: zone}\n  - {" + lineText + "}"},
		{"in brackets", one("  functions: [{id: a, kind: zone}] # x\n"), with(line("new")), "kind: zone}]", "kind: zone}, {" + lineText + "}]"},
		{"in brackets, one a line", one("  functions: [\n    {id: a, kind: zone},\n    {id: b, kind: zone}, # b\n    ]\n"), with(line("new")), "{id: b, kind: zone}", "{id: b, kind: zone},\n    {" + lineText + "}"},
		{"out of brackets", one("  functions: [{id: a, kind: zone}, {id: l, kind: line}]\n"), without("l"), ", {id: l, kind: line}", ""},
		{"out of brackets, the first", one("  functions: [{id: l, kind: line}, {id: a, kind: zone}]\n"), without("l"), "{id: l, kind: line}, ", ""},
		{"the only one", one("  functions: # none\n  - id: l\n    kind: line\n"), without("l"), "  - id: l\n    kind: line\n", ""},
		{"into empty brackets", one("  functions: []"), with(line("new")), "[]", "[{" + lineText + "}]"},
		{"where nothing is", one("  functions:   # later\n"), with(line("new")), "# later\n", "# later\n    - {" + lineText + "}\n"},
		{"where null is", one("  functions: ~   # later\n"), with(line("new")), "~   # later\n", "   # later\n    - {" + lineText + "}\n"},
		{"where there is no key", one("# end"), with(line("new")), "'rtsp://h/p'}\n", "'rtsp://h/p'}\n  functions:\n    - {" + lineText + "}\n"},
		{"in JSON", `{"cameras": [{"id": "gate", "source": {"rtsp": "rtsp://h/p"}}]}`, with(line("new")), `/p"}}`, `/p"}, "functions": [{"id": "new", "kind": "line", "line": [[0.25, 0.5], [1, 0.123456]]}]}`},
		{"a duration in JSON", `{"cameras": [{"id": "gate", "source": {"rtsp": "rtsp://h/p"}, "functions": [{"id": "z", "kind": "zone", "dwell": "30s"}]}]}`,
			change("z", func(f *sidecar.Function) { f.Dwell = time.Hour }), `"30s"`, `"1h"`},
		{"lines of Windows", strings.ReplaceAll(one("  functions:\n  - {id: a, kind: zone}\n  tz: UTC\n"), "\n", "\r\n"), with(line("new")), "kind: zone}\r\n", "kind: zone}\r\n  - {" + lineText + "}\r\n"},
		{"quotes", one("  functions:\n  - {id: 'it''s', kind: \"zo\\x6ee\" , polygon: [[0, 0], [1, 1], [0, 1]]}\n"), change("it's", func(f *sidecar.Function) { f.ID, f.Kind = "it's", "zonder" }), `"zo\x6ee"`, "zonder"},
		{"a key behind the dash", one("  functions:\n  - classes: [car]\n    id: l\n    kind: line\n"), change("l", func(f *sidecar.Function) { f.Classes = nil }), "classes: [car]\n    ", ""},
		{"dashes below their key", one("  functions:\n  - id: z\n    kind: zone\n    polygon:\n    - [0, 0]\n    - [1, 0]\n    - [0, 1]\n    # x\n    dwell: 3s\n"), change("z", func(f *sidecar.Function) { f.Polygon = f.Polygon[:2] }),
			"polygon:\n    - [0, 0]\n    - [1, 0]\n    - [0, 1]\n", "polygon: [[0, 0], [1, 0]]\n"},
		{"an alias", one("  functions:\n  - {id: a, kind: line, line: &x [[0, 0], [1, 1]]}\n  - {id: b, kind: line, line: *x}\n"), change("b", func(f *sidecar.Function) { f.Line = f.Line[:1] }), "*x", "[[0, 0]]"},
		{"a list that others have", "cameras:\n- {id: a, source: {rtsp: 'rtsp://h/p'}, functions: &f [{id: l, kind: line}]}\n- {id: gate, source: {rtsp: 'rtsp://h/p'}, functions: *f}\n", without("l"), "*f", "[]"},
		{"one that others have, one more", "cameras:\n- {id: a, source: {rtsp: 'rtsp://h/p'}, functions: &f [{id: l, kind: line}]}\n- {id: gate, source: {rtsp: 'rtsp://h/p'}, functions: *f}\n", with(line("new")), "*f", "[{id: l, kind: line}, {" + lineText + "}]"},
		{"what is merged is written over", one("  functions:\n  - &a {id: a, kind: line, classes: [car]}\n  - <<: *a\n    id: b\n"), change("b", func(f *sidecar.Function) { f.Classes = []sidecar.Class{"bus"} }), "    id: b\n", "    id: b\n    classes: [bus]\n"},
		{"what is merged goes", one("  functions:\n  - &a {id: a, kind: line, classes: [car]}\n  - <<: *a\n    id: b\n"), change("b", func(f *sidecar.Function) { f.Classes = nil }), "<<: *a\n    id: b", "{id: b, kind: line}"},
		{"characters beyond ASCII", one("  name: Jalan é 東\n  functions: [{id: z, kind: zone}, {id: é, kind: zone}]\n"), change("é", func(f *sidecar.Function) { f.Dwell = time.Minute }), "id: é, kind: zone", "id: é, kind: zone, dwell: 1m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(c.text, c.old) != 1 {
				t.Fatalf("%q is in the text %d times", c.old, strings.Count(c.text, c.old))
			}
			got, err := edited(t, c.text, "gate", c.change)
			if want := strings.Replace(c.text, c.old, c.new, 1); err != nil || got != want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

func TestNothingChangesWhereNothingIsOther(t *testing.T) {
	same := func(all []sidecar.Function) []sidecar.Function { return all }
	if got, err := edited(t, site, "gate", same); err != nil || got != site {
		t.Errorf("%v, got\n%s", err, got)
	}
}

// TestWhatCannotBeEditedIsLeft: others have it too, or it is wrong.
func TestWhatCannotBeEditedIsLeft(t *testing.T) {
	shared := "cameras:\n- {id: gate, source: {rtsp: 'rtsp://h/p'}, functions: &f [{id: l, kind: line}]}\n- {id: b, source: {rtsp: 'rtsp://h/p'}, functions: *f}\n"
	merged := "cameras:\n- &c {id: a, source: {rtsp: 'rtsp://h/p'}, functions: [{id: l, kind: line}]}\n- {<<: *c, id: gate}\n"
	for _, c := range []struct {
		name, text string
		change     func([]sidecar.Function) []sidecar.Function
		want       string
	}{
		{"another camera has it too", shared, with(line("new")), "others would change"},
		{"a function that another has", "cameras:\n- {id: gate, source: {rtsp: 'rtsp://h/p'}, functions: [&f {id: l, kind: line}]}\n- {id: b, source: {rtsp: 'rtsp://h/p'}, functions: [*f]}\n", without("l"), "anchor"},
		{"outside of the picture", site, with(sidecar.Function{ID: "n", Kind: "line", Line: []sidecar.Point{{0, 0}, {2, 0}}}), "functions[3].line[1]: "},
		{"twice", site, with(line("l")), "functions[3].id: the id \"l\" is taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := edited(t, c.text, "gate", c.change)
			if err == nil || !strings.Contains(err.Error(), c.want) || got != "" {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	var fault *sidecar.Fault
	none := func([]sidecar.Function) ([]sidecar.Function, error) { return nil, nil }
	if _, err := Edit("f.yaml", []byte(site), "nobody", none, checks()); !errors.As(err, &fault) {
		t.Errorf("no such camera: got %v", err)
	}
	var errs Errors
	if _, err := Edit("f.yaml", []byte("cameras: 3\n"), "gate", none, checks()); !errors.As(err, &errs) || !errors.As(err, &fault) || errs[0].Line != 1 {
		t.Errorf("a wrong file: got %v", err)
	}
	if got, err := edited(t, merged, "gate", without("l")); err != nil || !strings.Contains(got, "{<<: *c, id: gate, functions: []}") {
		t.Errorf("merged, and none from now on: %v\n%s", err, got)
	}
	if got, err := edited(t, merged, "gate", with(line("new"))); err != nil || !strings.Contains(got, "id: gate, functions: [{id: l, kind: line}, {"+lineText+"}]}") {
		t.Errorf("merged, and its own from now on: %v\n%s", err, got)
	}
}

// TestAnyEditOfAnyFile makes random edits: each result says what it should (Edit looks at
// that itself), and no comment and no other line is lost.
func TestAnyEditOfAnyFile(t *testing.T) {
	reference, err := os.ReadFile("pantau.reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(reference), "file: street.mp4", "rtsp: rtsp://h/p", 1)
	before := text
	const camera = "smg-0421"
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		got, err := edited(t, text, camera, func(all []sidecar.Function) []sidecar.Function { return vary(r, all) })
		if err != nil {
			t.Fatal(err)
		}
		text = got
	}
	cut := strings.Index(before, "    functions:")
	end := strings.Index(before, "  - id: clip")
	if !strings.HasPrefix(text, before[:cut]) || !strings.HasSuffix(text, before[end:]) {
		t.Errorf("something besides the functions has changed:\n%s", text)
	}
	if got, err := edited(t, text, camera, func([]sidecar.Function) []sidecar.Function { return nil }); err != nil || !strings.Contains(got, "    functions:\n\n  - id: clip") {
		t.Errorf("all of them gone: %v\n%s", err, got)
	}
}

// vary makes a random change.
func vary(r *rand.Rand, all []sidecar.Function) []sidecar.Function {
	n := r.IntN(len(all) + 1)
	if n == len(all) || len(all) < 3 {
		return append(all, sidecar.Function{ID: "n" + strings.Repeat("x", r.IntN(60)) + string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26))), Kind: "zone", Polygon: sidecar.Polygon{{r.Float64(), 0}, {1, 0}, {0, 1}}})
	}
	f := all[n]
	switch r.IntN(6) {
	case 0:
		return slices.Delete(all, n, n+1)
	case 1:
		f.Dwell = time.Duration(r.IntN(3)) * 45 * time.Second
	case 2:
		f.Classes = [][]sidecar.Class{nil, {"car"}, {"no", "bus"}}[r.IntN(3)]
	case 3:
		f.Plane = []*sidecar.Plane{nil, {Width: r.Float64(), Length: 3, Points: []sidecar.Point{{0, 0}}}}[r.IntN(2)]
	case 4:
		f.Bays = []map[string]sidecar.Polygon{nil, {"A1": {{0, r.Float64()}}}, {"A1": {{0, 0}}, "No": {{1, 1}}}}[r.IntN(3)]
	case 5:
		f.Line = []sidecar.Point{{r.Float64(), r.Float64()}, {0, 1}}
	}
	all[n] = f
	return all
}

// FuzzEdit looks that no text makes the editor panic, and that no edit of a function is
// made twice.
func FuzzEdit(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "pantau.reference.yaml"} {
		for _, path := range files(f, pattern) {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, 0)
		}
	}
	f.Add([]byte(site), 1)
	f.Add([]byte(site), 2)
	f.Fuzz(func(t *testing.T, data []byte, seed int) {
		cfg, err := Parse("fuzz.yaml", data, checks())
		if err != nil || len(cfg.Cameras) == 0 {
			return
		}
		c := cfg.Cameras[len(cfg.Cameras)-1]
		want := vary(rand.New(rand.NewPCG(uint64(seed), 0)), slices.Clone(c.Functions))
		wanted := func([]sidecar.Function) ([]sidecar.Function, error) { return want, nil }
		got, err := Edit("fuzz.yaml", data, c.ID, wanted, checks())
		if err != nil {
			return
		}
		again, err := Edit("fuzz.yaml", got, c.ID, wanted, checks())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("the second time: %v\n%s\n%s", err, got, again)
		}
	})
}
