// Command app is the workload of the tests: a small HTTP server whose version, errors, latency,
// readiness and crashes can be set from outside, and which ends without resetting a request.
// It also plays its own Linkerd inbound proxy: port 4191 serves that proxy's metrics.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(log.Lmicroseconds)
	config, err := readConfig(os.Args[1:], os.Getenv)
	if err != nil {
		log.Fatalf("configuration: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, config); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, then drains. It returns an error only if it could not listen.
func run(ctx context.Context, config config) error {
	if config.crashAtStart {
		log.Print("crashing at start, as asked")
		os.Exit(1)
	}
	metrics := newProxyMetrics(time.Now)
	app := newApp(config)
	admin, err := listen(config.adminPort)
	if err != nil {
		return err
	}
	adminServer := &http.Server{Handler: adminHandler(metrics, config.adminPort)}
	go serveOn(adminServer, admin)
	defer adminServer.Close()

	// A real server that starts slowly does not listen yet, so its probes are refused.
	select {
	case <-time.After(config.startDelay):
	case <-ctx.Done():
		return nil
	}
	if config.crashAfter > 0 {
		time.AfterFunc(config.crashAfter, func() {
			log.Print("crashing now, as asked")
			os.Exit(1)
		})
	}
	servers := make([]*http.Server, 0, len(config.ports))
	for _, port := range config.ports {
		listener, err := listen(port)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: metrics.observe(strconv.Itoa(port), app), ReadHeaderTimeout: time.Minute}
		servers = append(servers, server)
		go serveOn(server, listener)
	}
	log.Printf("version %s serves on %v", config.version, config.ports)
	<-ctx.Done()
	app.drain(config.drainQuiet, config.drainMax)
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, server := range servers {
		_ = server.Shutdown(closing)
	}
	log.Print("drained, ending")
	return nil
}

func listen(port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return nil, fmt.Errorf("listen on port %d: %w", port, err)
	}
	return listener, nil
}

func serveOn(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		log.Fatalf("serve %s: %v", listener.Addr(), err)
	}
}
