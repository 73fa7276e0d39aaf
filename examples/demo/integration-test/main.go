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

var client = &http.Client{Timeout: 2 * time.Second}

func main() {
	if err := test(); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// test asks the stable once and the canary often: the canary must answer well, always as one
// version, and not as the one that is in use already.
func test() error {
	// Sluice tells each Job which Services lead where.
	old, err := ask(os.Getenv("SLUICE_STABLE_SERVICE"))
	if err != nil {
		return err
	}
	var found string
	for number := range checks {
		version, err := ask(os.Getenv("SLUICE_CANARY_SERVICE"))
		switch {
		case err != nil:
			return fmt.Errorf("check %d of %d: %w", number+1, checks, err)
		case version == old:
			return fmt.Errorf("check %d of %d: the canary answers as %s, as the stable does", number+1, checks, version)
		case found != "" && version != found:
			return fmt.Errorf("check %d of %d: the canary answers as %s and as %s", number+1, checks, found, version)
		}
		found = version
	}
	fmt.Printf("%d of %d checks passed: the canary answers as %s, the stable as %s\n", checks, checks, found, old)
	return nil
}

// ask returns the version that a Service answers with. A refused connection is tried again: a pod's
// first second may come before kube-proxy's rules.
func ask(service string) (string, error) {
	address := fmt.Sprintf("http://%s.%s/", service, os.Getenv("SLUICE_NAMESPACE"))
	var response *http.Response
	var err error
	for try := range 5 {
		if response, err = client.Get(address); err == nil {
			break
		}
		time.Sleep(time.Duration(try+1) * 200 * time.Millisecond)
	}
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct{ Version string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("%s: status %d, no JSON: %w", address, response.StatusCode, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: status %d from version %s", address, response.StatusCode, answer.Version)
	}
	return answer.Version, nil
}
