// The child processes: this very binary under the components' names.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type processes struct {
	binary, dir string
	running     map[string]*exec.Cmd
	ended       chan ending
}

type ending struct {
	name    string
	process *exec.Cmd
	err     error
}

func newProcesses(dir string) (*processes, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &processes{binary: binary, dir: dir, running: map[string]*exec.Cmd{}, ended: make(chan ending, 64)}, nil
}

// start must be called from a thread that stays: the child dies with it.
func (p *processes) start(name string, arguments []string) error {
	if p.running[name] != nil {
		return fmt.Errorf("%s runs already", name)
	}
	log, err := os.OpenFile(p.log(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	process := &exec.Cmd{
		Path: p.binary, Args: append([]string{name}, arguments...), Dir: p.dir, Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	if err := process.Start(); err != nil {
		return err
	}
	p.running[name] = process
	go func() { p.ended <- ending{name, process, process.Wait()} }()
	return nil
}

// kill returns when the component is gone.
func (p *processes) kill(name string) error {
	process := p.running[name]
	if process == nil {
		return fmt.Errorf("%s does not run", name)
	}
	delete(p.running, name) // its end is expected now
	_ = process.Process.Kill()
	for {
		select {
		case ended := <-p.ended:
			if ended.process == process {
				return nil
			}
			if err := p.unexpected(ended); err != nil {
				return err
			}
		case <-time.After(5 * time.Second):
			return fmt.Errorf("%s was killed and did not end", name)
		}
	}
}

func (p *processes) killAll() {
	for _, process := range p.running {
		_ = process.Process.Kill()
	}
	for range p.running {
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second):
		}
	}
}

// unexpected is an error with the end of the log, unless the component was told to end.
func (p *processes) unexpected(ended ending) error {
	if p.running[ended.name] != ended.process {
		return nil
	}
	delete(p.running, ended.name)
	return fmt.Errorf("%s ended (%v); the end of its log:\n%s", ended.name, ended.err, tail(p.log(ended.name), 20))
}

func (p *processes) log(name string) string { return filepath.Join(p.dir, "log", name+".log") }

func tail(file string, count int) string {
	text, _ := os.ReadFile(file)
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
