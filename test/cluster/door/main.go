// Command door holds one test cluster: it makes the cluster's namespaces, runs programs in them, carries TCP in and
// out, and takes everything away when its standard input ends, however its owner ended.
//
//	door hold FOLDER              the holder: JSON requests on standard input, answers and events on standard output
//	door inside FOLDER            the first process of the namespaces; only hold starts it
//	door exec PID COMMAND...      runs a command in the namespaces of process PID
//	door follow COMMAND...        becomes a command that dies with its parent; only exec uses it
package main

import (
	"fmt"
	"os"
	"runtime"
)

func init() {
	// Namespaces and the parent's-death signal belong to threads: the first goroutine keeps the first thread.
	runtime.LockOSThread()
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "door: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "hold":
		return hold(args[1])
	case len(args) == 2 && args[0] == "inside":
		return inside(args[1])
	case len(args) >= 3 && args[0] == "exec":
		return execInside(args[1], args[2:])
	case len(args) >= 2 && args[0] == "follow":
		return follow(args[1:])
	default:
		return fmt.Errorf("usage: door hold FOLDER | inside FOLDER | exec PID COMMAND")
	}
}
