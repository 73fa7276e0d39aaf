package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// clientView is a client as the control API shows it.
type clientView struct {
	clientSpec
	counts
	Began   string     `json:"began"`
	Stopped bool       `json:"stopped"`
	Oldest  string     `json:"oldest"` // when the oldest unanswered request was sent; empty if there is none
	Stack   *stackView `json:"stack"`
}

// snapshot is all clients at one time, as GET /counts and a mark show them.
type snapshot struct {
	At      string                `json:"at"`
	Clients map[string]clientView `json:"clients"`
}

// control is the HTTP API.
type control struct {
	world     *world
	namespace string
	account   string
	ready     atomic.Bool
	mux       *http.ServeMux

	mu      sync.Mutex
	clients map[string]*client
	stopped map[string]bool
	marks   map[string]snapshot
}

func newControl(w *world, namespace, account string) *control {
	c := &control{
		world: w, namespace: namespace, account: account, mux: http.NewServeMux(),
		clients: map[string]*client{}, stopped: map[string]bool{}, marks: map[string]snapshot{},
	}
	c.mux.HandleFunc("GET /ready", c.serveReady)
	c.mux.HandleFunc("POST /clients", c.startClient)
	c.mux.HandleFunc("DELETE /clients/{name}", c.stopClient)
	c.mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, c.snapshot()) })
	c.mux.HandleFunc("POST /marks/{name}", c.mark)
	c.mux.HandleFunc("GET /marks/{name}", c.readMark)
	c.mux.HandleFunc("GET /series/{name}", c.series)
	return c
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

func (c *control) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !c.ready.Load() {
		refuse(w, http.StatusServiceUnavailable, "does not know the cluster yet")
		return
	}
	reply(w, http.StatusOK, map[string]bool{"ready": true})
}

func (c *control) startClient(w http.ResponseWriter, r *http.Request) {
	if !c.ready.Load() {
		refuse(w, http.StatusServiceUnavailable, "does not know the cluster yet")
		return
	}
	var given clientSpec
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	spec, to, err := given.withDefaults(c.namespace)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients[spec.Name] != nil {
		refuse(w, http.StatusConflict, fmt.Sprintf("there is, or was, a client %q", spec.Name))
		return
	}
	c.clients[spec.Name] = newClient(c.world, spec, to, c.account)
	log.Printf("client %s: %s to %s at %v/s, seed %d", spec.Name, spec.Mode, spec.URL, spec.Rate, spec.Seed)
	reply(w, http.StatusCreated, spec)
}

// stopClient answers when the client's last request has its answer; its counts stay.
func (c *control) stopClient(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	c.mu.Lock()
	found := c.clients[name]
	if found == nil || c.stopped[name] {
		c.mu.Unlock()
		refuse(w, http.StatusNotFound, fmt.Sprintf("no client %q is running", name))
		return
	}
	c.stopped[name] = true
	c.mu.Unlock()
	found.stop()
	reply(w, http.StatusOK, c.view(found, true))
}

func (c *control) stopAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, running := range c.clients {
		if !c.stopped[name] {
			c.stopped[name] = true
			running.stop()
		}
	}
}

func (c *control) view(of *client, stopped bool) clientView {
	view := clientView{clientSpec: of.spec, counts: of.tally.snapshot(), Began: of.began.UTC().Format(time.RFC3339Nano), Stopped: stopped}
	if !stopped {
		view.Stack = of.current()
		if oldest := of.oldest(); !oldest.IsZero() {
			view.Oldest = oldest.UTC().Format(time.RFC3339Nano)
		}
	}
	return view
}

func (c *control) snapshot() snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := snapshot{At: time.Now().UTC().Format(time.RFC3339Nano), Clients: map[string]clientView{}}
	for name, found := range c.clients {
		s.Clients[name] = c.view(found, c.stopped[name])
	}
	return s
}

func (c *control) mark(w http.ResponseWriter, r *http.Request) {
	taken := c.snapshot()
	c.mu.Lock()
	c.marks[r.PathValue("name")] = taken
	c.mu.Unlock()
	reply(w, http.StatusOK, taken)
}

func (c *control) readMark(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	taken, found := c.marks[r.PathValue("name")]
	c.mu.Unlock()
	if !found {
		refuse(w, http.StatusNotFound, fmt.Sprintf("no mark %q", r.PathValue("name")))
		return
	}
	reply(w, http.StatusOK, taken)
}

// series answers the seconds of a client between ?from= and ?to=, Unix times.
func (c *control) series(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	found := c.clients[r.PathValue("name")]
	c.mu.Unlock()
	if found == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("no client %q", r.PathValue("name")))
		return
	}
	from, to := int64(0), int64(math.MaxInt64)
	for name, into := range map[string]*int64{"from": &from, "to": &to} {
		if text := r.URL.Query().Get(name); text != "" {
			value, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				refuse(w, http.StatusBadRequest, fmt.Sprintf("%s=%q is not a Unix time", name, text))
				return
			}
			*into = value
		}
	}
	reply(w, http.StatusOK, found.tally.between(from, to))
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, why string) {
	reply(w, status, map[string]string{"error": why})
}
