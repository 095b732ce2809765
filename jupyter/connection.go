package jupyter

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"os"
	"strconv"
	"sync"
)

// Connection says where a kernel listens, as a connection file has it.
type Connection struct {
	Transport       string `json:"transport"`
	IP              string `json:"ip"`
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HeartbeatPort   int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name,omitempty"`
}

// scheme is the only way of signing that there is.
const scheme = "hmac-sha256"

// maxConnectionFile bounds a connection file.
const maxConnectionFile = 64 << 10

// NewConnection chooses free ports of this machine, and a key.
func NewConnection(kernelName string) (Connection, error) {
	c := Connection{Transport: "tcp", IP: "127.0.0.1", Key: newID(), SignatureScheme: scheme, KernelName: kernelName}
	for _, port := range c.ports() {
		p, err := freePort()
		if err != nil {
			return c, err
		}
		*port = p
	}
	return c, nil
}

func (c *Connection) ports() []*int {
	return []*int{&c.ShellPort, &c.IOPubPort, &c.StdinPort, &c.ControlPort, &c.HeartbeatPort}
}

// given are the ports that freePort has given away already.
var given sync.Map

// freePort finds a port for a kernel to listen at. It stays below those that systems
// take for outgoing connections (32768 and up at the lowest), so that nobody gets it
// by chance before the kernel listens.
func freePort() (int, error) {
	const first, last = 16384, 32767
	for range 1000 {
		n, err := rand.Int(rand.Reader, big.NewInt(last-first+1))
		if err != nil {
			return 0, err
		}
		port := first + int(n.Int64())
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		given.Delete(port)
	}
	return 0, fmt.Errorf("no free port between %d and %d", first, last)
}

// Release gives the ports back.
func (c *Connection) Release() {
	for _, port := range c.ports() {
		given.Delete(*port)
	}
}

// Write writes the connection file, which only its owner can read. It must not be
// there yet.
func (c Connection) Write(file string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(data, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// ReadConnection reads a connection file and checks it.
func ReadConnection(file string) (Connection, error) {
	var c Connection
	info, err := os.Stat(file)
	if err != nil {
		return c, fmt.Errorf("connection file: %w", err)
	}
	if info.Size() > maxConnectionFile {
		return c, fmt.Errorf("connection file %s: %d bytes are too many", file, info.Size())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("connection file: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("connection file %s: %w", file, err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("connection file %s: %w", file, err)
	}
	return c, nil
}

func (c *Connection) check() error {
	if c.Transport != "tcp" {
		return fmt.Errorf("the transport %q is not supported, only tcp is", c.Transport)
	}
	if c.SignatureScheme != scheme {
		return fmt.Errorf("the signature scheme %q is not supported, only %s is", c.SignatureScheme, scheme)
	}
	for _, port := range c.ports() {
		if *port < 1 || *port > 65535 {
			return fmt.Errorf("%d is no port", *port)
		}
	}
	return nil
}

func (c *Connection) address(port int) string { return net.JoinHostPort(c.IP, strconv.Itoa(port)) }
