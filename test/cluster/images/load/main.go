// Command load is the tests' load generator with mesh clients inside: it counts, per client and
// version, every request sent, answered and failed, and is driven over HTTP.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sluice.dev/test/images/kube"
)

func main() {
	log.SetFlags(log.Lmicroseconds)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if os.Getenv("END_WITH_STDIN") == "true" {
		go kube.EndWithStdin(stop)
	}
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

// run watches the cluster and serves the control API on PORT (8080) until ctx ends.
func run(ctx context.Context) error {
	config, err := kube.Config()
	if err != nil {
		return fmt.Errorf("connect to Kubernetes: %w", err)
	}
	client, err := kube.Client(config, -1)
	if err != nil {
		return err
	}
	w := newWorld()
	control := newControl(w, orElse(os.Getenv("POD_NAMESPACE"), "default"), orElse(os.Getenv("SERVICE_ACCOUNT"), "default"))
	server := &http.Server{Addr: ":" + orElse(os.Getenv("PORT"), "8080"), Handler: control}
	go func() {
		// The API server may not be reachable in a pod's first second: kube-proxy comes later.
		for ctx.Err() == nil {
			if err := w.watch(ctx, client); err != nil {
				log.Printf("watch: %v", err)
				time.Sleep(200 * time.Millisecond)
				continue
			}
			log.Print("knows the cluster")
			control.ready.Store(true)
			return
		}
	}()
	go func() {
		<-ctx.Done()
		control.stopAll()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
