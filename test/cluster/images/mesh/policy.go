package main

import (
	"context"
	"encoding/json"
	"log"
	"reflect"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"sluice.dev/test/images/kube"
)

// policy writes the status that Linkerd's policy controller writes on HTTPRoutes whose parent is a
// Service: Accepted and ResolvedRefs, one entry for each parent.
type policy struct {
	client             dynamic.Interface
	observedGeneration bool
	changed            chan struct{}
}

func newPolicy(client dynamic.Interface, observedGeneration bool) *policy {
	return &policy{client: client, observedGeneration: observedGeneration, changed: make(chan struct{}, 1)}
}

func (p *policy) run(ctx context.Context, ready *atomic.Bool) {
	if !kube.AwaitServed(ctx, p.client, kube.HTTPRoutes) {
		return
	}
	routes := kube.NewInformer(p.client, kube.HTTPRoutes, 0, nil)
	services := kube.NewInformer(p.client, kube.Services, 0, nil)
	for _, informer := range []cache.SharedIndexInformer{routes, services} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { p.wake() },
			UpdateFunc: func(_, _ any) { p.wake() },
			DeleteFunc: func(any) { p.wake() },
		})
		if err != nil {
			log.Fatalf("policy: %v", err)
		}
		go informer.RunWithContext(ctx)
	}
	if !cache.WaitForCacheSync(ctx.Done(), routes.HasSynced, services.HasSynced) {
		return
	}
	ready.Store(true)
	log.Print("policy: synced")
	p.wake()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
			p.reconcile(ctx, routes.GetStore(), services.GetStore())
		}
	}
}

func (p *policy) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *policy) reconcile(ctx context.Context, routes, services cache.Store) {
	find := func(namespace, name string) *corev1.Service {
		object, exists, _ := services.GetByKey(namespace + "/" + name)
		if !exists {
			return nil
		}
		var service corev1.Service
		if err := kube.Decode(object.(runtime.Object), &service); err != nil {
			return nil
		}
		return &service
	}
	for _, object := range routes.List() {
		var route kube.HTTPRoute
		if err := kube.Decode(object.(runtime.Object), &route); err != nil {
			log.Printf("policy: %v", err)
			continue
		}
		parents := judge(route, find, p.observedGeneration)
		if sameButForTime(parents, route.Status.Parents) {
			continue
		}
		patch, err := json.Marshal(map[string]any{"status": map[string]any{"parents": parents}})
		if err != nil {
			log.Printf("policy: %v", err)
			continue
		}
		_, err = p.client.Resource(kube.HTTPRoutes).Namespace(route.Namespace).
			Patch(ctx, route.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "policy.linkerd.io"}, "status")
		if err != nil && !apierrors.IsNotFound(err) {
			log.Printf("policy: status of %s/%s: %v", route.Namespace, route.Name, err)
			time.AfterFunc(200*time.Millisecond, p.wake)
		}
	}
}

// judge says what the status should be. Entries of other controllers are kept.
func judge(route kube.HTTPRoute, find func(namespace, name string) *corev1.Service, observedGeneration bool) []kube.ParentStatus {
	parents := []kube.ParentStatus{}
	for _, status := range route.Status.Parents {
		if status.ControllerName != kube.PolicyController {
			parents = append(parents, status)
		}
	}
	generation := int64(0)
	if observedGeneration {
		generation = route.Generation
	}
	for _, ref := range route.Spec.ParentRefs {
		if !ref.IsService() {
			continue
		}
		namespace := ref.In(route.Namespace)
		parent := ref
		parent.Namespace = &namespace
		conditions := []metav1.Condition{
			accepted(find(namespace, ref.Name)),
			resolved(route, find),
		}
		for i := range conditions {
			conditions[i].ObservedGeneration = generation
			conditions[i].LastTransitionTime = metav1.Now()
		}
		parents = append(parents, kube.ParentStatus{ParentRef: parent, ControllerName: kube.PolicyController, Conditions: conditions})
	}
	return parents
}

// accepted wants a Service that has a ClusterIP.
func accepted(service *corev1.Service) metav1.Condition {
	condition := metav1.Condition{Type: "Accepted", Status: metav1.ConditionFalse, Reason: "NoMatchingParent"}
	switch {
	case service == nil:
	case service.Spec.ClusterIP == "" || service.Spec.ClusterIP == corev1.ClusterIPNone:
		condition.Message = "parent service must have a ClusterIP"
	default:
		condition.Status = metav1.ConditionTrue
		condition.Reason = "Accepted"
	}
	return condition
}

// resolved wants every backend to be a Service that exists.
func resolved(route kube.HTTPRoute, find func(namespace, name string) *corev1.Service) metav1.Condition {
	for _, rule := range route.Spec.Rules {
		for _, backend := range rule.BackendRefs {
			if !backend.IsService() {
				return metav1.Condition{Type: "ResolvedRefs", Status: metav1.ConditionFalse, Reason: "InvalidKind"}
			}
			if find(backend.In(route.Namespace), backend.Name) == nil {
				return metav1.Condition{Type: "ResolvedRefs", Status: metav1.ConditionFalse, Reason: "BackendNotFound"}
			}
		}
	}
	return metav1.Condition{Type: "ResolvedRefs", Status: metav1.ConditionTrue, Reason: "ResolvedRefs"}
}

func sameButForTime(a, b []kube.ParentStatus) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x.ControllerName != y.ControllerName || !reflect.DeepEqual(x.ParentRef, y.ParentRef) || len(x.Conditions) != len(y.Conditions) {
			return false
		}
		for j := range x.Conditions {
			left, right := x.Conditions[j], y.Conditions[j]
			left.LastTransitionTime, right.LastTransitionTime = metav1.Time{}, metav1.Time{}
			if left != right {
				return false
			}
		}
	}
	return true
}
