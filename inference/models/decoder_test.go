package models

import (
	"errors"
	"slices"
	"testing"

	"pantau/sidecar"
)

// small is a model of a family that takes 96x64.
func small(family string) Model {
	return Model{Name: "small", Version: 3, Family: family, ClassSet: "coco"}
}

// fitOf is a picture of 192x100 in an input of 96x64.
func fitOf() sidecar.Fit { return sidecar.Letterbox{Width: 96, Height: 64}.Fit(192, 100) }

// checkDetections decodes outputs: whatever they hold, detections are boxes in
// the picture with sane scores, and not too many.
func checkDetections(t *testing.T, family string, outputs []Tensor, q Query) {
	t.Helper()
	d, err := NewDecoder(small(family), nil, float64(q.MinScore))
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Decode(nil, outputs, q.Width, q.Height, fitOf())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) > maxObjects {
		t.Errorf("%s: %d detections, want at most %d", family, len(got), maxObjects)
	}
	for i, g := range got {
		b := g.Box
		if !(b.Left >= 0 && b.Top >= 0 && b.Right <= 1 && b.Bottom <= 1 && b.Left < b.Right && b.Top < b.Bottom) {
			t.Errorf("%s: box %v", family, b)
		}
		if !(g.Score <= 1) || i > 0 && g.Score > got[i-1].Score {
			t.Errorf("%s: score %v after %v", family, g.Score, got[max(0, i-1)].Score)
		}
	}
}

func TestDecodeMapsToThePicture(t *testing.T) {
	d, err := NewDecoder(small("yolox"), nil, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	outputs := random(t, "yolox", query(0.5), 1)
	clear(outputs[0].Data)
	row := outputs[0].Data[(96+6*1+2)*85:] // centre 40,20 size 16x16
	copy(row, []float32{0.5, 0.25, 0, 0, 0.8})
	row[5+2] = 1
	got, err := d.Decode(nil, outputs, 96, 64, fitOf()) // the picture lies in 96x50, halved
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v, want one detection", got, err)
	}
	want := sidecar.Box{Left: 64.0 / 192, Top: 24.0 / 100, Right: 96.0 / 192, Bottom: 56.0 / 100}
	if got[0].Class != sidecar.Car || got[0].Box.IoU(want) < 0.999 {
		t.Errorf("detection is %v, want a car at %v", got[0], want)
	}
}

// A rider on a motorcycle is joined with it, unless the model has done so itself:
// then a person whom it finds there is one.
func TestRidersAreJoinedOnlyWhereTheyAreApart(t *testing.T) {
	for riders, want := range map[string]int{"": 1, ridersInside: 2} {
		m := Model{Name: "small", Version: 1, Family: "gfl", ClassSet: "street", Riders: riders}
		d, err := NewDecoder(m, nil, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		q := query(0.5)
		q.All, q.Classes = 6, []int{0, 1, 2, 3, 4, 5}
		outputs := streetOutputs(q)
		person, motorcycle := 1*12+2, 2*12+2 // cells of stride 8 whose centres are 20,12 and 20,20
		outputs[0].Data[person*6+0], outputs[0].Data[motorcycle*6+2] = 0.9, 0.8
		for side, bins := range [4][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}} { // 16 by 16 pixels each
			outputs[3].Data[person*44+side*11+bins[0]] = 100
			outputs[3].Data[motorcycle*44+side*11+bins[1]] = 100
		}
		got, err := d.Decode(nil, outputs, q.Width, q.Height, fitOf())
		if err != nil || len(got) != want {
			t.Errorf("riders %q: %v, error %v, want %d objects", riders, got, err, want)
		}
	}
}

// streetOutputs are the empty outputs of a model of the street's classes.
func streetOutputs(q Query) []Tensor {
	var all []Tensor
	for _, numbers := range []int64{int64(q.All), 44} {
		for _, stride := range []int{8, 16, 32} {
			n := int64(cells(q.Width, stride) * cells(q.Height, stride))
			all = append(all, Tensor{Shape: []int64{1, n, numbers}, Data: make([]float32, n*numbers)})
		}
	}
	return all
}

func TestDecodeAppends(t *testing.T) {
	d, err := NewDecoder(small("gfl"), nil, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	outputs := random(t, "gfl", query(0.3), 1)
	first := sidecar.Detection{Class: "kite"}
	got, err := d.Decode([]sidecar.Detection{first}, outputs, 96, 64, fitOf())
	if err != nil || len(got) < 2 || got[0] != first {
		t.Errorf("%d detections, error %v, want more behind the first", len(got), err)
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	for family := range families {
		d, err := NewDecoder(small(family), nil, 0.2)
		if err != nil {
			t.Fatal(err)
		}
		outputs := random(t, family, query(0.2), 1)
		dst := make([]sidecar.Detection, 0, maxObjects)
		got := testing.AllocsPerRun(50, func() {
			var failed error
			if dst, failed = d.Decode(dst[:0], outputs, 96, 64, fitOf()); failed != nil {
				err = failed
			}
		})
		if got != 0 || err != nil || len(dst) == 0 {
			t.Errorf("%s: %v allocations a frame, error %v, %d detections", family, got, err, len(dst))
		}
	}
}

func TestDecoderOfOtherClasses(t *testing.T) {
	d, err := NewDecoder(small("yolox"), []sidecar.Class{"dog"}, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Decode(nil, random(t, "yolox", query(0.1), 1), 96, 64, fitOf())
	if err != nil || len(got) == 0 {
		t.Fatalf("%d detections, error %v, want some", len(got), err)
	}
	for _, g := range got {
		if g.Class != "dog" {
			t.Errorf("a %s was found, only dogs were wanted", g.Class)
		}
	}
	_, err = NewDecoder(small("yolox"), []sidecar.Class{"dog", "becak"}, 0.1)
	var field *sidecar.FieldError
	if !errors.As(err, &field) || field.Field != "classes[1]" {
		t.Errorf("error is %v, want one of classes[1]", err)
	}
}

func TestEveryDefaultClassIsKnown(t *testing.T) {
	for name, set := range classSets {
		if want := map[string]int{"coco": 80, "street": 6}[name]; len(set) != want {
			t.Errorf("%s has %d classes, want %d", name, len(set), want)
		}
		for _, c := range sidecar.Classes() {
			if !slices.Contains(set, c) {
				t.Errorf("%s does not know %s", name, c)
			}
		}
	}
	for family := range families {
		if _, err := NewDecoder(small(family), sidecar.Classes(), 0.1); err != nil {
			t.Error(err)
		}
	}
	if _, err := NewDecoder(small("detr"), nil, 0.1); err == nil {
		t.Error("unknown family: no error")
	}
}

// BenchmarkDecode is the decoding of one frame of 640x480 with some fifty candidates.
func BenchmarkDecode(b *testing.B) {
	for family := range families {
		b.Run(family, func(b *testing.B) {
			d, err := NewDecoder(small(family), nil, 0.15)
			if err != nil {
				b.Fatal(err)
			}
			q := query(0.15)
			q.Width, q.Height = 640, 480
			outputs := random(b, family, q, 1)
			for _, o := range outputs {
				numbers := int(o.Shape[2])
				for i := range o.Data {
					if numbers != 44 && i/numbers%120 != 0 { // scores: an object in every 120th cell
						o.Data[i] *= 0.1
					}
				}
			}
			var dst []sidecar.Detection
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = d.Decode(dst[:0], outputs, 640, 480, sidecar.Letterbox{Width: 640, Height: 480}.Fit(768, 576)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(dst)), "detections")
		})
	}
}
