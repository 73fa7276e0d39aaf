package main

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"sluice.dev/test/images/kube"
)

// skipAnnotation on a ServiceProfile keeps the adaptor away, whatever its value.
const skipAnnotation = "smi.linkerd.io/skip"

// splitKey names a split and the root it had when the event came. The root is part of the key, so
// a split that changes its root leaves the old ServiceProfile as it was: a gap of the real one.
type splitKey struct{ namespace, name, service string }

// adaptor turns TrafficSplits into ServiceProfiles as linkerd-smi v0.2.7 does. It watches splits
// only, never looks at Services, and does not repair a ServiceProfile somebody else changed.
type adaptor struct {
	splits, profiles, events dynamic.Interface
	queue                    workqueue.TypedRateLimitingInterface[splitKey]
}

func newAdaptor(splits, profiles, events dynamic.Interface) *adaptor {
	limiter := workqueue.DefaultTypedControllerRateLimiter[splitKey]()
	return &adaptor{splits: splits, profiles: profiles, events: events, queue: workqueue.NewTypedRateLimitingQueue(limiter)}
}

func (a *adaptor) run(ctx context.Context, ready *atomic.Bool) {
	defer a.queue.ShutDown()
	if !kube.AwaitServed(ctx, a.events, kube.TrafficSplits) || !kube.AwaitServed(ctx, a.events, kube.ServiceProfiles) {
		return
	}
	informer := kube.NewInformer(a.splits, kube.TrafficSplits, 10*time.Minute, kube.CheckSplit)
	// A tombstone (a deletion the watch missed) is dropped here, as in the real adaptor.
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    a.enqueue,
		UpdateFunc: func(_, now any) { a.enqueue(now) },
		DeleteFunc: a.enqueue,
	})
	if err != nil {
		log.Fatalf("adaptor: %v", err)
	}
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return
	}
	ready.Store(true)
	log.Print("adaptor: synced")
	for range 2 {
		go a.work(ctx)
	}
	<-ctx.Done()
}

func (a *adaptor) enqueue(object any) {
	u, ok := object.(runtime.Object)
	if !ok {
		return
	}
	var split kube.TrafficSplit
	if err := kube.Decode(u, &split); err != nil {
		log.Printf("adaptor: %v", err)
		return
	}
	a.queue.Add(splitKey{split.Namespace, split.Name, split.Spec.Service})
}

func (a *adaptor) work(ctx context.Context) {
	for {
		key, shutdown := a.queue.Get()
		if shutdown {
			return
		}
		if err := a.sync(ctx, key); err != nil {
			log.Printf("adaptor: error syncing %v: %v, requeuing", key, err)
			a.queue.AddRateLimited(key)
		} else {
			a.queue.Forget(key)
		}
		a.queue.Done(key)
	}
}

// sync reads the split from the API, not from the cache, and writes its ServiceProfile.
func (a *adaptor) sync(ctx context.Context, key splitKey) error {
	object, err := a.splits.Resource(kube.TrafficSplits).Namespace(key.namespace).Get(ctx, key.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return a.cleanUp(ctx, key)
	}
	if err != nil {
		return err
	}
	var split kube.TrafficSplit
	if err := kube.Decode(object, &split); err != nil {
		return err
	}
	name := kube.FQDN(split.Spec.Service, key.namespace)
	profiles := a.profiles.Resource(kube.ServiceProfiles).Namespace(key.namespace)
	profile, err := profiles.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if _, err := profiles.Create(ctx, newProfile(name, split), metav1.CreateOptions{}); err != nil {
			return err
		}
		a.record(ctx, object, "Created", name)
		return nil
	}
	if err != nil {
		return err
	}
	if skips(profile) {
		log.Printf("adaptor: serviceprofile/%s has %s, skipped", name, skipAnnotation)
		return nil
	}
	setOverrides(profile, overrides(split))
	if _, err := profiles.Update(ctx, profile, metav1.UpdateOptions{}); err != nil {
		return err
	}
	a.record(ctx, object, "Updated", name)
	return nil
}

// cleanUp empties the overrides of a deleted split's ServiceProfile and leaves the object, even if
// another split still names the same root.
func (a *adaptor) cleanUp(ctx context.Context, key splitKey) error {
	name := kube.FQDN(key.service, key.namespace)
	profiles := a.profiles.Resource(kube.ServiceProfiles).Namespace(key.namespace)
	profile, err := profiles.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if skips(profile) {
		return nil
	}
	setOverrides(profile, nil)
	_, err = profiles.Update(ctx, profile, metav1.UpdateOptions{})
	return err
}

// record writes the Event that is the adaptor's only feedback; a failure to is not an error.
func (a *adaptor) record(ctx context.Context, split *unstructured.Unstructured, reason, profile string) {
	now := time.Now().UTC().Format(time.RFC3339)
	event := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Event",
		"metadata":   map[string]any{"generateName": split.GetName() + ".", "namespace": split.GetNamespace()},
		"involvedObject": map[string]any{
			"apiVersion": split.GetAPIVersion(), "kind": "TrafficSplit", "name": split.GetName(),
			"namespace": split.GetNamespace(), "uid": string(split.GetUID()), "resourceVersion": split.GetResourceVersion(),
		},
		"type": "Normal", "reason": reason, "message": fmt.Sprintf("%s Service Profile %s", reason, profile),
		"source": map[string]any{"component": "smi-controller"}, "count": int64(1),
		"firstTimestamp": now, "lastTimestamp": now,
	}}
	if _, err := a.events.Resource(kube.Events).Namespace(split.GetNamespace()).Create(ctx, event, metav1.CreateOptions{}); err != nil {
		log.Printf("adaptor: event: %v", err)
	}
}

func newProfile(name string, split kube.TrafficSplit) *unstructured.Unstructured {
	profile := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": kube.ServiceProfiles.GroupVersion().String(),
		"kind":       "ServiceProfile",
		"metadata":   map[string]any{"name": name, "namespace": split.Namespace},
		"spec":       map[string]any{},
	}}
	setOverrides(profile, overrides(split))
	return profile
}

// overrides prints each weight as the canonical quantity, "10k" for 10000.
func overrides(split kube.TrafficSplit) []any {
	list := []any{}
	for _, backend := range split.Spec.Backends {
		list = append(list, map[string]any{
			"authority": kube.FQDN(backend.Service, split.Namespace),
			"weight":    backend.Weight.String(),
		})
	}
	return list
}

// setOverrides replaces dstOverrides and nothing else; none (or an empty list, which a typed client
// omits) removes the field.
func setOverrides(profile *unstructured.Unstructured, list []any) {
	spec, _ := profile.Object["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
		profile.Object["spec"] = spec
	}
	if len(list) == 0 {
		delete(spec, "dstOverrides")
		return
	}
	spec["dstOverrides"] = list
}

func skips(profile *unstructured.Unstructured) bool {
	_, present := profile.GetAnnotations()[skipAnnotation]
	return present
}
