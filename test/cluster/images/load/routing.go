package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice.dev/test/images/kube"
)

// mode is how a proxy's stack was built; it does not change while the stack lives.
type mode string

const (
	modeProfile mode = "profile"
	modePolicy  mode = "policy"
)

// backendID is what a share of traffic goes to: a Service's port, or an answer the proxy gives itself.
type backendID struct {
	service key
	port    int32
	inject  string // not empty: answer 500 with this text
}

func (b backendID) String() string {
	if b.inject != "" {
		return "500: " + b.inject
	}
	return fmt.Sprintf("%s.%s:%d", b.service.name, b.service.namespace, b.port)
}

// share is a backend and its weight.
type share struct {
	backend backendID
	weight  uint32
}

// routing is what a stack does with a request.
type routing struct {
	mode   mode
	via    string // "split", "route" or "root"
	shares []share
	panics string // the real proxy would panic: why
}

// destination is the Service, port and path a client calls.
type destination struct {
	service key
	port    int32
	path    string
}

// chooseMode is the proxy's should_override_policy: a profile with routes or a target that is not
// zero beats the policy.
func chooseMode(profile *kube.ServiceProfile) mode {
	if profile == nil {
		return modePolicy
	}
	if len(profile.Spec.Routes) > 0 {
		return modeProfile
	}
	if slices.ContainsFunc(profile.Spec.DstOverrides, func(d kube.WeightedDst) bool { return d.Wire() > 0 }) {
		return modeProfile
	}
	return modePolicy
}

// routeByProfile follows dstOverrides. Zero targets are dropped; with none left the traffic goes to
// the root's own endpoints. The weights are summed in 32 bits, and an overflow is a panic.
func routeByProfile(profile *kube.ServiceProfile, to destination) routing {
	r := routing{mode: modeProfile, via: "split"}
	var total uint64
	if profile != nil {
		for _, override := range profile.Spec.DstOverrides {
			weight := override.Wire()
			if weight == 0 {
				continue
			}
			total += uint64(weight)
			backend := backendID{service: parseHost(override.Authority, to.service.namespace), port: to.port}
			r.shares = append(r.shares, share{backend, weight})
		}
	}
	if total > math.MaxUint32 {
		r.panics = "the sum of the weights overflows 32 bits"
	}
	if len(r.shares) == 0 {
		r.via = "root"
		r.shares = []share{{root(to), 1}}
	}
	return r
}

// routeByPolicy follows the first accepted route that has a rule for the path, else the root.
// Zero weights are not dropped here: all zero is a panic, but one backend alone gets everything.
func routeByPolicy(routes []*kube.HTTPRoute, exists func(key) bool, to destination) routing {
	r := routing{mode: modePolicy, via: "root", shares: []share{{root(to), 1}}}
	for _, route := range routes {
		at := slices.IndexFunc(route.Spec.Rules, func(rule kube.RouteRule) bool { return matches(rule, to.path) })
		if at < 0 {
			continue
		}
		backends := route.Spec.Rules[at].BackendRefs
		if len(backends) == 0 {
			return r
		}
		r.via = "route"
		r.shares = nil
		var total uint64
		for _, ref := range backends {
			total += uint64(ref.Share())
			r.shares = append(r.shares, share{routeBackend(ref, route.Namespace, exists), ref.Share()})
		}
		switch {
		case len(backends) == 1:
			r.shares[0].weight = 1
		case total == 0:
			r.panics = "all weights are zero"
		case total > math.MaxUint32:
			r.panics = "the sum of the weights overflows 32 bits"
		}
		return r
	}
	return r
}

func routeBackend(ref kube.BackendRef, routeNamespace string, exists func(key) bool) backendID {
	service := key{ref.In(routeNamespace), ref.Name}
	switch {
	case !ref.IsService():
		return backendID{inject: "unsupported backend type for " + ref.Name}
	case ref.Port == nil:
		return backendID{inject: "missing port for backend Service " + ref.Name}
	case !exists(service):
		return backendID{inject: "Service not found " + ref.Name}
	}
	return backendID{service: service, port: *ref.Port}
}

// matches knows paths; a rule that asks for more than a path is taken not to match.
func matches(rule kube.RouteRule, path string) bool {
	return len(rule.Matches) == 0 || slices.ContainsFunc(rule.Matches, func(m kube.RouteMatch) bool {
		if len(m.Headers) > 0 || len(m.QueryParams) > 0 || m.Method != "" && m.Method != "GET" {
			return false
		}
		if m.Path == nil {
			return true
		}
		if m.Path.Type == "Exact" {
			return path == m.Path.Value
		}
		prefix := strings.TrimSuffix(m.Path.Value, "/")
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	})
}

func root(to destination) backendID { return backendID{service: to.service, port: to.port} }

// draw picks a share by weight, skipping those that `available` refuses; false if none is left.
// `random` returns a number in [0, n).
func draw(shares []share, available func(backendID) bool, random func(n uint64) uint64) (backendID, bool) {
	left := slices.Clone(shares)
	for len(left) > 0 {
		var total uint64
		for _, s := range left {
			total += uint64(s.weight)
		}
		if total == 0 {
			return backendID{}, false
		}
		at, point := 0, random(total)
		for point >= uint64(left[at].weight) {
			point -= uint64(left[at].weight)
			at++
		}
		if available(left[at].backend) {
			return left[at].backend, true
		}
		left = slices.Delete(left, at, at+1)
	}
	return backendID{}, false
}
