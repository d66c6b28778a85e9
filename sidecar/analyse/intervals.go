package analyse

import (
	"slices"
	"time"
)

const (
	// settling is how long after its end a minute is given, so that crossings
	// which need some frames to be sure are in it and need no revision.
	settling = 3 * time.Second
	// behind is how far a camera's clock may be behind this machine's: so much
	// later is a minute given as long as no frame has told the camera's time.
	behind = time.Minute
	// odd is how much later than the camera's this machine's intervals begin, of
	// each 2*odd.
	odd = time.Millisecond
	// leaping is a correction of the camera's clock that the first interval follows.
	leaping = time.Second
	// revising is how long a minute that was revised is not revised again.
	revising = 10 * time.Second
	// longest is how many minutes without scenes are given at most; those before
	// are missing.
	longest = 24 * 60
)

// wait says what time it is by this machine's clock, which counts until there is
// a frame.
func (l *ledger) wait(at time.Time) {
	if l.seen {
		return
	}
	l.waited = at
	if l.next.IsZero() {
		l.next = at.Truncate(2 * odd).Add(odd)
	}
}

// open begins the camera's time with its first frame: there ends what was begun
// by another clock. What has been given already stays.
func (l *ledger) open(at time.Time) {
	l.seen, l.opened = true, at.Truncate(2*odd)
	if before := l.opened.Before(l.next); before && l.given {
		l.opened = l.next
	} else if before || l.next.IsZero() {
		l.next = l.opened
	}
}

// shift moves the first interval, as long as it is the only one and was not given:
// its frames came before the camera had told its time.
func (l *ledger) shift(leap time.Duration) bool {
	if len(l.minutes) != 1 || l.opened.Before(l.next) {
		return false
	}
	opened := l.opened.Add(leap).Truncate(2 * odd)
	if l.next.Equal(l.opened) {
		l.next = opened
	}
	l.opened = opened
	m := l.minutes[0]
	m.from, m.to = l.opened, l.border(l.opened)
	l.newest = l.newest.Add(leap)
	return true
}

// proceed goes on where an interval has ended. If the camera is ahead, what this
// machine's clock has not reached by the first frame is no time without frames.
func (l *ledger) proceed(from time.Time) {
	l.next = from
	if l.seen && !from.Before(l.opened) {
		return
	}
	l.next = from.Truncate(2 * odd).Add(odd)
	if l.seen && l.next.After(l.waited) {
		l.next = l.opened
	}
}

// border is where the interval that begins at from ends.
func (l *ledger) border(from time.Time) time.Time {
	to := from.Truncate(time.Minute).Add(time.Minute)
	for _, cut := range [...]time.Time{l.opened, l.end} {
		if from.Before(cut) && cut.Before(to) {
			to = cut
		}
	}
	return to
}

// minute finds or begins the minute of a time. What is before the first frame
// belongs to its minute, and what is older than memory to the oldest that can be
// revised.
func (l *ledger) minute(at time.Time) *minute {
	if oldest := l.newest.Add(-memory); at.Before(oldest) {
		at = oldest
	}
	from := at.Truncate(time.Minute)
	if from.Before(l.opened) {
		from = l.opened
	}
	i := len(l.minutes)
	for i > 0 && l.minutes[i-1].from.After(from) {
		i--
	}
	if i > 0 && l.minutes[i-1].from.Equal(from) {
		return l.minutes[i-1]
	}
	m := newMinute(from, l.border(from), len(l.rows))
	m.given = from.Before(l.next) // as one without scenes
	l.minutes = slices.Insert(l.minutes, i, m)
	return m
}

// close ends the last interval, but not before the newest frame. One that would
// have no length is none: its frame belongs to the minute that ends with it.
func (l *ledger) close(at time.Time) {
	if at.Before(l.newest) {
		at = l.newest // time ran backwards
	}
	l.end = at.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	if !l.seen {
		return
	}
	if !l.opened.Before(l.end) { // a single frame
		l.end = l.opened.Add(time.Millisecond)
	}
	final := l.minute(l.end.Add(-1))
	n := len(l.minutes)
	if last := l.minutes[n-1]; last.from.Equal(l.end) && !last.given {
		final.take(last)
		l.minutes = l.minutes[:n-1]
	}
	if !final.given && final.to.After(l.end) {
		final.to = l.end
	}
}

// pauseAt calls yield with each minute that was not given, as far as it is counted.
// All of them are given again.
func (l *ledger) pauseAt(end time.Time, yield func(*minute)) {
	if end.Before(l.newest) {
		end = l.newest
	}
	end = end.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	for _, m := range l.minutes {
		if m.given || !m.from.Before(end) {
			continue
		}
		part := *m
		part.final = false
		if part.to.After(end) {
			part.to = end
		}
		m.rev++
		yield(&part)
	}
}

// deadline says up to when minutes are given, and what of them may still change.
type deadline struct {
	over      time.Time     // minutes that end later are not given
	steady    time.Duration // now
	undecided time.Time     // facts from here on may still come out either way
	open      bool          // there are such facts
	last      bool          // what has changed is given, however short a time ago it was
}

func (d deadline) decides(m *minute) bool { return !d.open || !d.undecided.Before(m.to) }

// give calls yield with each minute that is over and was not given yet, and, from
// time to time, with each that changed since it was.
func (l *ledger) give(d deadline, yield func(*minute)) {
	for _, m := range l.minutes {
		decided := d.decides(m)
		if !m.given || !m.changed && (m.final || !decided) || !d.last && m.rev > 0 && d.steady-m.told < revising {
			continue
		}
		m.rev++
		m.final, m.changed, m.told = decided, false, d.steady
		yield(m)
	}
	oldest := d.over.Truncate(time.Minute).Add(-longest * time.Minute)
	for {
		l.skip(oldest)
		to := l.border(l.next)
		if to.After(d.over) {
			break
		}
		m := l.at(l.next, to)
		m.final, m.changed, m.given = d.decides(m) || m.frames == 0 && !m.changed, false, true
		l.given = true
		yield(m)
		l.proceed(to)
	}
	l.forget()
}

// at is the minute that begins at from, an empty one if nothing was seen in it.
func (l *ledger) at(from, to time.Time) *minute {
	for _, m := range l.minutes {
		if m.from.Equal(from) {
			return m
		}
	}
	return newMinute(from, to, len(l.rows))
}

// skip goes on at the oldest minute that may be without scenes after a long sleep,
// or at the one before it that has some.
func (l *ledger) skip(oldest time.Time) {
	if !l.next.Before(oldest) {
		return
	}
	for _, m := range l.minutes {
		if !m.given && m.from.Before(oldest) {
			l.next = m.from
			return
		}
	}
	l.proceed(oldest)
}

// forget lets go of minutes that cannot be revised any more.
func (l *ledger) forget() {
	oldest := l.newest.Add(-memory).Truncate(time.Minute)
	l.minutes = slices.DeleteFunc(l.minutes, func(m *minute) bool {
		return m.given && m.from.Before(oldest) && !m.changed
	})
}
