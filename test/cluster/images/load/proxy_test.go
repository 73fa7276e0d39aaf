package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sluice.dev/test/images/kube"
)

// town is a world with a root and two backends, each with one real server.
type town struct {
	*world
	t *testing.T
}

func newTown(t *testing.T) *town {
	w := &town{newWorld(), t}
	for _, name := range []string{"web", "web-stable", "web-canary"} {
		w.services[key{"shop", name}] = &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	}
	w.serve("web", "root")
	w.serve("web-stable", "stable")
	w.serve("web-canary", "canary")
	return w
}

func (w *town) serve(service, version string) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("X-Version", version)
	}))
	w.t.Cleanup(server.Close)
	w.point(service, server.Listener.Addr().(*net.TCPAddr))
}

// point makes the address the only endpoint of the Service; nil leaves it none.
func (w *town) point(service string, at *net.TCPAddr) {
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: service}}}
	if at != nil {
		port, name := int32(at.Port), ""
		slice.Ports = []discoveryv1.EndpointPort{{Name: &name, Port: &port}}
		slice.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{at.IP.String()}}}
	}
	w.change(func() { w.slices[key{"shop", service}] = slice })
}

func (w *town) split(weights ...string) {
	profile := profileOf(w.t, weights...)
	w.change(func() { w.profiles[key{"shop", kube.FQDN("web", "shop")}] = profile })
}

func (w *town) route(stable, canary int) {
	route := routeOf(w.t, fmt.Sprintf(`{"spec":{"parentRefs":[{"group":"core","kind":"Service","name":"web","port":80}],
		"rules":[{"backendRefs":[{"name":"web-stable","port":80,"weight":%d},{"name":"web-canary","port":80,"weight":%d}]}]},
		"status":{"parents":[{"parentRef":{"group":"core","kind":"Service","name":"web","namespace":"shop","port":80},
		"controllerName":"linkerd.io/policy-controller","conditions":[{"type":"Accepted","status":"True"}]}]}}`, stable, canary))[0]
	w.change(func() { w.routes[key{"shop", "web"}] = route })
}

func (w *town) proxy(now func() time.Time) *proxy {
	p := newProxy(w.world, "clients", shop, 1, now)
	w.t.Cleanup(p.close)
	return p
}

func (w *town) ask(p *proxy) string {
	w.t.Helper()
	got, err := p.send(requestText("web", "/", "test", ""), 10*time.Second)
	if err != nil {
		return err.Error()
	}
	return got.version
}

func TestABusyProxyIgnoresANewSplitAndAFreshOneFollowsIt(t *testing.T) {
	w := newTown(t)
	now := time.Now()
	busy := w.proxy(func() time.Time { return now })
	if got := w.ask(busy); got != "root" {
		t.Fatal(got)
	}
	w.split("0", "10k")
	if got := w.ask(busy); got != "root" {
		t.Errorf("busy: %s", got)
	}
	if got := w.ask(w.proxy(time.Now)); got != "canary" {
		t.Errorf("fresh: %s", got)
	}
	now = now.Add(discoveryIdle + time.Second)
	if got := w.ask(busy); got != "canary" {
		t.Errorf("after five idle seconds: %s", got)
	}
}

func TestABusyProxyFollowsARouteAtOnceAndBackToTheRootWhenItGoes(t *testing.T) {
	w := newTown(t)
	p := w.proxy(time.Now)
	w.ask(p)
	w.route(0, 1)
	if got := w.ask(p); got != "canary" {
		t.Errorf("with the route: %s", got)
	}
	w.change(func() { delete(w.routes, key{"shop", "web"}) })
	if got := w.ask(p); got != "root" {
		t.Errorf("without it: %s", got)
	}
}

func TestAProxyInProfileModeFollowsWeightsAndIgnoresRoutesEvenOnceEmptied(t *testing.T) {
	w := newTown(t)
	w.split("10k", "0")
	p := w.proxy(time.Now)
	if got := w.ask(p); got != "stable" {
		t.Fatal(got)
	}
	w.split("0", "10k")
	if got := w.ask(p); got != "canary" {
		t.Errorf("weights changed: %s", got)
	}
	w.split()
	w.route(1, 0)
	if got := w.ask(p); got != "root" {
		t.Errorf("emptied: %s", got)
	}
}

func TestAnEmptyBackendFailsFastOnceAndIsSkippedUntilItRecovers(t *testing.T) {
	w := newTown(t)
	w.point("web-canary", nil)
	w.split("1", "1000")
	p := w.proxy(time.Now)
	p.timeout = 50 * time.Millisecond
	began := time.Now()
	if got := w.ask(p); !strings.HasPrefix(got, "mesh 504") || time.Since(began) < 50*time.Millisecond {
		t.Errorf("a request for the empty backend: %s after %v", got, time.Since(began))
	}
	for range 20 {
		if got := w.ask(p); got != "stable" {
			t.Fatalf("with the gate shut: %s", got)
		}
	}
	w.serve("web-canary", "canary")
	if got := w.ask(p); got != "canary" {
		t.Errorf("recovered: %s", got)
	}
}

func TestAQueuedRequestIsServedWhenAnEndpointComesInTime(t *testing.T) {
	w := newTown(t)
	w.point("web", nil)
	time.AfterFunc(50*time.Millisecond, func() { w.serve("web", "late") })
	if got := w.ask(w.proxy(time.Now)); got != "late" {
		t.Error(got)
	}
}

func TestABrokenConnectionIsAFailureAndIsNotTriedAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	requests := make(chan int, 10)
	go func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 1000)
			_, _ = conn.Read(buffer)
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nX-Version: v1\r\nContent-Length: 0\r\n\r\n"))
			_, _ = conn.Read(buffer)
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			requests <- n
		}
	}()
	w := newTown(t)
	w.point("web", listener.Addr().(*net.TCPAddr))
	p := w.proxy(time.Now)
	if got := w.ask(p); got != "v1" {
		t.Fatal(got)
	}
	if got := w.ask(p); !strings.HasPrefix(got, "reset") && !strings.HasPrefix(got, "closed") {
		t.Errorf("got %q", got)
	}
	if n := <-requests; n != 1 || len(requests) != 0 {
		t.Errorf("the request was sent on another connection too")
	}
}

func TestARemovedEndpointGetsNoNewRequestAndEndsItsOwn(t *testing.T) {
	w := newTown(t)
	begun, finish := make(chan bool), make(chan bool)
	slow := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		begun <- true
		<-finish
		rw.Header().Set("X-Version", "old")
	}))
	defer slow.Close()
	w.point("web", slow.Listener.Addr().(*net.TCPAddr))
	p := w.proxy(time.Now)
	first := make(chan string)
	go func() { first <- w.ask(p) }()
	<-begun
	w.serve("web", "new")
	if got := w.ask(p); got != "new" {
		t.Errorf("the next request: %s", got)
	}
	finish <- true
	if got := <-first; got != "old" {
		t.Errorf("the request in flight: %s", got)
	}
}
