package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` tells about a package.
type pkg struct {
	ImportPath  string
	Dir         string
	Doc         string
	Name        string
	Imports     []string
	TestImports []string
	CgoFiles    []string
	Standard    bool
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Name,Imports,TestImports,CgoFiles", "pantau/...").Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("reading the list of packages: %v", err)
		}
		all = append(all, p)
	}
}

func ours(imports []string) []string {
	var own []string
	for _, i := range imports {
		if i == "pantau" || strings.HasPrefix(i, "pantau/") {
			own = append(own, i)
		}
	}
	return own
}

// within says whether path is root or lies below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// stages are the packages of the way of the data. Each knows the vocabulary and
// nothing of its neighbours.
var stages = []string{
	"pantau/sidecar/tap", "pantau/sidecar/decode", "pantau/inference", "pantau/sidecar/track", "pantau/sidecar/view",
	"pantau/sidecar/analyse", "pantau/sidecar/publish", "pantau/overlays",
}

func stageOf(path string) string {
	for _, s := range stages {
		if within(path, s) {
			return s
		}
	}
	return ""
}

func TestVocabularyImportsOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != "pantau/sidecar" {
			continue
		}
		for _, i := range p.Imports {
			if strings.Contains(strings.Split(i, "/")[0], ".") || len(ours([]string{i})) > 0 {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestStagesDoNotKnowTheirNeighbours(t *testing.T) {
	for _, p := range list(t) {
		stage := stageOf(p.ImportPath)
		if stage == "" {
			continue
		}
		for _, i := range ours(p.Imports) {
			if i == "pantau/sidecar" || within(i, "pantau/sidecar/internal") || within(i, stage) {
				continue
			}
			if i == "pantau/onvif/metadata" && stage == "pantau/overlays" { // documents of a standard, and nothing of ours
				continue
			}
			t.Errorf("%s imports %s; a stage imports pantau/sidecar and what lies below itself", p.ImportPath, i)
		}
	}
}

func TestOnlyTheJoinersImportStages(t *testing.T) {
	joiners := []string{"pantau/sidecar/pipeline", "pantau/sidecar/fleet", "pantau/sidecar/audit", "pantau/sidecar/cmd", "pantau/examples"}
	// The console shows what the live hub sends; it imports no other stage.
	allowed := map[string][]string{"pantau/sidecar/console": {"pantau/overlays/live"}}
	for _, p := range list(t) {
		if stageOf(p.ImportPath) != "" || slices.ContainsFunc(joiners, func(j string) bool { return within(p.ImportPath, j) }) {
			continue
		}
		for _, i := range ours(p.Imports) {
			if stageOf(i) != "" && !slices.Contains(allowed[p.ImportPath], i) {
				t.Errorf("%s imports the stage %s", p.ImportPath, i)
			}
		}
	}
}

func TestConfigImportsNoImplementation(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != "pantau/sidecar/config" {
			continue
		}
		for _, i := range ours(p.Imports) {
			if i != "pantau/sidecar" && !within(i, "pantau/sidecar/internal") {
				t.Errorf("%s imports %s, want only pantau/sidecar", p.ImportPath, i)
			}
		}
	}
}

func TestOnvifImportsNothingOfOurs(t *testing.T) {
	for _, p := range list(t) {
		if !within(p.ImportPath, "pantau/onvif") {
			continue
		}
		for _, i := range ours(p.Imports) {
			if !within(i, "pantau/onvif") {
				t.Errorf("%s imports %s; it is to be used alone", p.ImportPath, i)
			}
		}
	}
}

func TestCgoLivesInThreePlaces(t *testing.T) {
	homes := []string{"pantau/sidecar/decode", "pantau/inference/onnx", "pantau/overlays/encode"}
	for _, p := range list(t) {
		if len(p.CgoFiles) > 0 && !slices.Contains(homes, p.ImportPath) {
			t.Errorf("%s uses cgo; only %v may", p.ImportPath, homes)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	banned := []string{"util", "utils", "common", "types", "core", "helpers", "manager", "models_"}
	for _, p := range list(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if slices.Contains(banned, filepath.Base(p.Dir)) {
			t.Errorf("%s is named for nothing", p.ImportPath)
		}
	}
}
