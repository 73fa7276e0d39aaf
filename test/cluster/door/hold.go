package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// request is one line of standard input.
type request struct {
	ID int `json:"id"`
	// Op is start (a program that stays), run (one that ends), forward, reverse, close.
	Op      string   `json:"op"`
	Argv    []string `json:"argv"`
	Name    string   `json:"name"`    // start: what its exit event says, and its log's name
	Input   string   `json:"input"`   // run: its standard input
	Target  string   `json:"target"`  // forward: host:port inside; reverse: host:port outside
	Address string   `json:"address"` // reverse: where to listen inside; close: which listener
}

// answer is one line of standard output: the answer to a request, or (without id) an event.
type answer struct {
	ID      int    `json:"id,omitempty"`
	Error   string `json:"error,omitempty"`
	Event   string `json:"event,omitempty"` // ready, exit
	Name    string `json:"name,omitempty"`
	Pid     int    `json:"pid,omitempty"`
	Code    int    `json:"code"`
	Output  string `json:"output,omitempty"`
	Address string `json:"address,omitempty"`
}

type holder struct {
	folder string
	pid    int // of the namespaces' first process
	out    sync.Mutex
	// spawns runs functions on the one thread that is inside; its children are born there.
	spawns   chan func()
	carriers carriers
}

func hold(folder string) error {
	cgroup := filepath.Base(folder)
	// First of all: writing to an owner that was killed would end this process before it has tidied up.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	lock, err := claim(folder)
	if err != nil {
		return err
	}
	defer lock.Close()
	sweep(filepath.Dir(folder), folder)
	defer remove(folder, cgroup)
	if err := makeCgroups(cgroup); err != nil {
		return err
	}
	first, err := startInside(folder)
	if err != nil {
		return err
	}
	h := &holder{folder: folder, pid: first.Process.Pid, spawns: make(chan func()), carriers: newCarriers()}
	if err := h.startSpawner(); err != nil {
		first.Process.Kill()
		first.Wait()
		return err
	}
	h.say(answer{Event: "ready", Pid: h.pid})
	ended := make(chan struct{}, 3)
	go func() { h.serve(os.Stdin); ended <- struct{}{} }()
	go func() { first.Wait(); ended <- struct{}{} }()
	select {
	case <-ended:
	case <-signals:
	}
	// The kernel kills everything in a PID namespace with its first process.
	first.Process.Kill()
	<-ended
	return nil
}

func (h *holder) startSpawner() error {
	entered := make(chan error)
	go func() {
		runtime.LockOSThread()
		entered <- enter(strconv.Itoa(h.pid))
		for spawn := range h.spawns {
			spawn()
		}
	}()
	return <-entered
}

func (h *holder) say(a answer) {
	line, _ := json.Marshal(a)
	h.out.Lock()
	defer h.out.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

func (h *holder) serve(input io.Reader) {
	decoder := json.NewDecoder(input)
	for {
		var r request
		if err := decoder.Decode(&r); err != nil {
			return
		}
		go func() {
			a, err := h.handle(r)
			a.ID = r.ID
			if err != nil {
				a.Error = err.Error()
			}
			h.say(a)
		}()
	}
}

func (h *holder) handle(r request) (answer, error) {
	switch r.Op {
	case "start":
		return h.start(r)
	case "run":
		return h.run(r)
	case "forward":
		address, err := h.carriers.forward(h.pid, r.Address, r.Target)
		return answer{Address: address}, err
	case "reverse":
		address, err := h.carriers.reverse(h.pid, r.Address, r.Target)
		return answer{Address: address}, err
	case "close":
		return answer{}, h.carriers.close(r.Address)
	default:
		return answer{}, fmt.Errorf("no such operation: %q", r.Op)
	}
}

// spawn starts a command inside; it dies with the namespaces' first process, and that with this one.
func (h *holder) spawn(command *exec.Cmd) error {
	command.Dir = h.folder
	started := make(chan error)
	h.spawns <- func() { started <- command.Start() }
	return <-started
}

func (h *holder) start(r request) (answer, error) {
	// Not in the folder's "log": that is /var/log inside.
	log, err := os.OpenFile(filepath.Join(h.folder, r.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return answer{}, err
	}
	defer log.Close()
	command := exec.Command(r.Argv[0], r.Argv[1:]...)
	command.Stdout, command.Stderr = log, log
	if err := h.spawn(command); err != nil {
		return answer{}, err
	}
	go func() {
		command.Wait()
		h.say(answer{Event: "exit", Name: r.Name, Code: command.ProcessState.ExitCode()})
	}()
	return answer{Pid: command.Process.Pid}, nil
}

func (h *holder) run(r request) (answer, error) {
	var output bytes.Buffer
	command := exec.Command(r.Argv[0], r.Argv[1:]...)
	command.Stdin = strings.NewReader(r.Input)
	command.Stdout, command.Stderr = &output, &output
	if err := h.spawn(command); err != nil {
		return answer{}, err
	}
	err := command.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	return answer{Code: command.ProcessState.ExitCode(), Output: output.String()}, err
}

// claim locks the cluster's folder for as long as this process lives.
func claim(folder string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(folder, "held"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// sweep removes what holders left that were killed before they could: folders that nobody holds.
func sweep(parent, own string) {
	folders, _ := filepath.Glob(filepath.Join(parent, "sluice-cluster-*"))
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if folder == own || err != nil {
			continue
		}
		// A folder without this file is just being made, unless its maker died right then.
		if _, err := os.Stat(filepath.Join(folder, "held")); err != nil && time.Since(info.ModTime()) < time.Minute {
			continue
		}
		lock, err := claim(folder)
		if err != nil {
			continue
		}
		remove(folder, filepath.Base(folder))
		lock.Close()
	}
}

func remove(folder, cgroup string) {
	removeCgroups(cgroup)
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintf(os.Stderr, "door: %v\n", err)
	}
}
