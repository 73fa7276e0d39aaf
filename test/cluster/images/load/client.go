package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// maxBehind is how late a client may be before it gives up the requests it could not send: catching
// up would be a burst.
const maxBehind = 250 * time.Millisecond

// clientSpec is the body of POST /clients.
type clientSpec struct {
	Name        string  `json:"name"`
	Mode        string  `json:"mode"` // "meshed" or "unmeshed"
	URL         string  `json:"url"`
	Namespace   string  `json:"namespace"` // the client's own; by default the load generator's
	Rate        float64 `json:"rate"`      // requests a second
	Concurrency int     `json:"concurrency"`
	TimeoutMs   int     `json:"timeoutMs"`
	Seed        uint64  `json:"seed"`
}

// client sends at a steady rate until it is stopped.
type client struct {
	spec    clientSpec
	began   time.Time
	tally   *tally
	send    func() (answer, error)
	current func() *stackView
	release func()

	stopping chan struct{}
	workers  sync.WaitGroup

	mu    sync.Mutex
	start time.Time   // the time of slot 0
	next  int64       // the next slot
	sent  []time.Time // by worker: when its unanswered request was sent; zero if it has none
}

// withDefaults fills in what was left out and says what is wrong.
func (s clientSpec) withDefaults(namespace string) (clientSpec, destination, error) {
	if s.Namespace == "" {
		s.Namespace = namespace
	}
	if s.Concurrency == 0 {
		s.Concurrency = 10
	}
	if s.TimeoutMs == 0 {
		s.TimeoutMs = 10000
	}
	if s.Seed == 0 {
		s.Seed = 1
	}
	switch {
	case s.Name == "":
		return s, destination{}, errors.New("name is missing")
	case s.Mode != "meshed" && s.Mode != "unmeshed":
		return s, destination{}, fmt.Errorf("mode %q is neither meshed nor unmeshed", s.Mode)
	case s.Rate <= 0 || s.Rate > 20000:
		return s, destination{}, fmt.Errorf("rate %v is not between 0 and 20000 requests a second", s.Rate)
	}
	at, err := url.Parse(s.URL)
	if err != nil || at.Scheme != "http" || at.Hostname() == "" {
		return s, destination{}, fmt.Errorf("url %q is not http://service.namespace:port/path", s.URL)
	}
	port := 80
	if at.Port() != "" {
		port, _ = strconv.Atoi(at.Port())
	}
	path := at.EscapedPath()
	if path == "" {
		path = "/"
	}
	return s, destination{parseHost(at.Hostname(), s.Namespace), int32(port), path}, nil
}

// newClient starts the workers. `spec` has its defaults.
func newClient(w *world, spec clientSpec, to destination, account string) *client {
	c := &client{spec: spec, began: time.Now(), tally: newTally(), stopping: make(chan struct{}), start: time.Now()}
	timeout := time.Duration(spec.TimeoutMs) * time.Millisecond
	host := fmt.Sprintf("%s.%s:%d", to.service.name, to.service.namespace, to.port)
	if spec.Mode == "meshed" {
		p := newProxy(w, spec.Namespace, to, spec.Seed, time.Now)
		identity := fmt.Sprintf("%s.%s.serviceaccount.identity.linkerd.cluster.local", account, spec.Namespace)
		request := requestText(host, to.path, spec.Name, identity)
		c.send = func() (answer, error) { return p.send(request, timeout) }
		c.current = p.current
		c.release = p.close
	} else {
		direct := &pool{address: func() (string, error) { return clusterAddress(w, to) }}
		request := requestText(host, to.path, spec.Name, "")
		c.send = func() (answer, error) { return direct.roundTrip(request, timeout) }
		c.current = func() *stackView { return nil }
		c.release = direct.close
	}
	c.sent = make([]time.Time, spec.Concurrency)
	for worker := range spec.Concurrency {
		c.workers.Go(func() { c.work(worker) })
	}
	return c
}

// clusterAddress is where kube-proxy takes over.
func clusterAddress(w *world, to destination) (string, error) {
	service := w.service(to.service)
	if service == nil || service.Spec.ClusterIP == "" || service.Spec.ClusterIP == "None" {
		return "", fmt.Errorf("service %s.%s has no cluster IP", to.service.name, to.service.namespace)
	}
	return fmt.Sprintf("%s:%d", service.Spec.ClusterIP, to.port), nil
}

func (c *client) work(worker int) {
	for {
		wait := time.Until(c.slot(time.Now()))
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-c.stopping:
				return
			}
		} else {
			select {
			case <-c.stopping:
				return
			default:
			}
		}
		c.tally.sent()
		c.sends(worker, time.Now())
		got, err := c.send()
		c.record(got, err)
		c.sends(worker, time.Time{})
	}
}

func (c *client) sends(worker int, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[worker] = since
}

// oldest is when the oldest request was sent that has no answer yet; zero if there is none.
func (c *client) oldest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found time.Time
	for _, since := range c.sent {
		if !since.IsZero() && (found.IsZero() || since.Before(found)) {
			found = since
		}
	}
	return found
}

func (c *client) record(got answer, err error) {
	now := time.Now()
	var fault *failure
	switch {
	case errors.As(err, &fault):
		c.tally.failed(fault, now)
	case err != nil:
		c.tally.failed(&failure{"other", err}, now)
	case got.version == "":
		c.tally.failed(&failure{"stranger", fmt.Errorf("status %d without a version", got.status)}, now)
	default:
		c.tally.answered(got, now)
	}
}

// slot is when the next request is due. Slots that were missed by far are skipped and counted.
func (c *client) slot(now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	interval := time.Duration(float64(time.Second) / c.spec.Rate)
	due := c.start.Add(time.Duration(c.next) * interval)
	if behind := now.Sub(due); behind > maxBehind {
		missed := int64(behind / interval)
		c.next += missed
		c.tally.skipped(uint64(missed))
		due = c.start.Add(time.Duration(c.next) * interval)
	}
	c.next++
	return due
}

// stop sends nothing more, waits for the answers that are due and lets the connections go.
func (c *client) stop() {
	close(c.stopping)
	c.workers.Wait()
	c.release()
}
