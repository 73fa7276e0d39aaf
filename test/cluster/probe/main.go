// Command probe is a pod's program for the cluster's own tests: it says who it is and what it sees from inside.
//
//	/                  the pod's name
//	/fetch?url=URL     what URL answers, asked from inside the pod
//	/whoami            what the API says to the pod's own ServiceAccount token
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

func main() {
	name, _ := os.Hostname()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name) })
	http.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequest("GET", r.FormValue("url"), nil)
		answer(w, http.DefaultClient, request, err)
	})
	http.HandleFunc("/whoami", whoami)
	log.Printf("probe %s listens on :8080", name)
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func whoami(w http.ResponseWriter, _ *http.Request) {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	authority, _ := os.ReadFile(account + "ca.crt")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	review := `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`
	url := "https://kubernetes.default.svc/apis/authentication.k8s.io/v1/selfsubjectreviews"
	request, err := http.NewRequest("POST", url, strings.NewReader(review))
	if err == nil {
		request.Header.Set("Authorization", "Bearer "+string(token))
		request.Header.Set("Content-Type", "application/json")
	}
	answer(w, client, request, err)
}

func answer(w http.ResponseWriter, client *http.Client, request *http.Request, err error) {
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	client.Timeout = 2 * time.Second
	response, err := client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), 502)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	io.Copy(w, response.Body)
}
