package nearest

import "testing"

func TestWord(t *testing.T) {
	words := []string{"person", "bicycle", "car", "line", "zone"}
	for _, c := range []struct{ w, want string }{
		{"persn", "person"}, {"Person", "person"}, {"bycicle", "bicycle"}, {"lime", "line"},
		{"cars", "car"}, {"", ""}, {"x", ""}, {"aeroplane", ""}, {"zone", "zone"},
	} {
		if got := Word(c.w, words); got != c.want {
			t.Errorf("Word(%q) is %q, want %q", c.w, got, c.want)
		}
	}
}
