package view

import (
	"encoding/binary"
	"math"
)

// version of what encode writes.
const version = 1

func newReference(f *field) *reference {
	return &reference{field: field{w: f.w, h: f.h, v: make([]vector, f.w*f.h)}, sharp: make([]float32, f.blocks())}
}

// visible is how many of the blocks that have a vote show edges in a picture.
func (r *reference) visible(f *field) int {
	n := 0
	for i, e := range r.energy {
		if e >= structured && f.energy(i) >= structured/2 {
			n++
		}
	}
	return n
}

// encode writes the reference: version, width, height, looks (each 32 bits, little
// endian), colour and sharpness by block (32-bit floats), then both parts of each
// vector as signed bytes, 1 being 127.
func (r *reference) encode() []byte {
	b := make([]byte, 0, 20+4*len(r.sharp)+2*len(r.v))
	for _, n := range [...]int{version, r.w, r.h, r.looks} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(r.colour)))
	for _, s := range r.sharp {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(s))
	}
	for _, v := range r.v {
		b = append(b, signed(v.x), signed(v.y))
	}
	return b
}

func signed(v float32) byte { return byte(int8(math.Round(127 * float64(max(-1, min(1, v)))))) }

// decodeReference reads what encode wrote; nil: it is something else.
func decodeReference(b []byte) *reference {
	const most = 4 * width
	if len(b) < 20 || binary.LittleEndian.Uint32(b) != version {
		return nil
	}
	number := func(i int) int { return int(binary.LittleEndian.Uint32(b[4*i:])) }
	float := func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])) }
	f := field{w: number(1), h: number(2)}
	if f.w < 2 || f.h < 2 || f.w > most || f.h > most || len(b) != 20+4*f.blocks()+2*f.w*f.h {
		return nil
	}
	r := newReference(&f)
	r.looks, r.colour = number(3), float64(float(4))
	sane := func(v float64) bool { return v >= 0 && v < math.MaxInt32 }
	if !sane(r.colour) {
		return nil
	}
	for i := range r.sharp {
		if r.sharp[i] = float(5 + i); !sane(float64(r.sharp[i])) {
			return nil
		}
	}
	for i, at := 0, 20+4*len(r.sharp); i < len(r.v); i, at = i+1, at+2 {
		r.v[i] = vector{float32(int8(b[at])) / 127, float32(int8(b[at+1])) / 127}
	}
	r.measure()
	return r
}
