package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// answer is what came back for a request.
type answer struct {
	status       int
	version, pod string
}

// failure is a request that got no answer from the app, with the kind it is counted under.
type failure struct {
	kind string
	err  error
}

func (f *failure) Error() string { return f.kind + ": " + f.err.Error() }

// errConnect marks a failure before anything was sent.
var errConnect = errors.New("connect")

// connection speaks HTTP/1.1. It is written here and not taken from net/http because that client
// silently sends a request again when a kept-alive connection breaks, and a broken one must be seen.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

// pool keeps the idle connections to one address, oldest first, so that all of them stay in use.
type pool struct {
	address func() (string, error)

	mu     sync.Mutex
	idle   []*connection
	closed bool
}

// roundTrip sends a request on a kept connection or a new one. Nothing is ever sent twice.
func (p *pool) roundTrip(request []byte, timeout time.Duration) (answer, error) {
	deadline := time.Now().Add(timeout)
	c, err := p.take(deadline)
	if err != nil {
		return answer{}, classify(err)
	}
	_ = c.SetDeadline(deadline)
	got, reusable, err := c.exchange(request)
	if err != nil || !reusable {
		_ = c.Close()
	} else {
		p.put(c)
	}
	if err != nil {
		return answer{}, classify(err)
	}
	return got, nil
}

func (p *pool) take(deadline time.Time) (*connection, error) {
	for {
		p.mu.Lock()
		if len(p.idle) == 0 {
			p.mu.Unlock()
			break
		}
		c := p.idle[0]
		p.idle = p.idle[1:]
		p.mu.Unlock()
		if c.isOpen() {
			return c, nil
		}
		_ = c.Close()
	}
	address, err := p.address()
	if err != nil {
		return nil, errors.Join(errConnect, err)
	}
	conn, err := (&net.Dialer{Deadline: deadline, KeepAlive: -1}).Dial("tcp", address)
	if err != nil {
		return nil, errors.Join(errConnect, err)
	}
	return &connection{Conn: conn, reader: bufio.NewReaderSize(conn, 1024)}, nil
}

func (p *pool) put(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return
	}
	p.idle = append(p.idle, c)
}

// close lets requests in flight end and keeps no connection for another.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
}

func (c *connection) exchange(request []byte) (got answer, reusable bool, err error) {
	if _, err := c.Write(request); err != nil {
		return answer{}, false, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return answer{}, false, err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return answer{}, false, err
	}
	_ = response.Body.Close()
	got = answer{response.StatusCode, response.Header.Get("X-Version"), response.Header.Get("X-Pod")}
	return got, !response.Close, nil
}

// isOpen looks, without waiting, whether the server closed the idle connection meanwhile: a client
// that notices opens another one, and no request is lost.
func (c *connection) isOpen() bool {
	raw, err := c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	open := false
	// Control, not Read: a read would fail by the deadline of the request before.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, peekErr := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(peekErr, syscall.EAGAIN)
	})
	return err == nil && open
}

// classify names the kinds of failures a person wants to tell apart.
func classify(err error) *failure {
	kind := "other"
	switch {
	case errors.Is(err, errConnect):
		kind = "connect"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		kind = "reset"
	case errors.Is(err, os.ErrDeadlineExceeded):
		kind = "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		kind = "closed"
	}
	return &failure{kind, errors.New(strings.ReplaceAll(err.Error(), "\n", ": "))}
}

// requestText is a whole GET request, made once for each client.
func requestText(host, path, client, identity string) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load/%s\r\n", path, host, client)
	if identity != "" {
		fmt.Fprintf(&text, "X-Mesh-Client: %s\r\n", identity)
	}
	text.WriteString("\r\n")
	return []byte(text.String())
}
