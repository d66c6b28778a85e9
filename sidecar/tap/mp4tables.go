package tap

import (
	"encoding/binary"
	"slices"
)

// table is a sample table: a count, and records of the same width.
type table struct {
	rows  []byte
	width int
}

// tableOf reads the head of a FullBox with a count; skip is what stands before the count.
func tableOf(body []byte, skip, width int) (table, bool) {
	head := 4 + skip + 4
	if len(body) < head {
		return table{}, false
	}
	n := uint64(binary.BigEndian.Uint32(body[head-4:])) * uint64(width)
	if n > uint64(len(body)-head) {
		return table{}, false
	}
	return table{body[head : head+int(n)], width}, true
}

func (t table) len() int { return len(t.rows) / t.width }

// at gives the 32-bit number at a column (in bytes) of a row.
func (t table) at(row, column int) uint32 {
	return binary.BigEndian.Uint32(t.rows[row*t.width+column:])
}

// readTables reads where the samples lie, and when they are shown.
func (t *track) readTables(mdia []byte, fileSize int64) error {
	mdhd, stbl := find(mdia, "mdhd"), find(mdia, "minf", "stbl")
	at := 12 // of the time scale; 64-bit times stand in front in version 1
	if len(mdhd) > 0 && mdhd[0] == 1 {
		at = 20
	}
	if len(mdhd) < at+4 {
		return errBroken
	}
	t.timescale = int64(binary.BigEndian.Uint32(mdhd[at:]))
	if t.timescale == 0 || !t.readSizes(find(stbl, "stsz")) || !t.readTimes(stbl) || !t.readPlaces(stbl, fileSize) {
		return errBroken
	}
	return nil
}

// readSizes makes the samples from "stsz" (clause 8.7.3.2).
func (t *track) readSizes(stsz []byte) bool {
	if len(stsz) < 12 {
		return false
	}
	even, n := binary.BigEndian.Uint32(stsz[4:]), binary.BigEndian.Uint32(stsz[8:])
	sizes, ok := table{}, true
	if even == 0 {
		sizes, ok = tableOf(stsz, 4, 4)
	}
	if !ok || n == 0 || n > maxSamples {
		return false
	}
	t.samples = make([]sample, n)
	for i := range t.samples {
		t.samples[i].size = even
		if even == 0 {
			t.samples[i].size = sizes.at(i, 0)
		}
		if t.samples[i].size > maxSample {
			return false
		}
	}
	return true
}

// readTimes reads "stts" and "ctts" (clauses 8.6.1.2, 8.6.1.3). The first
// picture shown has the time 0.
func (t *track) readTimes(stbl []byte) bool {
	deltas, ok := tableOf(find(stbl, "stts"), 0, 8)
	if !ok {
		return false
	}
	i, at, limit := 0, int64(0), maxSeconds*t.timescale
	for row := range deltas.len() {
		for range min(int(deltas.at(row, 0)), len(t.samples)-i) {
			t.samples[i].dts, t.samples[i].pts = at, at
			at += int64(deltas.at(row, 4))
			if at > limit {
				return false
			}
			i++
		}
	}
	t.duration = t.ticks(at)
	if i < len(t.samples) || t.duration < int64(i)*clockRate/maxRate {
		return false
	}
	if offsets, ok := tableOf(find(stbl, "ctts"), 0, 8); ok {
		t.addOffsets(offsets)
	}
	first := slices.MinFunc(t.samples, func(a, b sample) int { return int(a.pts - b.pts) }).pts
	for i := range t.samples {
		t.samples[i].dts = t.ticks(t.samples[i].dts)
		t.samples[i].pts = t.ticks(t.samples[i].pts - first)
	}
	return true
}

// addOffsets adds the distances from decoding to showing.
func (t *track) addOffsets(offsets table) {
	i := 0
	for row := range offsets.len() {
		for range min(int(offsets.at(row, 0)), len(t.samples)-i) {
			t.samples[i].pts += int64(int32(offsets.at(row, 4)))
			i++
		}
	}
}

// ticks converts the track's time to 1/90000 s.
func (t *track) ticks(v int64) int64 {
	return v/t.timescale*clockRate + v%t.timescale*clockRate/t.timescale
}

// readPlaces reads "stsc" with "stco" or "co64" (clauses 8.7.4, 8.7.5).
func (t *track) readPlaces(stbl []byte, fileSize int64) bool {
	runs, ok := tableOf(find(stbl, "stsc"), 0, 12)
	chunks, ok32 := tableOf(find(stbl, "stco"), 0, 4)
	wide := false
	if !ok32 {
		chunks, wide = tableOf(find(stbl, "co64"), 0, 8)
	}
	if !ok || runs.len() == 0 || !ok32 && !wide {
		return false
	}
	i, run := 0, 0
	for chunk := range chunks.len() {
		if run+1 < runs.len() && int(runs.at(run+1, 0)) == chunk+1 {
			run++
		}
		at := int64(chunks.at(chunk, 0))
		if wide {
			at = at<<32 | int64(chunks.at(chunk, 4))
		}
		for range min(int(runs.at(run, 4)), len(t.samples)-i) {
			if at < 0 || at > fileSize-int64(t.samples[i].size) {
				return false
			}
			t.samples[i].offset = at
			at += int64(t.samples[i].size)
			i++
		}
	}
	return i == len(t.samples)
}
