// Package kube is what the mesh's programs know of Kubernetes: resources, a client, an informer.
package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// The resources of the test mesh.
var (
	Services        = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	Events          = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	EndpointSlices  = schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}
	TrafficSplits   = schema.GroupVersionResource{Group: "split.smi-spec.io", Version: "v1alpha1", Resource: "trafficsplits"}
	ServiceProfiles = schema.GroupVersionResource{Group: "linkerd.io", Version: "v1alpha2", Resource: "serviceprofiles"}
	HTTPRoutes      = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
)

// PolicyController is the name under which Linkerd's policy controller writes a route's status.
const PolicyController = "linkerd.io/policy-controller"

// Config connects by KUBECONFIG or, in a pod, by its ServiceAccount.
func Config() (*rest.Config, error) {
	if path := os.Getenv("KUBECONFIG"); path != "" {
		return clientcmd.BuildConfigFromFlags("", path)
	}
	return rest.InClusterConfig()
}

// EndWithStdin calls `end` when standard input ends: a program outside a cluster then ends with the
// test that started it, however that came to its end.
func EndWithStdin(end func()) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	end()
}

// Client has its own rate limit: qps < 0 is none, 0 is client-go's default of 5.
func Client(config *rest.Config, qps float32) (dynamic.Interface, error) {
	own := rest.CopyConfig(config)
	own.QPS = qps
	return dynamic.NewForConfig(own)
}

// AwaitServed returns when the API server serves the resource (its CRD may come later), or false
// when ctx ends.
func AwaitServed(ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource) bool {
	for {
		_, err := client.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
		if err == nil {
			return true
		}
		if !apierrors.IsNotFound(err) {
			log.Printf("wait for %s: %v", resource.Resource, err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// Decode turns an unstructured object into the given type.
func Decode(object runtime.Object, into any) error {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return fmt.Errorf("unexpected %T", object)
	}
	text, err := u.MarshalJSON()
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// NewInformer lists and watches all namespaces. A `check` that fails stops the whole informer, as a
// typed client's decoding error does.
func NewInformer(client dynamic.Interface, resource schema.GroupVersionResource, resync time.Duration, check func(runtime.Object) error) cache.SharedIndexInformer {
	return cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := client.Resource(resource).List(ctx, options)
			if err != nil || check == nil {
				return list, err
			}
			for i := range list.Items {
				if err := check(&list.Items[i]); err != nil {
					return nil, err
				}
			}
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			watcher, err := client.Resource(resource).Watch(ctx, options)
			if err != nil || check == nil {
				return watcher, err
			}
			return watch.Filter(watcher, func(event watch.Event) (watch.Event, bool) {
				if event.Type == watch.Added || event.Type == watch.Modified {
					if err := check(event.Object); err != nil {
						status := apierrors.NewInternalError(fmt.Errorf("unable to decode watch event: %w", err)).Status()
						return watch.Event{Type: watch.Error, Object: &status}, true
					}
				}
				return event, true
			}), nil
		},
	}, &unstructured.Unstructured{}, resync, cache.Indexers{})
}
