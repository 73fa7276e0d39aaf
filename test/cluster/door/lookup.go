package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"
)

// lookup asks the cluster's DNS for a Service's or pod's address: "web.shop" or "web.shop.svc".
// Go's own resolver opens its sockets on goroutines of its own, which are not in the cluster's network.
func lookup(name string) (string, error) {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".cluster.local"), ".svc")
	query := []byte{0x51, 0x1c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name+".svc.cluster.local", ".") {
		query = append(append(query, byte(len(label))), label...)
	}
	query = append(query, 0, 0, 1, 0, 1) // type A, class IN
	connection, err := net.Dial("udp", clusterDNS)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := connection.Write(query); err != nil {
		return "", err
	}
	answer := make([]byte, 1500)
	length, err := connection.Read(answer)
	if err != nil {
		return "", fmt.Errorf("looking up %s: %w", name, err)
	}
	answer = answer[:length]
	// Cluster DNS answers a Service's name with A records only: the first record's data are its last four of 10+2+4.
	if length < len(query)+16 || binary.BigEndian.Uint16(answer[6:]) == 0 {
		return "", fmt.Errorf("the cluster knows no Service %s", name)
	}
	record := answer[len(query):]
	if record[0]&0xc0 != 0xc0 { // an uncompressed name: skip its labels
		end := 0
		for record[end] != 0 {
			end += int(record[end]) + 1
		}
		record = record[end-1:]
	}
	return net.IP(record[12:16]).String(), nil
}
