package console

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// page is what the build of console/web leaves: nothing but .keep in a build
// without the page.
//
//go:embed all:web/dist
var page embed.FS

// assets serves the page's files. A path that names no file gives the page
// itself, which knows its own routes; one with an extension is not found.
// Folders are not listed, and files that begin with a dot are not served.
func assets(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if !servable(files, name) {
			if path.Ext(name) != "" {
				http.NotFound(w, r)
				return
			}
			name = "index.html"
		}
		if strings.HasPrefix(name, "assets/") { // their names hold a hash of their content
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		if name != "index.html" {
			http.ServeFileFS(w, r, files, name)
			return
		}
		index, err := fs.ReadFile(files, name)
		if errors.Is(err, fs.ErrNotExist) {
			http.Error(w, "This program was built without its page. Build it with: make build", http.StatusServiceUnavailable)
			return
		}
		if err != nil {
			http.Error(w, "reading the page", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index)
	})
}

// servable says whether name is a regular file that may be served.
func servable(files fs.FS, name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	info, err := fs.Stat(files, name)
	return err == nil && info.Mode().IsRegular()
}
