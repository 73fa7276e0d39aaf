package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func given(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestTheManifestsEnvironmentBeatsTheImagesArguments(t *testing.T) {
	image := []string{"-version", "v2", "-ports", "9001,3001"}
	for _, row := range []struct {
		env     func(string) string
		version string
		ports   string
	}{
		{given(), "v2", "[9001 3001]"},
		{given("APPLICATION_VERSION", "v1.5.1"), "v1.5.1", "[9001 3001]"},
		{given("VERSION", "v3", "APPLICATION_VERSION", "v1.5.1", "PORT", "8080"), "v3", "[8080]"},
	} {
		c, err := readConfig(image, row.env)
		if err != nil || c.version != row.version || fmt.Sprint(c.ports) != row.ports {
			t.Errorf("got %s on %v, %v; want %s on %s", c.version, c.ports, err, row.version, row.ports)
		}
	}
	for _, bad := range []func(string) string{given("PORTS", "80,x"), given("ERROR_RATE", "2"), given("LATENCY_MS", "soon")} {
		if _, err := readConfig(nil, bad); err == nil {
			t.Error("a bad value was accepted")
		}
	}
}

func TestAnyPathIsAnsweredAndAnExactShareFailsAsAsked(t *testing.T) {
	a := newApp(config{version: "v1", pod: "pod-1", ready: true})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	w := get("/anything")
	if w.Code != 200 || w.Header().Get("X-Version") != "v1" || w.Header().Get("X-Pod") != "pod-1" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	admin := httptest.NewRecorder()
	a.ServeHTTP(admin, httptest.NewRequest("POST", "/admin?errorRate=0.05&version=v9", nil))
	failed := 0
	for range 1000 {
		if get("/").Code == 500 {
			failed++
		}
	}
	if failed != 50 || get("/").Header().Get("X-Version") != "v9" {
		t.Errorf("%d of 1000 failed, want 50", failed)
	}
	unknown := httptest.NewRecorder()
	a.ServeHTTP(unknown, httptest.NewRequest("POST", "/admin?errorrate=1", nil))
	if unknown.Code != 400 {
		t.Errorf("an unknown setting was answered with %d", unknown.Code)
	}
}

func TestProbesFollowReadinessAndLivenessAndNotTheErrorRate(t *testing.T) {
	a := newApp(config{version: "v1", errorRate: 1, ready: false})
	for path, want := range map[string]int{"/healthz": 503, "/health/readiness": 503, "/health/liveness": 200, "/": 500} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
}

func TestMetricsHaveTheProxysNamesLabelsAndBuckets(t *testing.T) {
	now := time.Unix(1000, 0)
	m := newProxyMetrics(func() time.Time { return now })
	handler := m.observe("8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now = now.Add(7 * time.Millisecond)
		switch r.URL.Path {
		case "/bad":
			w.WriteHeader(503)
		case "/absent":
			w.WriteHeader(404)
		}
		_, _ = w.Write([]byte("x"))
	}))
	for _, path := range []string{"/", "/", "/bad", "/absent", "/healthz"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	meshed := httptest.NewRequest("GET", "/", nil)
	meshed.Header.Set("X-Mesh-Client", "load.shop")
	handler.ServeHTTP(httptest.NewRecorder(), meshed)
	var text bytes.Buffer
	m.write(&text)
	for _, want := range []string{
		`(?m)^request_total\{direction="inbound",target_addr="[^"]+",target_ip="[^"]+",target_port="8080",tls="no_identity",.*srv_port="8080",.*route_name="default",.*\} 4$`,
		`(?m)^response_total\{.*status_code="200",classification="success",.*\} 2$`,
		`(?m)^response_total\{.*status_code="503",classification="failure",.*\} 1$`,
		`(?m)^response_total\{.*status_code="404",classification="success",.*\} 1$`,
		`(?m)^response_total\{.*tls="true",client_id="load.shop",.*\} 1$`,
		`(?m)^response_total\{.*route_name="probe".*\} 1$`,
		`(?m)^response_latency_ms_bucket\{.*status_code="200",le="5"\} 0$`,
		`(?m)^response_latency_ms_bucket\{.*status_code="200",le="10"\} 2$`,
		`(?m)^response_latency_ms_bucket\{.*le="\+Inf"\} 2$`,
		`(?m)^response_latency_ms_sum\{.*status_code="503"\} 7$`,
	} {
		if !regexp.MustCompile(want).MatchString(text.String()) {
			t.Errorf("no line matches %s in\n%s", want, text.String())
		}
	}
	now = now.Add(retainIdle + time.Second)
	text.Reset()
	m.write(&text)
	if strings.Contains(text.String(), "direction=") {
		t.Error("a series outlived its idle time")
	}
}

// TestASignalledServerResetsNoRequest keeps connections busy through SIGTERM, as meshed and unmeshed
// clients do, and wants every request answered and every connection closed with an answer.
func TestASignalledServerResetsNoRequest(t *testing.T) {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	ctx, terminate := context.WithCancel(context.Background())
	ended := make(chan error)
	c := config{version: "v1", ports: []int{port}, ready: true, drainQuiet: 200 * time.Millisecond, drainMax: 5 * time.Second}
	go func() { ended <- run(ctx, c) }()

	var answered, lost atomic.Int64
	told := make(chan bool, 8)
	for range 8 {
		go func() {
			closed := false
			defer func() { told <- closed }()
			conn := dialWhenUp(t, port)
			defer conn.Close()
			reader := bufio.NewReader(conn)
			for !closed {
				fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					lost.Add(1)
					return
				}
				_ = response.Write(discard{})
				answered.Add(1)
				closed = response.Close
			}
		}()
	}
	time.Sleep(100 * time.Millisecond)
	terminate()
	for range 8 {
		if !<-told {
			t.Error("a connection ended without Connection: close")
		}
	}
	if err := <-ended; err != nil || lost.Load() > 0 || answered.Load() < 100 {
		t.Errorf("%v; %d lost of %d", err, lost.Load(), answered.Load())
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func dialWhenUp(t *testing.T, port int) net.Conn {
	for range 100 {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return conn
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the server did not come up")
	os.Exit(1)
	return nil
}
