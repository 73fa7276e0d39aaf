package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// The cluster's DNS server, for targets that are names.
const clusterDNS = "10.96.0.10:53"

// carriers are the listeners that carry TCP into or out of the namespaces, by address.
type carriers struct {
	mutex  sync.Mutex
	closer map[string]func()
}

func newCarriers() carriers { return carriers{closer: map[string]func(){}} }

// forward listens on an address of the host's loopback and carries to a target inside.
func (c *carriers) forward(pid int, address, target string) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	return c.carry(listener, func() (net.Conn, error) { return dialInside(pid, target) }), nil
}

// reverse listens on an address inside and carries to a target on the host.
func (c *carriers) reverse(pid int, address, target string) (string, error) {
	var listener net.Listener
	err := inNetwork(pid, func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		return "", err
	}
	return c.carry(listener, func() (net.Conn, error) { return net.DialTimeout("tcp", target, 10*time.Second) }), nil
}

// close ends a listener and the connections that came through it.
func (c *carriers) close(address string) error {
	c.mutex.Lock()
	closer := c.closer[address]
	delete(c.closer, address)
	c.mutex.Unlock()
	if closer == nil {
		return fmt.Errorf("nothing is carried from %s", address)
	}
	closer()
	return nil
}

func (c *carriers) carry(listener net.Listener, dial func() (net.Conn, error)) string {
	ended, end := context.WithCancel(context.Background())
	address := listener.Addr().String()
	c.mutex.Lock()
	c.closer[address] = func() { listener.Close(); end() }
	c.mutex.Unlock()
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				to, err := dial()
				if err != nil {
					// A reset, not an orderly end: the caller's own dial would have failed.
					from.(*net.TCPConn).SetLinger(0)
					return
				}
				defer to.Close()
				join(ended, from.(*net.TCPConn), to.(*net.TCPConn))
			}()
		}
	}()
	return address
}

// join copies both ways; one side's end of sending is passed on, and the other side may go on.
func join(ended context.Context, one, other *net.TCPConn) {
	stop := context.AfterFunc(ended, func() { one.Close(); other.Close() })
	defer stop()
	var both sync.WaitGroup
	pipe := func(to, from *net.TCPConn) {
		defer both.Done()
		if _, err := io.Copy(to, from); err != nil {
			// One end broke: so must the other, or its peer would wait for ever.
			one.SetLinger(0)
			other.SetLinger(0)
			one.Close()
			other.Close()
			return
		}
		to.CloseWrite()
	}
	both.Add(2)
	go pipe(one, other)
	go pipe(other, one)
	both.Wait()
}

func dialInside(pid int, target string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	var connection net.Conn
	err = inNetwork(pid, func() (err error) {
		if net.ParseIP(host) == nil {
			if host, err = lookup(host); err != nil {
				return err
			}
		}
		connection, err = net.DialTimeout("tcp", net.JoinHostPort(host, port), 10*time.Second)
		return err
	})
	return connection, err
}
