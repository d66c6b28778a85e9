package analyse

import (
	"fmt"

	"pantau/sidecar"
)

// smallest is the least area of a polygon, in pictures.
const smallest = 1e-4

// checkPolygon refuses polygons that enclose nothing, or not one thing. field is
// where it stands in the function.
func checkPolygon(field string, poly sidecar.Polygon) error {
	if n := len(poly); n < 3 {
		return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("the polygon has %d corners", n), Remedy: "give at least three"}
	}
	if err := checkPoints(field, poly); err != nil {
		return err
	}
	if err := checkSides(field, poly); err != nil {
		return err
	}
	if a := size(poly); a < smallest {
		return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("the polygon covers %.2g of the picture", a),
			Remedy: fmt.Sprintf("draw it larger than %v", smallest)}
	}
	return nil
}

// checkSides refuses polygons that cross themselves.
func checkSides(field string, poly sidecar.Polygon) error {
	n := len(poly)
	for i, p := range poly {
		if next := (i + 1) % n; poly[next] == p {
			return &sidecar.FieldError{Field: fmt.Sprintf("%s[%d]", field, next), Problem: "the corner stands twice in a row",
				Remedy: "remove it; the last corner is joined to the first by itself"}
		}
	}
	for i := range n {
		for j := i + 2; j < n && j-i < n-1; j++ { // neighbours share a corner
			if touch(poly[i], poly[i+1], poly[j], poly[(j+1)%n]) {
				return &sidecar.FieldError{Field: fmt.Sprintf("%s[%d]", field, j),
					Problem: fmt.Sprintf("the polygon crosses itself: side %d and side %d touch", i+1, j+1),
					Remedy:  "give the corners in their order around the zone"}
			}
		}
	}
	return nil
}

// alongEdge says whether both points touch the same edge of the picture.
func alongEdge(a, b sidecar.Point) bool {
	for i := range a {
		if a[i] < edge && b[i] < edge || a[i] > 1-edge && b[i] > 1-edge {
			return true
		}
	}
	return false
}
