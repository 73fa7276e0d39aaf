package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// The setns system call's number; the syscall package's tables are older than it.
var setnsNumber = map[string]uintptr{"amd64": 308, "arm64": 268}

func setns(path string, kind uintptr) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, errno := syscall.RawSyscall(setnsNumber[runtime.GOARCH], file.Fd(), kind, 0); errno != 0 {
		return fmt.Errorf("entering %s: %w", path, errno)
	}
	return nil
}

// enter moves the calling thread, which must be locked for good, into all namespaces of a process.
// Processes that the thread starts from then on are in its PID namespace too.
func enter(pid string) error {
	proc := "/proc/" + pid + "/ns/"
	// A thread may change its mount namespace only when it shares its working directory and root with no other.
	if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
		return err
	}
	for _, namespace := range []struct {
		name string
		kind uintptr
	}{{"net", syscall.CLONE_NEWNET}, {"pid", syscall.CLONE_NEWPID}, {"mnt", syscall.CLONE_NEWNS}} {
		if err := setns(proc+namespace.name, namespace.kind); err != nil {
			return err
		}
	}
	return os.Chdir("/")
}

// inNetwork runs a function, which must not leave its goroutine to open a socket, in a process's network.
func inNetwork(pid int, do func() error) error {
	runtime.LockOSThread()
	if err := setns(fmt.Sprintf("/proc/%d/ns/net", pid), syscall.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	result := do()
	if err := setns("/proc/self/ns/net", syscall.CLONE_NEWNET); err != nil {
		return err // The thread stays locked, so it ends with its goroutine and serves nobody else.
	}
	runtime.UnlockOSThread()
	return result
}

// startInside starts the first process of new namespaces; it dies with this thread.
func startInside(folder string) (*exec.Cmd, error) {
	ready, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	command := exec.Command("/proc/self/exe", "inside", folder)
	command.Stderr = os.Stderr
	command.ExtraFiles = []*os.File{ours}
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("making namespaces: %w", err)
	}
	ours.Close()
	if count, _ := ready.Read(make([]byte, 1)); count == 0 {
		command.Wait()
		return nil, fmt.Errorf("the first process of the namespaces ended")
	}
	return command, nil
}

// inside is the first process of the namespaces: it gives them folders of their own and buries the dead.
func inside(folder string) error {
	if err := mountAll(folder); err != nil {
		return err
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	ready := os.NewFile(3, "ready")
	if _, err := ready.Write([]byte{1}); err != nil {
		return err
	}
	ready.Close()
	for range children {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

// mountAll hides the host's changeable folders: paths in containerd, runc, CNI and kubelet that no flag moves.
func mountAll(folder string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	// A process in these namespaces resolves names as pods do. Where resolv.conf points into /run, that is ours anyway.
	resolved, err := filepath.EvalSymlinks("/etc/resolv.conf")
	own := filepath.Join(folder, "resolv.conf")
	if err == nil && !strings.HasPrefix(resolved, "/run/") {
		if err := syscall.Mount(own, resolved, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", resolved, err)
		}
	}
	if strings.HasPrefix(resolved, "/run/") {
		text, err := os.ReadFile(own)
		if err != nil {
			return err
		}
		path := filepath.Join(folder, resolved)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	for own, path := range map[string]string{"run": "/run", "log": "/var/log"} {
		if err := os.MkdirAll(filepath.Join(folder, own), 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(filepath.Join(folder, own), path, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", path, err)
		}
	}
	return hideSettings(folder)
}

// hideSettings puts files in the place of the kernel's settings that kubelet would change for the whole host.
func hideSettings(folder string) error {
	for name, wanted := range map[string]string{
		"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		own, path := filepath.Join(folder, strings.ReplaceAll(name, "/", ".")), "/proc/sys/"+name
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if err := os.WriteFile(own, []byte(wanted+"\n"), 0o644); err != nil {
			return err
		}
		if err := syscall.Mount(own, path, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", path, err)
		}
	}
	return nil
}

// execInside runs a command in the namespaces of a process, passes signals on, and ends as the command does.
// If this process is killed, so is the command.
func execInside(pid string, argv []string) error {
	directory, _ := os.Getwd()
	if err := enter(pid); err != nil {
		return err
	}
	command := exec.Command("/proc/self/exe", append([]string{"follow"}, argv...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Dir = directory
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		for received := range signals {
			command.Process.Signal(received)
		}
	}()
	command.Wait()
	status := command.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		// End as the command did, so that the owner sees the signal.
		signal.Reset(status.Signal())
		syscall.Kill(os.Getpid(), status.Signal())
	}
	os.Exit(status.ExitStatus())
	return nil
}

// follow becomes a command that dies with its parent. Go's own Pdeathsig does not work across PID namespaces:
// it compares the parent's id with one that this namespace does not know, and kills the child at once.
func follow(argv []string) error {
	const setParentDeathSignal = 1
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setParentDeathSignal, uintptr(syscall.SIGKILL), 0); errno != 0 {
		return errno
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, argv, os.Environ())
}
