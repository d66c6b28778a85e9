package overlays

import (
	"maps"
	"slices"
	"sync"
)

// Cameras are those of a way out, by id; C is what it keeps of one. The zero value has
// none. Its methods may be called from several goroutines.
type Cameras[C any] struct {
	mu    sync.RWMutex
	all   map[string]*C
	ended bool
}

// Get gives the camera of an id, or nil.
func (c *Cameras[C]) Get(id string) *C {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.all[id]
}

// Add gives the camera of an id, and calls make where there is none yet; after End it
// gives nil.
func (c *Cameras[C]) Add(id string, make func() *C) *C {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	if c.all == nil {
		c.all = map[string]*C{}
	}
	if c.all[id] == nil {
		c.all[id] = make()
	}
	return c.all[id]
}

// Remove takes the camera of an id away and gives it, or nil.
func (c *Cameras[C]) Remove(id string) *C {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.all[id]
	delete(c.all, id)
	return one
}

// End takes all cameras away and gives them; none can be added any more.
func (c *Cameras[C]) End() []*C {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Collect(maps.Values(c.all))
	c.all, c.ended = nil, true
	return all
}
