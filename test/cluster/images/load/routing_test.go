package main

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"sluice.dev/test/images/kube"
)

var shop = destination{key{"shop", "web"}, 80, "/"}

func profileOf(t *testing.T, weights ...string) *kube.ServiceProfile {
	t.Helper()
	names := []string{"web-stable", "web-canary"}
	var profile kube.ServiceProfile
	for i, weight := range weights {
		entry := map[string]any{"authority": kube.FQDN(names[i], "shop"), "weight": weight}
		text, _ := json.Marshal(entry)
		var override kube.WeightedDst
		if err := json.Unmarshal(text, &override); err != nil {
			t.Fatal(err)
		}
		profile.Spec.DstOverrides = append(profile.Spec.DstOverrides, override)
	}
	return &profile
}

func TestWeightsOnTheWireAreThoseOfTheDestinationController(t *testing.T) {
	for _, row := range []struct {
		stable, canary         string
		wireStable, wireCanary uint32
	}{
		{"999", "1", 9990000, 10000},
		{"999m", "1m", 9990, 10},
		{"1", "0.0001", 10000, 10},
		{"10k", "0", 100000000, 0},
		{"100", "0", 1000000, 0},
		{"429497", "1", 2704, 10000},
		{"300000", "300000", 3000000000, 3000000000},
		{"-5", "5", 4294917296, 50000},
	} {
		profile := profileOf(t, row.stable, row.canary)
		stable, canary := profile.Spec.DstOverrides[0].Wire(), profile.Spec.DstOverrides[1].Wire()
		if stable != row.wireStable || canary != row.wireCanary {
			t.Errorf("%s / %s: got %d / %d, want %d / %d", row.stable, row.canary, stable, canary, row.wireStable, row.wireCanary)
		}
	}
}

func TestAProfileOverridesThePolicyOnlyWithRoutesOrATargetAboveZero(t *testing.T) {
	withRoutes := &kube.ServiceProfile{}
	withRoutes.Spec.Routes = []any{map[string]any{}}
	for name, row := range map[string]struct {
		profile *kube.ServiceProfile
		want    mode
	}{
		"none":       {nil, modePolicy},
		"emptied":    {profileOf(t), modePolicy},
		"all zero":   {profileOf(t, "0", "0"), modePolicy},
		"one target": {profileOf(t, "10k", "0"), modeProfile},
		"routes":     {withRoutes, modeProfile},
	} {
		if got := chooseMode(row.profile); got != row.want {
			t.Errorf("%s: got %s, want %s", name, got, row.want)
		}
	}
}

func TestInProfileModeZeroTargetsAreDroppedAndNoneLeftIsTheRoot(t *testing.T) {
	split := routeByProfile(profileOf(t, "10k", "0"), shop)
	if len(split.shares) != 1 || split.shares[0].backend.service.name != "web-stable" || split.via != "split" {
		t.Errorf("stable alone was expected, got %+v", split)
	}
	for _, profile := range []*kube.ServiceProfile{nil, profileOf(t), profileOf(t, "0", "0")} {
		got := routeByProfile(profile, shop)
		if got.via != "root" || got.shares[0].backend != root(shop) {
			t.Errorf("the root was expected, got %+v", got)
		}
	}
	if routeByProfile(profileOf(t, "300000", "300000"), shop).panics == "" {
		t.Error("a sum above 32 bits must panic")
	}
}

func routeOf(t *testing.T, text string) []*kube.HTTPRoute {
	t.Helper()
	var route kube.HTTPRoute
	if err := json.Unmarshal([]byte(text), &route); err != nil {
		t.Fatal(err)
	}
	route.Namespace = "shop"
	return []*kube.HTTPRoute{&route}
}

func TestARouteFollowsLinkerdsRulesOnBackends(t *testing.T) {
	exists := func(of key) bool { return of.name != "gone" }
	for name, row := range map[string]struct {
		rules  string
		via    string
		panics bool
		inject bool
		shares int
	}{
		"weights":             {`[{"backendRefs":[{"name":"a","port":80,"weight":9},{"name":"b","port":80,"weight":1}]}]`, "route", false, false, 2},
		"all zero":            {`[{"backendRefs":[{"name":"a","port":80,"weight":0},{"name":"b","port":80,"weight":0}]}]`, "route", true, false, 2},
		"one at zero":         {`[{"backendRefs":[{"name":"a","port":80,"weight":0}]}]`, "route", false, false, 1},
		"no port":             {`[{"backendRefs":[{"name":"a"}]}]`, "route", false, true, 1},
		"missing service":     {`[{"backendRefs":[{"name":"gone","port":80}]}]`, "route", false, true, 1},
		"no backends":         {`[{}]`, "root", false, false, 1},
		"path does not match": {`[{"matches":[{"path":{"type":"PathPrefix","value":"/api"}}],"backendRefs":[{"name":"a","port":80}]}]`, "root", false, false, 1},
	} {
		got := routeByPolicy(routeOf(t, `{"spec":{"rules":`+row.rules+`}}`), exists, shop)
		if got.via != row.via || (got.panics != "") != row.panics || len(got.shares) != row.shares ||
			(got.shares[0].backend.inject != "") != row.inject {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestARouteCountsOnlyOnceAccepted(t *testing.T) {
	const spec = `"spec":{"parentRefs":[{"group":"core","kind":"Service","name":"web","port":80}]}`
	const status = `"status":{"parents":[{"parentRef":{"group":"core","kind":"Service","name":"web","namespace":"shop","port":80},"controllerName":"linkerd.io/policy-controller","conditions":[{"type":"Accepted","status":"True"}]}]}`
	if routeOf(t, `{`+spec+`}`)[0].AcceptedBy("shop", "web", 80) {
		t.Error("accepted without a status")
	}
	route := routeOf(t, `{`+spec+`,`+status+`}`)[0]
	if !route.AcceptedBy("shop", "web", 80) || route.AcceptedBy("shop", "web", 81) || route.AcceptedBy("shop", "api", 80) {
		t.Error("accepted for the wrong parent, or not for its own")
	}
}

func TestDrawGivesTheAskedShareForAFixedSeedAndSkipsShutBackends(t *testing.T) {
	shares := []share{{backendID{port: 1}, 7500}, {backendID{port: 2}, 2500}}
	all := func(backendID) bool { return true }
	random := rand.New(rand.NewPCG(1, 1)).Uint64N
	second := 0
	for range 10000 {
		if got, _ := draw(shares, all, random); got.port == 2 {
			second++
		}
	}
	// 99.9 % of the binomial (10000, 0.25) lies within 3.29 * 43.3 = 143 of 2500.
	if second < 2357 || second > 2643 {
		t.Errorf("%d of 10000 is not a quarter", second)
	}
	only := func(id backendID) bool { return id.port == 2 }
	if got, ok := draw(shares, only, random); !ok || got.port != 2 {
		t.Errorf("the open backend was expected, got %v %v", got, ok)
	}
	if _, ok := draw(shares, func(backendID) bool { return false }, random); ok {
		t.Error("none is available, but one was drawn")
	}
}
