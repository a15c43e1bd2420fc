package main

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv makes this test binary the program.
const childEnv = "PARLEY_TEST_MAIN_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// serving starts the program and returns it with the address it prints.
func serving(t *testing.T) (cmd *exec.Cmd, address string) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if link, err := url.Parse(strings.TrimSpace(lines.Text())); err == nil && link.Host != "" {
			return cmd, net.JoinHostPort("127.0.0.1", link.Port())
		}
	}
	t.Fatal("it printed no link")
	return nil, ""
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	cmd, address := serving(t)
	slow, err := net.Dial("tcp", address) // a request that is under way for longer than a stop lasts
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nemail=")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.Dial("tcp", address)
		if err != nil {
			break // it takes no new requests: it is stopping
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		cmd.Process.Signal(syscall.SIGTERM) // again, should it have come before the first was dealt with
		select {
		case err := <-ended:
			if how, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !how.Signaled() || how.Signal() != syscall.SIGTERM {
				t.Errorf("it was not ended by the signal: %v", err)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
