package street

import (
	"math/rand/v2"

	"pantau/sidecar"
)

// body is what an agent looks like: a class and a cuboid, in metres.
type body struct {
	class                 sidecar.Class
	length, width, height float64
}

// brand is one of the sizes on the street, and how it drives.
type brand struct {
	body
	share   float64 // of the traffic
	wish    float64 // speed on a free road, m/s
	accel   float64 // m/s²
	spacing float64 // gap in a queue, m
	narrow  bool    // passes between others
}

// traffic is what drives in a city of motorcycles.
var traffic = []brand{
	{body{sidecar.Motorcycle, 1.9, 0.75, 1.55}, 0.42, 10, 2.0, 0.8, true},
	{body{sidecar.Car, 4.3, 1.75, 1.55}, 0.38, 10, 1.5, 1.6, false},
	{body{sidecar.Truck, 7.0, 2.3, 2.8}, 0.08, 8, 0.9, 2.2, false},
	{body{sidecar.Bus, 10.5, 2.5, 3.1}, 0.04, 8, 0.9, 2.2, false},
	{body{sidecar.Bicycle, 1.8, 0.6, 1.7}, 0.08, 4.5, 0.8, 0.8, true},
}

var pedestrian = body{sidecar.Person, 0.45, 0.5, 1.68}

// some draws a brand by its share.
func some(r *rand.Rand) brand {
	x := r.Float64()
	for _, b := range traffic {
		if x -= b.share; x < 0 {
			return b.vary(r)
		}
	}
	return traffic[1].vary(r)
}

// vary makes one of many.
func (b brand) vary(r *rand.Rand) brand {
	b.body = b.body.vary(r)
	b.wish *= 1 + 0.15*r.NormFloat64()
	b.wish = max(b.wish, 2.5)
	return b
}

func (b body) vary(r *rand.Rand) body {
	f := 1 + 0.07*max(-2, min(2, r.NormFloat64()))
	b.length, b.width, b.height = b.length*f, b.width*f, b.height*f
	return b
}
