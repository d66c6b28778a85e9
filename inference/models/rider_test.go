package models

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Scenes in centimetres, as a camera sees them: y grows downwards, the ground at
// 300. A parked motorcycle seen from the side is 190 wide and 110 high, from the
// front 70 wide.
func TestRiders(t *testing.T) {
	side := box(motorcycle, 0.7, 100, 190, 290, 300)
	front := box(motorcycle, 0.7, 100, 190, 170, 300)
	bike := box(bicycle, 0.6, 100, 200, 275, 300)
	cases := []struct {
		name    string
		mount   Candidate
		persons []Candidate
		stay    int // persons that stay
	}{
		{"motorcyclist from the side", side, []Candidate{box(person, 0.8, 150, 130, 240, 285)}, 0},
		{"leaning forward", side, []Candidate{box(person, 0.8, 120, 140, 225, 280)}, 0},
		{"with a pillion", side, []Candidate{box(person, 0.8, 140, 130, 220, 285), box(person, 0.5, 175, 135, 255, 280)}, 0},
		{"family of three", side, []Candidate{box(person, 0.8, 140, 130, 220, 285), box(person, 0.5, 175, 135, 255, 280), box(person, 0.4, 130, 170, 190, 260)}, 0},
		{"motorcyclist from the front", front, []Candidate{box(person, 0.8, 95, 120, 175, 295)}, 0},
		{"box of the motorcycle with its rider", box(motorcycle, 0.7, 100, 130, 290, 300), []Candidate{box(person, 0.8, 150, 130, 240, 280)}, 0},
		{"cyclist from the side", bike, []Candidate{box(person, 0.8, 140, 110, 230, 285)}, 0},
		{"cyclist from behind", box(bicycle, 0.6, 110, 200, 160, 300), []Candidate{box(person, 0.8, 105, 110, 165, 285)}, 0},
		{"unsure motorcycle under a rider", box(motorcycle, 0.3, 100, 190, 290, 300), []Candidate{box(person, 0.8, 150, 130, 240, 285)}, 0},

		{"pedestrian beside a parked one", side, []Candidate{box(person, 0.8, 270, 130, 330, 300)}, 1},
		{"pedestrian at the front wheel", side, []Candidate{box(person, 0.8, 90, 130, 145, 300)}, 1},
		{"pedestrian beside one seen from the front", front, []Candidate{box(person, 0.8, 160, 130, 220, 300)}, 1},
		{"pedestrian in front", side, []Candidate{box(person, 0.8, 165, 150, 225, 330)}, 1},
		{"pedestrian behind, feet above the seat", side, []Candidate{box(person, 0.8, 165, 60, 220, 225)}, 1},
		{"far pedestrian behind", side, []Candidate{box(person, 0.8, 180, 200, 205, 260)}, 1},
		{"near pedestrian passing by", side, []Candidate{box(person, 0.8, 130, -60, 260, 305)}, 1},
		{"pushing a bicycle", bike, []Candidate{box(person, 0.8, 240, 130, 300, 302)}, 1},
		{"far away", side, []Candidate{box(person, 0.8, 500, 130, 560, 300)}, 1},
		{"a bicycle that is likely none", box(bicycle, 0.15, 100, 190, 290, 300), []Candidate{box(person, 0.8, 150, 130, 240, 285)}, 1},
		{"a car is not ridden", box(car, 0.7, 100, 190, 290, 300), []Candidate{box(person, 0.8, 150, 130, 240, 285)}, 1},
	}
	for _, c := range cases {
		got := mergeRiders(append([]Candidate{c.mount}, c.persons...), cocoKind)
		persons := 0
		for _, g := range got {
			if g.Class == person {
				persons++
			}
		}
		if persons != c.stay {
			t.Errorf("%s: %d persons stay, want %d: %v", c.name, persons, c.stay, got)
			continue
		}
		want := c.mount
		if c.stay == 0 {
			for i := range c.persons {
				want.join(&c.persons[i])
			}
		}
		if !slices.Contains(got, want) {
			t.Errorf("%s: %v, want the vehicle %v", c.name, got, want)
		}
	}
}

func TestRiderTakesTheVehicleThatCoversMost(t *testing.T) {
	got := mergeRiders([]Candidate{
		box(motorcycle, 0.7, 100, 190, 290, 300),
		box(motorcycle, 0.6, 180, 195, 370, 305),
		box(person, 0.8, 150, 130, 240, 285),
	}, cocoKind)
	if len(got) != 2 || got[0].Top != 130 || got[1].Top != 195 {
		t.Errorf("%v, want the rider on the first", got)
	}
}

// A part of a bicycle that was found beside the whole is no second bicycle; one
// with a rider of its own is.
func TestRiddenBicycleIsOne(t *testing.T) {
	whole, part := box(bicycle, 0.3, 100, 150, 275, 300), box(bicycle, 0.6, 100, 210, 180, 300)
	first := box(person, 0.8, 140, 110, 230, 285)
	if got := mergeRiders([]Candidate{first, part, whole}, cocoKind); len(got) != 1 || got[0].Top != 110 {
		t.Errorf("%v, want one bicycle", got)
	}
	if got := mergeRiders([]Candidate{part, whole}, cocoKind); len(got) != 2 {
		t.Errorf("%v, want both, since nobody rides", got)
	}
	second := box(person, 0.5, 98, 150, 166, 290)
	if got := mergeRiders([]Candidate{first, part, second, whole}, cocoKind); len(got) != 2 || got[0].Class != bicycle || got[1].Class != bicycle {
		t.Errorf("%v, want two bicycles", got)
	}
}

func TestNoMoreRidersThanAFamily(t *testing.T) {
	found := []Candidate{box(motorcycle, 0.7, 100, 190, 290, 300)}
	for i := range 6 {
		found = append(found, box(person, 0.8, 150+float32(i), 130, 240, 285))
	}
	if got := mergeRiders(found, cocoKind); len(got) != 1+6-maxRiders {
		t.Errorf("%d objects, want %d", len(got), 1+6-maxRiders)
	}
}

// Whatever the picture: others all stay, nothing appears, and the best is first.
func TestRidersProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		count := map[int]int{}
		var found []Candidate
		for range r.IntN(maxObjects) {
			x, y := r.Float32()*300, r.Float32()*200
			c := box([]int{person, bicycle, motorcycle, car, dog}[r.IntN(5)], r.Float32(), x, y, x+5+r.Float32()*60, y+5+r.Float32()*60)
			count[c.Class]++
			found = append(found, c)
		}
		got := mergeRiders(found, cocoKind)
		for i, g := range got {
			if count[g.Class]--; count[g.Class] < 0 || i > 0 && g.Score > got[i-1].Score {
				t.Fatalf("object %d is %v", i, g)
			}
		}
		if count[car] != 0 || count[dog] != 0 {
			t.Fatalf("%d cars and %d dogs vanished", count[car], count[dog])
		}
		if count[person] > 0 && count[bicycle]+count[motorcycle] == 0 && !slices.ContainsFunc(got, func(g Candidate) bool { return cocoKind(g.Class) == twoWheeler }) {
			t.Fatal("persons vanished, and nothing was there to ride on")
		}
	}
}
