package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ClusterDomain is the DNS domain of the cluster.
const ClusterDomain = "cluster.local"

// TrafficSplit is split.smi-spec.io/v1alpha1, where a weight is a Quantity.
type TrafficSplit struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Service  string         `json:"service"`
		Backends []SplitBackend `json:"backends"`
	} `json:"spec"`
}

// SplitBackend is one share of a TrafficSplit.
type SplitBackend struct {
	Service string             `json:"service"`
	Weight  *resource.Quantity `json:"weight"`
}

// CheckSplit fails on what a typed v1alpha1 client cannot decode: the adaptor's poison pill.
func CheckSplit(object runtime.Object) error {
	return Decode(object, &TrafficSplit{})
}

// ServiceProfile is linkerd.io/v1alpha2, as far as a split concerns it.
type ServiceProfile struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Routes       []any         `json:"routes"`
		DstOverrides []WeightedDst `json:"dstOverrides"`
	} `json:"spec"`
}

// WeightedDst is one entry of dstOverrides.
type WeightedDst struct {
	Authority string            `json:"authority"`
	Weight    resource.Quantity `json:"weight"`
}

// Wire is the weight that the destination controller sends to proxies. The conversion is its own,
// uint32(weight.MilliValue()*10), which wraps above 429,496 and for negative weights.
func (d WeightedDst) Wire() uint32 {
	return uint32(d.Weight.MilliValue() * 10)
}

// FQDN is a Service's full name, which is also the name of its ServiceProfile.
func FQDN(service, namespace string) string {
	return fmt.Sprintf("%s.%s.svc.%s", service, namespace, ClusterDomain)
}
