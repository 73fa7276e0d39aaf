package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const cgroupRoot = "/sys/fs/cgroup"

// hierarchies are the mounted cgroup trees: one under version 2, one for each controller under version 1.
func hierarchies() []string {
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		return []string{cgroupRoot}
	}
	entries, _ := os.ReadDir(cgroupRoot)
	var found []string
	for _, entry := range entries {
		if entry.IsDir() {
			found = append(found, filepath.Join(cgroupRoot, entry.Name()))
		}
	}
	return found
}

// makeCgroups makes the folder, in each hierarchy, under which all of the cluster's containers will be.
func makeCgroups(name string) error {
	for _, hierarchy := range hierarchies() {
		path := filepath.Join(hierarchy, name)
		if hierarchy == cgroupRoot {
			// Version 2: a group's children have only the controllers that it hands down.
			for _, controller := range []string{"cpuset", "cpu", "io", "memory", "pids", "hugetlb"} {
				os.WriteFile(filepath.Join(hierarchy, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
			}
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			return fmt.Errorf("making the cluster's cgroup: %w", err)
		}
		if hierarchy == cgroupRoot {
			for _, controller := range []string{"cpuset", "cpu", "io", "memory", "pids", "hugetlb"} {
				os.WriteFile(filepath.Join(path, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
			}
		}
		// Version 1's cpuset starts empty, and an empty one takes no process.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if value, err := os.ReadFile(filepath.Join(hierarchy, file)); err == nil && hierarchy != cgroupRoot {
				os.WriteFile(filepath.Join(path, file), value, 0o644)
			}
		}
	}
	return nil
}

// removeCgroups removes those folders again. A group counts as busy for a moment after its last process died.
func removeCgroups(name string) {
	for _, hierarchy := range hierarchies() {
		top := filepath.Join(hierarchy, name)
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			removeTree(top)
			if _, err := os.Stat(top); err != nil {
				break
			}
			if time.Now().After(deadline) {
				fmt.Fprintf(os.Stderr, "door: cannot remove %s\n", top)
				break
			}
		}
	}
}

func removeTree(path string) {
	entries, _ := os.ReadDir(path)
	for _, entry := range entries {
		if entry.IsDir() {
			removeTree(filepath.Join(path, entry.Name()))
		}
	}
	syscall.Rmdir(path)
}
