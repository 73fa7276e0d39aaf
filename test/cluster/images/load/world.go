package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"sluice.dev/test/images/kube"
)

// key is a namespaced name.
type key struct{ namespace, name string }

// world is what Linkerd's destination and policy controllers know and tell the proxies.
type world struct {
	mu        sync.RWMutex
	services  map[key]*corev1.Service
	slices    map[key]*discoveryv1.EndpointSlice
	profiles  map[key]*kube.ServiceProfile
	routes    map[key]*kube.HTTPRoute
	listeners map[int]func()
	nextID    int
}

func newWorld() *world {
	return &world{
		services:  map[key]*corev1.Service{},
		slices:    map[key]*discoveryv1.EndpointSlice{},
		profiles:  map[key]*kube.ServiceProfile{},
		routes:    map[key]*kube.HTTPRoute{},
		listeners: map[int]func(){},
	}
}

// watch fills the world and returns once it is complete. A resource whose CRD is not there is
// taken up when it comes.
func (w *world) watch(ctx context.Context, client dynamic.Interface) error {
	synced := []cache.InformerSynced{
		start(ctx, w, client, kube.Services, w.services),
		start(ctx, w, client, kube.EndpointSlices, w.slices),
	}
	for resource, begin := range map[schema.GroupVersionResource]func() cache.InformerSynced{
		kube.ServiceProfiles: func() cache.InformerSynced { return start(ctx, w, client, kube.ServiceProfiles, w.profiles) },
		kube.HTTPRoutes:      func() cache.InformerSynced { return start(ctx, w, client, kube.HTTPRoutes, w.routes) },
	} {
		_, err := client.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case err == nil:
			synced = append(synced, begin())
		case apierrors.IsNotFound(err):
			go func() {
				if kube.AwaitServed(ctx, client, resource) {
					begin()
				}
			}()
		default:
			return fmt.Errorf("list %s: %w", resource.Resource, err)
		}
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return ctx.Err()
	}
	return nil
}

// start runs an informer that keeps `into` as the cluster is.
func start[T any](ctx context.Context, w *world, client dynamic.Interface, resource schema.GroupVersionResource, into map[key]*T) cache.InformerSynced {
	informer := kube.NewInformer(client, resource, 0, nil)
	put := func(object any) {
		decoded := new(T)
		if err := kube.Decode(object.(runtime.Object), decoded); err != nil {
			return
		}
		meta := object.(metav1.Object)
		w.change(func() { into[key{meta.GetNamespace(), meta.GetName()}] = decoded })
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    put,
		UpdateFunc: func(_, now any) { put(now) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if meta, ok := object.(metav1.Object); ok {
				w.change(func() { delete(into, key{meta.GetNamespace(), meta.GetName()}) })
			}
		},
	})
	if err != nil {
		panic(err)
	}
	go informer.RunWithContext(ctx)
	return registration.HasSynced
}

// change applies an edit and tells everybody who listens.
func (w *world) change(edit func()) {
	w.mu.Lock()
	edit()
	listeners := slices.Collect(maps.Values(w.listeners))
	w.mu.Unlock()
	for _, listener := range listeners {
		listener()
	}
}

// subscribe calls `listener` after every change, until the returned function is called.
func (w *world) subscribe(listener func()) (unsubscribe func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.nextID
	w.nextID++
	w.listeners[id] = listener
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.listeners, id)
	}
}

// profile is the destination controller's GetProfile: the client namespace's own profile of that
// name hides the server namespace's, whatever is in it.
func (w *world) profile(clientNamespace string, service key) *kube.ServiceProfile {
	w.mu.RLock()
	defer w.mu.RUnlock()
	name := kube.FQDN(service.name, service.namespace)
	if own := w.profiles[key{clientNamespace, name}]; own != nil {
		return own
	}
	return w.profiles[key{service.namespace, name}]
}

// acceptedRoutes are the routes on a Service and port that count for clients in a namespace: the
// producer's, and the consumer's own.
func (w *world) acceptedRoutes(clientNamespace string, service key, port int32) []*kube.HTTPRoute {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var found []*kube.HTTPRoute
	for at, route := range w.routes {
		concerns := at.namespace == service.namespace || at.namespace == clientNamespace
		if concerns && route.AcceptedBy(service.namespace, service.name, port) {
			found = append(found, route)
		}
	}
	slices.SortFunc(found, kube.OldestFirst)
	return found
}

func (w *world) service(of key) *corev1.Service {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.services[of]
}

// endpoints are the ready addresses behind a Service's port, sorted.
func (w *world) endpoints(of key, port int32) []string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	service := w.services[of]
	if service == nil {
		return nil
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == port })
	if at < 0 {
		return nil
	}
	name := service.Spec.Ports[at].Name
	found := map[string]bool{}
	for _, slice := range w.slices {
		if slice.Namespace != of.namespace || slice.Labels[discoveryv1.LabelServiceName] != of.name {
			continue
		}
		addresses(slice, name, found)
	}
	return slices.Sorted(maps.Keys(found))
}

func addresses(slice *discoveryv1.EndpointSlice, portName string, into map[string]bool) {
	for _, port := range slice.Ports {
		if port.Port == nil || port.Name != nil && *port.Name != portName || port.Name == nil && portName != "" {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
				continue
			}
			for _, address := range endpoint.Addresses {
				into[fmt.Sprintf("%s:%d", address, *port.Port)] = true
			}
		}
	}
}

// parseHost reads "service", "service.namespace" or the full name.
func parseHost(host, defaultNamespace string) key {
	parts := strings.Split(host, ".")
	if len(parts) == 1 {
		return key{defaultNamespace, parts[0]}
	}
	return key{parts[1], parts[0]}
}
