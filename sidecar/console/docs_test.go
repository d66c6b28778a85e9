package console

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documentedRoutes reads the table of docs/api.md: "METHOD PATH". A path stands after its
// methods, or after none where they are those before.
func documentedRoutes(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`GET|POST|PUT|DELETE|/[a-z0-9/{}.-]+`)
	routes := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.*/.*?) \| .* \| .* \|$`).FindAllStringSubmatch(string(text), -1) {
		var methods []string
		after := false // a path
		for _, w := range word.FindAllString(row[1], -1) {
			if !strings.HasPrefix(w, "/") {
				if after {
					methods, after = nil, false
				}
				methods = append(methods, w)
				continue
			}
			after = true
			for _, m := range methods {
				routes[m+" "+w] = true
			}
		}
	}
	return routes
}

func TestTheDocumentNamesEveryRoute(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(newSite(t).admin().want(200, "GET", "/api/v1/openapi.json", nil)), &doc); err != nil {
		t.Fatal(err)
	}
	told := documentedRoutes(t)
	for path, methods := range doc.Paths {
		for method := range methods {
			route := strings.ToUpper(method) + " " + path
			if !told[route] {
				t.Errorf("docs/api.md does not name %s", route)
			}
			delete(told, route)
		}
	}
	delete(told, "GET /signin") // a page, no part of the API
	for route := range told {
		t.Errorf("docs/api.md names %s, which is not there", route)
	}
}
