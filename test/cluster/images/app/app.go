package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// settings are what POST /admin changes while the server runs.
type settings struct {
	Version   string  `json:"version"`
	ErrorRate float64 `json:"errorRate"`
	LatencyMs float64 `json:"latencyMs"`
	Ready     bool    `json:"ready"`
	Live      bool    `json:"live"`
}

// app answers every path with 200, its version and its pod, but for the settings.
type app struct {
	pod string

	mu          sync.Mutex
	settings    settings
	errorDebt   float64
	draining    bool
	active      int
	lastRequest time.Time
}

func newApp(c config) *app {
	return &app{
		pod: c.pod,
		settings: settings{
			Version:   c.version,
			ErrorRate: c.errorRate,
			LatencyMs: float64(c.latency) / float64(time.Millisecond),
			Ready:     c.ready,
			Live:      true,
		},
	}
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, close := a.enter(r)
	defer a.leave(r)
	if close {
		// Told with the answer, so that no request is on its way when the connection ends.
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("X-Version", now.Version)
	w.Header().Set("X-Pod", a.pod)
	switch {
	case r.URL.Path == "/admin":
		a.serveAdmin(w, r, now)
	case isProbe(r):
		serveProbe(w, r, now)
	default:
		time.Sleep(time.Duration(now.LatencyMs * float64(time.Millisecond)))
		status := http.StatusOK
		if a.owesError() {
			status = http.StatusInternalServerError
		}
		writeJSON(w, status, map[string]any{"version": now.Version, "pod": a.pod, "path": r.URL.Path, "status": status})
	}
}

// enter counts a request in and says what holds for it.
func (a *app) enter(r *http.Request) (now settings, draining bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active++
	if !isProbe(r) {
		a.lastRequest = time.Now()
	}
	return a.settings, a.draining
}

func (a *app) leave(r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active--
	if !isProbe(r) {
		a.lastRequest = time.Now()
	}
}

// owesError spreads errors evenly: of n requests exactly floor(n * rate) fail.
func (a *app) owesError() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.errorDebt += a.settings.ErrorRate
	if a.errorDebt < 1-1e-9 {
		return false
	}
	a.errorDebt--
	return true
}

// drain keeps serving until nobody has asked for `quiet`, at most for `max`. How long the routes
// to a pod live on after it was told to end depends on the load of the machine, so a fixed
// time would be too long or too short.
func (a *app) drain(quiet, max time.Duration) {
	began := time.Now()
	a.mu.Lock()
	a.draining = true
	a.lastRequest = began
	a.mu.Unlock()
	log.Print("told to end, draining")
	for time.Since(began) < max {
		a.mu.Lock()
		idle := time.Since(a.lastRequest)
		active := a.active
		a.mu.Unlock()
		if idle >= quiet && active == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (a *app) serveAdmin(w http.ResponseWriter, r *http.Request, now settings) {
	if r.Method != http.MethodPost {
		writeJSON(w, http.StatusOK, now)
		return
	}
	next, err := change(now, r.URL.Query())
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	a.mu.Lock()
	a.settings = next
	a.mu.Unlock()
	log.Printf("settings are now %+v", next)
	writeJSON(w, http.StatusOK, next)
	if code := r.URL.Query().Get("crash"); code != "" {
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		exit, _ := strconv.Atoi(code)
		time.AfterFunc(10*time.Millisecond, func() { os.Exit(exit) })
	}
}

// change applies an admin query to the settings; an unknown name is a fault, not a silence.
func change(s settings, query url.Values) (settings, error) {
	for name := range query {
		text := query.Get(name)
		var err error
		switch name {
		case "version":
			s.Version = text
		case "errorRate":
			if s.ErrorRate, err = strconv.ParseFloat(text, 64); err == nil && (s.ErrorRate < 0 || s.ErrorRate > 1) {
				err = fmt.Errorf("must lie between 0 and 1")
			}
		case "latencyMs":
			s.LatencyMs, err = strconv.ParseFloat(text, 64)
		case "ready":
			s.Ready, err = strconv.ParseBool(text)
		case "live":
			s.Live, err = strconv.ParseBool(text)
		case "crash":
			_, err = strconv.Atoi(text)
		default:
			err = fmt.Errorf("there is no such setting")
		}
		if err != nil {
			return s, fmt.Errorf("%s=%q: %w", name, text, err)
		}
	}
	return s, nil
}

// isProbe tells the kubelet's requests from the traffic, whatever path a manifest probes.
func isProbe(r *http.Request) bool {
	return strings.HasPrefix(r.UserAgent(), "kube-probe/") || r.URL.Path == "/healthz" || strings.HasPrefix(r.URL.Path, "/health/")
}

func serveProbe(w http.ResponseWriter, r *http.Request, now settings) {
	fine := now.Ready
	if strings.Contains(r.URL.Path, "live") {
		fine = now.Live
	}
	status := http.StatusOK
	if !fine {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, map[string]any{"status": status, "version": now.Version})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
