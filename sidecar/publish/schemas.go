package publish

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

// schemaFiles holds a JSON Schema (draft 2020-12) for the data of each type.
//
//go:embed schemas/*.json
var schemaFiles embed.FS

// Schemas gives the JSON Schema of every type by "<type>/<major>", as they stand
// in pantau:schema:*. "camera/1" and "latest/1" are of the hashes.
func Schemas() map[string][]byte {
	all := map[string][]byte{}
	names, err := fs.Glob(schemaFiles, "schemas/*.json")
	if err != nil { // only a bad pattern
		return all
	}
	for _, name := range names {
		text, err := schemaFiles.ReadFile(name)
		if err != nil { // embedded files can be read
			continue
		}
		all[strings.TrimSuffix(path.Base(name), ".json")+"/1"] = text
	}
	return all
}

// schemaKnown says whether a type of events has a schema.
func schemaKnown(typ string) bool {
	f, err := schemaFiles.Open("schemas/" + typ + ".json")
	if err != nil {
		return false
	}
	return f.Close() == nil
}
