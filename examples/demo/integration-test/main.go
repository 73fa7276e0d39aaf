// Command integration-test is what the demo's Job runs: it asks the canary, by its own Service, and
// nobody else, before more traffic goes there. Exit code 0: it may.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

const checks = 20

func main() {
	// Sluice tells each Job which Service leads to the canary only.
	address := fmt.Sprintf("http://%s.%s/", os.Getenv("SLUICE_CANARY_SERVICE"), os.Getenv("SLUICE_NAMESPACE"))
	wanted := os.Getenv("EXPECTED_VERSION")
	client := &http.Client{Timeout: 2 * time.Second}
	passed := 0
	for number := range checks {
		if err := check(client, address, wanted); err != nil {
			fmt.Printf("check %d: %v\n", number+1, err)
			continue
		}
		passed++
	}
	fmt.Printf("%d of %d checks of %s passed, version %s\n", passed, checks, address, wanted)
	if passed < checks {
		os.Exit(1)
	}
}

// check asks once. A refused connection is tried again: a pod's first second may come before kube-proxy's rules.
func check(client *http.Client, address, wanted string) error {
	var response *http.Response
	var err error
	for try := range 5 {
		if response, err = client.Get(address); err == nil {
			break
		}
		time.Sleep(time.Duration(try+1) * 200 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Version string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("status %d, no JSON: %w", response.StatusCode, err)
	}
	if response.StatusCode != http.StatusOK || answer.Version != wanted {
		return fmt.Errorf("status %d from version %q", response.StatusCode, answer.Version)
	}
	return nil
}
