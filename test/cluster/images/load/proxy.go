package main

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// discoveryIdle is how long Linkerd keeps a stack that nobody uses.
const discoveryIdle = 5 * time.Second

// proxy is one client's Linkerd outbound proxy. Its stack for a destination is built at the first
// request, on the profile or on the policy, and keeps to that until it has been idle; within its
// mode it follows every change.
type proxy struct {
	world     *world
	namespace string // the client's
	to        destination
	now       func() time.Time
	timeout   time.Duration // failfast
	seed      uint64
	stop      func()

	mu       sync.Mutex
	rng      *rand.Rand
	stack    *stack
	inFlight int
	lastUse  time.Time
}

// stack is what the proxy built: a mode for life, the routing of now, the backends it holds.
type stack struct {
	routing  routing
	backends map[backendID]*backend
}

func newProxy(w *world, namespace string, to destination, seed uint64, now func() time.Time) *proxy {
	p := &proxy{
		world: w, namespace: namespace, to: to, now: now, timeout: failfastTimeout, seed: seed,
	}
	p.stop = w.subscribe(p.refresh)
	return p
}

// send routes one request. The returned failure's kind starts with "mesh" if the proxy itself gave
// the answer.
func (p *proxy) send(request []byte, timeout time.Duration) (answer, error) {
	chosen, fault := p.choose()
	defer p.done()
	if fault != nil {
		return answer{}, fault
	}
	e, fault := chosen.acquire()
	if fault != nil {
		return answer{}, fault
	}
	defer chosen.release(e)
	return e.pool.roundTrip(request, timeout)
}

func (p *proxy) choose() (*backend, *failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.stack != nil && p.inFlight == 0 && now.Sub(p.lastUse) > discoveryIdle {
		p.dropStack()
	}
	if p.stack == nil {
		p.stack = &stack{backends: map[backendID]*backend{}}
		p.stack.routing.mode = chooseMode(p.world.profile(p.namespace, p.to.service))
		p.follow()
	}
	p.inFlight++
	p.lastUse = now
	if why := p.stack.routing.panics; why != "" {
		return nil, &failure{"mesh panic", errors.New(why)}
	}
	id, found := draw(p.stack.routing.shares, p.isAvailable, p.rng.Uint64N)
	switch {
	case !found:
		return nil, &failure{"mesh 503", errors.New("failfast: no backend is available")}
	case id.inject != "":
		return nil, &failure{"mesh 500", errors.New(id.inject)}
	}
	return p.stack.backends[id], nil
}

func (p *proxy) isAvailable(id backendID) bool {
	return id.inject != "" || p.stack.backends[id].isOpen()
}

func (p *proxy) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	p.lastUse = p.now()
}

// refresh follows a change of the world.
func (p *proxy) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stack != nil {
		p.follow()
	}
}

// follow computes the routing of the stack's mode and brings the backends in line with it.
func (p *proxy) follow() {
	before := p.stack.routing.shares
	switch p.stack.routing.mode {
	case modeProfile:
		p.stack.routing = routeByProfile(p.world.profile(p.namespace, p.to.service), p.to)
	case modePolicy:
		routes := p.world.acceptedRoutes(p.namespace, p.to.service, p.to.port)
		exists := func(of key) bool { return p.world.service(of) != nil }
		p.stack.routing = routeByPolicy(routes, exists, p.to)
	}
	if !slices.Equal(before, p.stack.routing.shares) {
		// The draws after a change depend on nothing but the seed, so a test that passed passes again.
		p.rng = rand.New(rand.NewPCG(p.seed, p.seed))
	}
	wanted := map[backendID]bool{}
	for _, s := range p.stack.routing.shares {
		if s.backend.inject != "" {
			continue
		}
		wanted[s.backend] = true
		b := p.stack.backends[s.backend]
		if b == nil {
			b = newBackend(p.timeout, p.random)
			p.stack.backends[s.backend] = b
		}
		b.update(p.world.endpoints(s.backend.service, s.backend.port))
	}
	for id, b := range p.stack.backends {
		if !wanted[id] {
			// Requests in flight keep their connection; only idle ones are closed.
			b.close()
			delete(p.stack.backends, id)
		}
	}
}

// random is for the choice of an endpoint. It is kept apart from the seeded generator, so that the
// choice of backends depends on nothing but the seed.
func (p *proxy) random(n uint64) uint64 { return rand.Uint64N(n) }

func (p *proxy) dropStack() {
	for _, b := range p.stack.backends {
		b.close()
	}
	p.stack = nil
}

// close ends the proxy after its last request.
func (p *proxy) close() {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stack != nil {
		p.dropStack()
	}
}

// current describes the stack for people.
func (p *proxy) current() *stackView {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stack == nil {
		return nil
	}
	view := &stackView{Mode: string(p.stack.routing.mode), Via: p.stack.routing.via, Weights: map[string]uint32{}}
	for _, s := range p.stack.routing.shares {
		view.Weights[s.backend.String()] += s.weight
	}
	return view
}

// stackView is a stack as the control API shows it.
type stackView struct {
	Mode    string            `json:"mode"`
	Via     string            `json:"via"`
	Weights map[string]uint32 `json:"weights"`
}
