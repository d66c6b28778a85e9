package models

import (
	"math/rand/v2"
	"testing"
)

// The classes of COCO that the tests name.
const (
	person     = 0
	bicycle    = 1
	car        = 2
	motorcycle = 3
	truck      = 7
	dog        = 16
)

func cocoKind(c int) kind { return kindOf(classSets["coco"][c]) }

func cocoAlike(a, b int) bool {
	d := Decoder{classes: classSets["coco"]}
	return d.alike(a, b)
}

func box(class int, score, left, top, right, bottom float32) Candidate {
	return Candidate{Left: left, Top: top, Right: right, Bottom: bottom, Score: score, Class: class}
}

func TestSuppress(t *testing.T) {
	cases := []struct {
		name  string
		found []Candidate
		want  []int // classes that stay, best first
	}{
		{"nothing", nil, nil},
		{"one", []Candidate{box(car, 0.9, 0, 0, 10, 10)}, []int{car}},
		{"the same twice", []Candidate{box(car, 0.5, 0, 0, 10, 10), box(car, 0.9, 0, 0, 10, 10)}, []int{car}},
		{"side by side", []Candidate{box(car, 0.5, 0, 0, 10, 10), box(car, 0.9, 5, 0, 15, 10)}, []int{car, car}},
		{"van as car and truck", []Candidate{box(truck, 0.5, 0, 0, 10, 10), box(car, 0.4, 0, 0, 10, 9)}, []int{truck}},
		{"car in front of a truck", []Candidate{box(truck, 0.5, 0, 0, 10, 10), box(car, 0.4, 0, 5, 10, 10)}, []int{truck, car}},
		{"person before a car", []Candidate{box(car, 0.5, 0, 0, 10, 10), box(person, 0.4, 0, 0, 10, 10)}, []int{car, person}},
		{"bicycle as motorcycle", []Candidate{box(motorcycle, 0.5, 0, 0, 10, 10), box(bicycle, 0.4, 0, 0, 10, 10)}, []int{motorcycle}},
		{"a chain keeps its ends", []Candidate{box(car, 0.9, 0, 0, 10, 10), box(car, 0.8, 2, 0, 12, 10), box(car, 0.7, 4, 0, 14, 10)}, []int{car, car}},
	}
	for _, c := range cases {
		got := suppress(c.found, cocoAlike)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want classes %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i].Class != c.want[i] {
				t.Errorf("%s: object %d is %d, want %d", c.name, i, got[i].Class, c.want[i])
			}
		}
	}
}

// Whatever comes in: what stays is apart from each other, best first, not too
// much, and does not depend on the order.
func TestSuppressProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		var found []Candidate
		for range r.IntN(2000) {
			x, y := r.Float32()*600, r.Float32()*400
			found = append(found, box([]int{person, car, truck, dog}[r.IntN(4)], r.Float32(), x, y, x+10+r.Float32()*80, y+10+r.Float32()*80))
		}
		shuffled := append([]Candidate{}, found...)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		a, b := suppress(found, cocoAlike), suppress(shuffled, cocoAlike)
		if len(a) != len(b) || len(a) > maxObjects {
			t.Fatalf("%d and %d objects stay, want the same, at most %d", len(a), len(b), maxObjects)
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("object %d is %v and %v", i, a[i], b[i])
			}
			if covered(a[:i], a[i], cocoAlike) || i > 0 && a[i].Score > a[i-1].Score {
				t.Fatalf("object %d stays, and should not", i)
			}
		}
	}
}
