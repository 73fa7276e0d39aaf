package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// config is what the process is started with; settings (see settings.go) can change later.
type config struct {
	version, pod         string
	ports                []int
	adminPort            int
	errorRate            float64
	latency, startDelay  time.Duration
	crashAfter           time.Duration
	crashAtStart, ready  bool
	drainQuiet, drainMax time.Duration
}

// readConfig reads the environment. What the image gives as arguments (-version, -ports) is only
// the default: the environment of the manifest wins, APPLICATION_VERSION being the name that
// manifests of somebody else use.
func readConfig(args []string, env func(string) string) (config, error) {
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	version := flags.String("version", "unknown", "version, if the environment names none")
	ports := flags.String("ports", "8080", "ports to serve on, if the environment names none")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	r := reader{env: env}
	c := config{
		version:      r.text(*version, "VERSION", "APPLICATION_VERSION"),
		pod:          r.text("unknown", "POD_NAME", "HOSTNAME"),
		ports:        r.portList(r.text(*ports, "PORTS", "PORT")),
		adminPort:    int(r.number(4191, "ADMIN_PORT")),
		errorRate:    r.number(0, "ERROR_RATE"),
		latency:      r.milliseconds(0, "LATENCY_MS"),
		startDelay:   r.milliseconds(0, "START_DELAY_MS"),
		crashAfter:   r.milliseconds(0, "CRASH_AFTER_MS"),
		crashAtStart: r.text("", "CRASH_AT_START") == "true",
		ready:        r.text("true", "READY") == "true",
		drainQuiet:   r.milliseconds(1000, "DRAIN_QUIET_MS"),
		drainMax:     r.milliseconds(20000, "DRAIN_MAX_MS"),
	}
	if c.errorRate < 0 || c.errorRate > 1 {
		r.fail("ERROR_RATE", "must lie between 0 and 1")
	}
	return c, r.err
}

// reader takes values from the environment and keeps the first fault.
type reader struct {
	env func(string) string
	err error
}

func (r *reader) fail(name, why string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s=%q: %s", name, r.env(name), why)
	}
}

func (r *reader) text(otherwise string, names ...string) string {
	for _, name := range names {
		if value := r.env(name); value != "" {
			return value
		}
	}
	return otherwise
}

func (r *reader) number(otherwise float64, name string) float64 {
	text := r.env(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		r.fail(name, "is not a number")
	}
	return value
}

func (r *reader) milliseconds(otherwise float64, name string) time.Duration {
	return time.Duration(r.number(otherwise, name) * float64(time.Millisecond))
}

func (r *reader) portList(text string) []int {
	var ports []int
	for part := range strings.SplitSeq(text, ",") {
		port, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || port < 1 || port > 65535 {
			r.fail("PORTS", fmt.Sprintf("%q is not a port", part))
			continue
		}
		ports = append(ports, port)
	}
	return ports
}
