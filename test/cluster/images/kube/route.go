package kube

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HTTPRoute is gateway.networking.k8s.io/v1, as far as Linkerd's outbound routing reads it.
type HTTPRoute struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ParentRefs []ParentRef `json:"parentRefs"`
		Rules      []RouteRule `json:"rules"`
	} `json:"spec"`
	Status struct {
		Parents []ParentStatus `json:"parents"`
	} `json:"status"`
}

// RouteRule is one rule; Sluice's routes have one, without matches.
type RouteRule struct {
	Matches     []RouteMatch `json:"matches"`
	BackendRefs []BackendRef `json:"backendRefs"`
}

// RouteMatch keeps the path; anything else in a match is not modelled here.
type RouteMatch struct {
	Path *struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"path"`
	Headers     []any  `json:"headers"`
	QueryParams []any  `json:"queryParams"`
	Method      string `json:"method"`
}

// ParentRef names what the route is attached to. Linkerd wants kind Service and group core or "".
type ParentRef struct {
	Group     *string `json:"group,omitempty"`
	Kind      *string `json:"kind,omitempty"`
	Namespace *string `json:"namespace,omitempty"`
	Name      string  `json:"name"`
	Port      *int32  `json:"port,omitempty"`
}

// BackendRef is one share of a rule.
type BackendRef struct {
	Group     *string `json:"group"`
	Kind      *string `json:"kind"`
	Namespace *string `json:"namespace"`
	Name      string  `json:"name"`
	Port      *int32  `json:"port"`
	Weight    *uint32 `json:"weight"`
}

// ParentStatus is one controller's word on one parent.
type ParentStatus struct {
	ParentRef      ParentRef          `json:"parentRef"`
	ControllerName string             `json:"controllerName"`
	Conditions     []metav1.Condition `json:"conditions"`
}

// IsService says whether the parent is a Service. Both fields default to a Gateway's.
func (p ParentRef) IsService() bool {
	return p.Kind != nil && *p.Kind == "Service" && p.Group != nil && isCore(*p.Group)
}

// In is the parent's namespace, by default the route's.
func (p ParentRef) In(routeNamespace string) string {
	return deref(p.Namespace, routeNamespace)
}

// IsService says whether the backend is a Service, which is the default.
func (b BackendRef) IsService() bool {
	return deref(b.Kind, "Service") == "Service" && isCore(deref(b.Group, ""))
}

// In is the backend's namespace, by default the route's.
func (b BackendRef) In(routeNamespace string) string {
	return deref(b.Namespace, routeNamespace)
}

// Share is the backend's weight, 1 by default.
func (b BackendRef) Share() uint32 {
	return deref(b.Weight, 1)
}

// AcceptedBy says whether the policy controller accepted the route on this Service and port.
func (r HTTPRoute) AcceptedBy(namespace, service string, port int32) bool {
	return slices.ContainsFunc(r.Spec.ParentRefs, func(p ParentRef) bool {
		return p.IsService() && p.Name == service && p.In(r.Namespace) == namespace &&
			(p.Port == nil || *p.Port == port) && r.accepted(p)
	})
}

func (r HTTPRoute) accepted(parent ParentRef) bool {
	return slices.ContainsFunc(r.Status.Parents, func(s ParentStatus) bool {
		same := s.ParentRef.Name == parent.Name && s.ParentRef.In(r.Namespace) == parent.In(r.Namespace) &&
			deref(s.ParentRef.Port, 0) == deref(parent.Port, 0)
		return same && s.ControllerName == PolicyController &&
			slices.ContainsFunc(s.Conditions, func(c metav1.Condition) bool {
				return c.Type == "Accepted" && c.Status == metav1.ConditionTrue
			})
	})
}

// OldestFirst is Linkerd's order of several routes on one parent: age, then name.
func OldestFirst(a, b *HTTPRoute) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

func isCore(group string) bool { return group == "" || group == "core" }

func deref[T any](pointer *T, otherwise T) T {
	if pointer == nil {
		return otherwise
	}
	return *pointer
}
