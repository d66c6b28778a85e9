package models

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// programFiles is the weights and cards that are part of the program.
//
//go:embed street/*.onnx street/card.md
var programFiles embed.FS

// embeddedFolder is where they are, here and in the source.
const embeddedFolder = "street"

// embedded gives the name of the model's file in the program; empty if it is not there.
func (m Model) embedded() string {
	for _, s := range m.Sources {
		if s.Embedded != "" {
			return s.Embedded
		}
	}
	return ""
}

// readEmbedded gives the weights that are in the program, if they are the manifest's.
func readEmbedded(name string, m Model) ([]byte, error) {
	data, err := fs.ReadFile(programFiles, path.Join(embeddedFolder, name))
	if err != nil {
		return nil, err
	}
	if err := match(data, m.Size, m.SHA256); err != nil {
		return nil, fmt.Errorf("embedded %s %w", name, err)
	}
	return data, nil
}

// Card is a Markdown text that says what a model is and what it is bad at. Of
// models of others it is what the manifest knows.
func (m Model) Card() (string, error) {
	if m.embedded() != "" {
		text, err := fs.ReadFile(programFiles, path.Join(embeddedFolder, "card.md"))
		return string(text), err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s. Its publisher's own page says more.\n\n", m.ID(), m.About)
	fmt.Fprintf(&b, "Family %s, classes %s, input %d (%s), licence %s, %.1f MB. From:\n\n",
		m.Family, m.ClassSet, m.Input.Size, m.Input.Shape, m.Licence, float64(m.Size)/1e6)
	for _, s := range m.Sources {
		if s.Release != "" {
			fmt.Fprintf(&b, "- %s\n", s.Release)
		} else {
			fmt.Fprintf(&b, "- a folder of yours with %s\n", s.Folder)
		}
	}
	return b.String(), nil
}
