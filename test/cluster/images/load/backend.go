package main

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// Linkerd's defaults for a queue in front of a backend.
const (
	failfastTimeout = 3 * time.Second
	queueCapacity   = 100
)

// endpoint is one pod behind a backend.
type endpoint struct {
	pool     *pool
	inFlight int
}

// backend is a balancer with its queue: requests wait for an endpoint, and when none comes in time
// the gate shuts and the distributor goes elsewhere until one does.
type backend struct {
	timeout time.Duration
	random  func(n uint64) uint64

	mu        sync.Mutex
	endpoints map[string]*endpoint
	order     []string
	waiting   int
	timer     *time.Timer   // runs from the first request that found no endpoint
	shut      bool          // failfast
	changed   chan struct{} // closed and replaced when the endpoints or the gate change
}

func newBackend(timeout time.Duration, random func(n uint64) uint64) *backend {
	return &backend{timeout: timeout, random: random, endpoints: map[string]*endpoint{}, changed: make(chan struct{})}
}

// update makes `addresses` the endpoints. One that is gone gets no new request; those in flight end.
func (b *backend) update(addresses []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Equal(addresses, b.order) {
		return
	}
	next := make(map[string]*endpoint, len(addresses))
	for _, address := range addresses {
		next[address] = b.endpoints[address]
		if next[address] == nil {
			next[address] = &endpoint{pool: &pool{address: func() (string, error) { return address, nil }}}
		}
	}
	for address, old := range b.endpoints {
		if next[address] == nil {
			old.pool.close()
		}
	}
	b.endpoints = next
	b.order = addresses
	if len(addresses) > 0 {
		b.shut = false
		if b.timer != nil {
			b.timer.Stop()
			b.timer = nil
		}
	}
	b.signal()
}

func (b *backend) signal() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// isOpen is what the distributor asks before it picks this backend.
func (b *backend) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.shut
}

// acquire returns an endpoint, waiting for one while the gate is open. Call release afterwards.
func (b *backend) acquire() (*endpoint, *failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	queued := false
	defer func() {
		if queued {
			b.waiting--
		}
	}()
	for {
		if len(b.order) > 0 {
			e := b.choose()
			e.inFlight++
			return e, nil
		}
		if b.shut {
			return nil, &failure{"mesh 504", errors.New("failfast: no endpoint in time")}
		}
		if !queued {
			if b.waiting >= queueCapacity {
				return nil, &failure{"mesh 503", errors.New("load shed: the queue is full")}
			}
			b.waiting++
			queued = true
		}
		if b.timer == nil {
			b.timer = time.AfterFunc(b.timeout, b.enterFailfast)
		}
		changed := b.changed
		b.mu.Unlock()
		<-changed
		b.mu.Lock()
	}
}

// choose is power of two choices by requests in flight.
func (b *backend) choose() *endpoint {
	n := uint64(len(b.order))
	first := b.endpoints[b.order[b.random(n)]]
	second := b.endpoints[b.order[b.random(n)]]
	if second.inFlight < first.inFlight {
		return second
	}
	return first
}

func (b *backend) release(e *endpoint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.inFlight--
}

func (b *backend) enterFailfast() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = nil
	if len(b.order) == 0 {
		b.shut = true
		b.signal()
	}
}

// close retires the backend. A request that was already on its way to it still goes through, on a
// connection that is not kept afterwards.
func (b *backend) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.endpoints {
		e.pool.close()
	}
}
