package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// retainIdle is how long the proxy keeps a series that no longer changes.
const retainIdle = 10 * time.Minute

// latencyBuckets are the upper bounds of linkerd2-proxy's response latency, in milliseconds.
var latencyBuckets = []float64{
	1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500,
	1000, 2000, 3000, 4000, 5000, 10000, 20000, 30000, 40000, 50000,
}

// proxyMetrics counts as a Linkerd inbound proxy does, with its names and labels.
type proxyMetrics struct {
	now func() time.Time

	mu        sync.Mutex
	requests  map[string]*counter
	responses map[string]*counter
	latencies map[string]*histogram
}

type counter struct {
	value   uint64
	touched time.Time
}

type histogram struct {
	counts  []uint64
	sum     float64
	count   uint64
	touched time.Time
}

func newProxyMetrics(now func() time.Time) *proxyMetrics {
	return &proxyMetrics{
		now:       now,
		requests:  map[string]*counter{},
		responses: map[string]*counter{},
		latencies: map[string]*histogram{},
	}
}

// observe records what `next` answers on `port`, as the proxy in front of it would.
func (m *proxyMetrics) observe(port string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		labels := inboundLabels(r, port)
		m.request(labels)
		recorder := &statusRecorder{ResponseWriter: w, began: m.now(), now: m.now}
		next.ServeHTTP(recorder, r)
		m.response(labels, recorder.status, recorder.firstByte)
	})
}

func (m *proxyMetrics) request(labels string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count(m.requests, labels, m.now())
}

// response records an answer. 5xx is a failure, 4xx is not; latency is the time to the first byte.
func (m *proxyMetrics) response(labels string, status int, latency time.Duration) {
	classification := "success"
	if status >= 500 {
		classification = "failure"
	}
	withStatus := fmt.Sprintf(`%s,status_code="%d"`, labels, status)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	count(m.responses, fmt.Sprintf(`%s,classification="%s",grpc_status="",error=""`, withStatus, classification), now)
	h := m.latencies[withStatus]
	if h == nil {
		h = &histogram{counts: make([]uint64, len(latencyBuckets)+1)}
		m.latencies[withStatus] = h
	}
	ms := float64(latency) / float64(time.Millisecond)
	// The first bound that is not below the value; past the last bound it is +Inf.
	at, _ := slices.BinarySearch(latencyBuckets, ms)
	h.counts[at]++
	h.sum += ms
	h.count++
	h.touched = now
}

func count(series map[string]*counter, labels string, now time.Time) {
	c := series[labels]
	if c == nil {
		c = &counter{}
		series[labels] = c
	}
	c.value++
	c.touched = now
}

// write prints the Prometheus text format and drops what has been idle too long.
func (m *proxyMetrics) write(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	oldest := m.now().Add(-retainIdle)
	writeCounters(w, "request_total", "Total count of HTTP requests.", m.requests, oldest)
	writeCounters(w, "response_total", "Total count of HTTP responses.", m.responses, oldest)
	fmt.Fprint(w, "# HELP response_latency_ms Elapsed times between a request's headers being received and its response stream completing\n# TYPE response_latency_ms histogram\n")
	for labels, h := range m.latencies {
		if h.touched.Before(oldest) {
			delete(m.latencies, labels)
			continue
		}
		var total uint64
		for i, n := range h.counts {
			total += n
			bound := "+Inf"
			if i < len(latencyBuckets) {
				bound = strconv.FormatFloat(latencyBuckets[i], 'f', -1, 64)
			}
			fmt.Fprintf(w, "response_latency_ms_bucket{%s,le=\"%s\"} %d\n", labels, bound, total)
		}
		fmt.Fprintf(w, "response_latency_ms_count{%s} %d\nresponse_latency_ms_sum{%s} %.0f\n", labels, h.count, labels, h.sum)
	}
}

func writeCounters(w io.Writer, name, help string, series map[string]*counter, oldest time.Time) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s counter\n", name, help, name)
	for labels, c := range series {
		if c.touched.Before(oldest) {
			delete(series, labels)
			continue
		}
		fmt.Fprintf(w, "%s{%s} %d\n", name, labels, c.value)
	}
}

// inboundLabels are those of the proxy's InboundEndpointLabels under its default policy.
func inboundLabels(r *http.Request, port string) string {
	address := "0.0.0.0:" + port
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		address = local.String()
	}
	ip, _, _ := net.SplitHostPort(address)
	tls := `tls="no_identity",no_tls_reason="no_tls_from_remote"`
	if client := r.Header.Get("X-Mesh-Client"); client != "" {
		tls = fmt.Sprintf(`tls="true",client_id="%s"`, strings.NewReplacer(`"`, "", `\`, "", "\n", "").Replace(client))
	}
	route := "default"
	if isProbe(r) {
		route = "probe"
	}
	return fmt.Sprintf(`direction="inbound",target_addr="%s",target_ip="%s",target_port="%s",%s,`+
		`srv_group="",srv_kind="default",srv_name="all-unauthenticated",srv_port="%s",`+
		`route_group="",route_kind="default",route_name="%s",`+
		`authz_group="",authz_kind="default",authz_name="all-unauthenticated"`, address, ip, port, tls, port, route)
}

// adminHandler is the proxy's own port. It records itself in the same series, as the real one does.
func adminHandler(m *proxyMetrics, port int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		m.write(w)
	})
	ready := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ready\n") }
	mux.HandleFunc("/ready", ready)
	mux.HandleFunc("/live", ready)
	return m.observe(strconv.Itoa(port), mux)
}

// statusRecorder keeps the status and the time to the first byte.
type statusRecorder struct {
	http.ResponseWriter
	began     time.Time
	now       func() time.Time
	status    int
	firstByte time.Duration
}

func (r *statusRecorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		r.firstByte = r.now().Sub(r.began)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(body []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(body)
}

func (r *statusRecorder) Flush() {
	if flusher, ok := r.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}
