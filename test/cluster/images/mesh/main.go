// Command mesh is the test mesh's control plane: linkerd-smi's adaptor (TrafficSplit to
// ServiceProfile, with its gaps) and what Linkerd's policy controller writes on HTTPRoutes.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

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

// run starts both controllers and the readiness port; it returns when ctx ends.
// ADAPTOR_QPS is the adaptor's own limit (0: client-go's 5, which the real one keeps).
// HTTP_ROUTE=false is a Linkerd without HTTPRoute. OBSERVED_GENERATION=true writes that field into
// a route's conditions, which Linkerd leaves out (linkerd2#14964: a tool that waits for it stalls).
func run(ctx context.Context) error {
	config, err := kube.Config()
	if err != nil {
		return fmt.Errorf("connect to Kubernetes: %w", err)
	}
	qps, err := strconv.ParseFloat(orElse(os.Getenv("ADAPTOR_QPS"), "0"), 32)
	if err != nil {
		return fmt.Errorf("ADAPTOR_QPS: %w", err)
	}
	splits, err := kube.Client(config, float32(qps))
	if err != nil {
		return err
	}
	profiles, err := kube.Client(config, float32(qps))
	if err != nil {
		return err
	}
	unlimited, err := kube.Client(config, -1)
	if err != nil {
		return err
	}

	var adaptorReady, policyReady atomic.Bool
	go newAdaptor(splits, profiles, unlimited).run(ctx, &adaptorReady)
	if os.Getenv("HTTP_ROUTE") == "false" {
		policyReady.Store(true)
	} else {
		policy := newPolicy(unlimited, os.Getenv("OBSERVED_GENERATION") == "true")
		go policy.run(ctx, &policyReady)
	}
	server := &http.Server{Addr: ":" + orElse(os.Getenv("PORT"), "9995"), Handler: readiness(&adaptorReady, &policyReady)}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func readiness(parts ...*atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, part := range parts {
			if !part.Load() {
				http.Error(w, "caches are not synced", http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	})
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
