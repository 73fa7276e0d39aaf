package main

import (
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"sluice.dev/test/images/kube"
)

func splitOf(t *testing.T, weights ...any) *unstructured.Unstructured {
	t.Helper()
	backends := []any{}
	for i, weight := range weights {
		backends = append(backends, map[string]any{"service": fmt.Sprintf("web-%d", i), "weight": weight})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "split.smi-spec.io/v1alpha1", "kind": "TrafficSplit",
		"metadata": map[string]any{"name": "web", "namespace": "shop"},
		"spec":     map[string]any{"service": "web", "backends": backends},
	}}
}

func TestOverridesNameTheBackendInFullAndTheWeightAsACanonicalQuantity(t *testing.T) {
	var split kube.TrafficSplit
	if err := kube.Decode(splitOf(t, int64(10000), int64(0), "500m", int64(9999), 99.9), &split); err != nil {
		t.Fatal(err)
	}
	profile := newProfile(kube.FQDN("web", "shop"), split)
	text, _ := json.Marshal(profile.Object["spec"])
	const want = `{"dstOverrides":[{"authority":"web-0.shop.svc.cluster.local","weight":"10k"},` +
		`{"authority":"web-1.shop.svc.cluster.local","weight":"0"},{"authority":"web-2.shop.svc.cluster.local","weight":"500m"},` +
		`{"authority":"web-3.shop.svc.cluster.local","weight":"9999"},{"authority":"web-4.shop.svc.cluster.local","weight":"99900m"}]}`
	if string(text) != want || profile.GetName() != "web.shop.svc.cluster.local" {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestAWeightThatIsNoQuantityCannotBeDecoded(t *testing.T) {
	if err := kube.CheckSplit(splitOf(t, "abc")); err == nil {
		t.Error("it was decoded")
	}
	if err := kube.CheckSplit(splitOf(t, "999m", int64(1))); err != nil {
		t.Error(err)
	}
}

func TestRoutesAndTheRestOfAServiceProfileAreKept(t *testing.T) {
	profile := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"routes": []any{"r"}, "dstOverrides": []any{"old"}, "retryBudget": "b",
	}}}
	setOverrides(profile, nil)
	if text, _ := json.Marshal(profile.Object); string(text) != `{"spec":{"retryBudget":"b","routes":["r"]}}` {
		t.Errorf("got %s", text)
	}
}

func TestTheStatusOfARouteIsThatOfThePolicyController(t *testing.T) {
	services := map[string]*corev1.Service{
		"shop/web":      {Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.9"}},
		"shop/headless": {Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}},
	}
	find := func(namespace, name string) *corev1.Service { return services[namespace+"/"+name] }
	for name, row := range map[string]struct{ parent, backend, accepted, resolved string }{
		"fine":            {"web", "web", "True Accepted", "True ResolvedRefs"},
		"headless":        {"headless", "web", "False NoMatchingParent", "True ResolvedRefs"},
		"no parent":       {"gone", "web", "False NoMatchingParent", "True ResolvedRefs"},
		"missing backend": {"web", "gone", "True Accepted", "False BackendNotFound"},
	} {
		var route kube.HTTPRoute
		text := fmt.Sprintf(`{"metadata":{"namespace":"shop","generation":7},"spec":{"parentRefs":[{"group":"core","kind":"Service","name":%q,"port":80},
			{"name":"gateway"}],"rules":[{"backendRefs":[{"name":%q,"port":80}]}]},"status":{"parents":[{"controllerName":"other"}]}}`, row.parent, row.backend)
		if err := json.Unmarshal([]byte(text), &route); err != nil {
			t.Fatal(err)
		}
		parents := judge(route, find, true)
		if len(parents) != 2 || parents[0].ControllerName != "other" {
			t.Fatalf("%s: the other controller's entry and one more were expected, got %+v", name, parents)
		}
		said := func(c metav1.Condition) string { return string(c.Status) + " " + c.Reason }
		ours := parents[1]
		if said(ours.Conditions[0]) != row.accepted || said(ours.Conditions[1]) != row.resolved || ours.Conditions[0].ObservedGeneration != 7 {
			t.Errorf("%s: got %+v", name, ours.Conditions)
		}
		route.Status.Parents = parents
		if !sameButForTime(judge(route, find, true), parents) {
			t.Errorf("%s: a second judgement differs", name)
		}
	}
}
