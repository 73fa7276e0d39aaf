// Command coredns is CoreDNS with the plugins that Service names need, and no others:
// the full set compiles for many minutes (cloud SDKs, QUIC, tracing).
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

// No cache: the kubernetes plugin answers from memory, and a Service is known as soon as it is made.
// The order in which plugins see a query, as in CoreDNS's own plugin.cfg.
func init() {
	dnsserver.Directives = []string{"bind", "health", "ready", "log", "errors", "kubernetes", "template"}
}

func main() { coremain.Run() }
