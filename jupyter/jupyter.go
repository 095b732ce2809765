// Package jupyter is Jupyter's messaging protocol 5.4, for both sides of it.
//
// A client finds a kernel (FindSpec), starts its process (Start) or connects to one
// that runs (Connect), executes cells, and makes outputs of what comes back
// (Recorder). A kernel reads its connection file and serves (Serve) what a Handler
// knows. Nothing that is not signed with the connection's key is believed, and sizes
// are bounded on both sides. The package knows nothing of any language that kernels
// speak, nor of notebooks beyond the form of an output. Data flows: zmtp frames →
// signed Message → Client or Server, and back.
package jupyter

import (
	"github.com/huntbook/huntbook/internal/atomicfile"
	"github.com/huntbook/huntbook/jupyter/zmtp"
)

// Bounds of what a kernel may be sent, and of what it may send.
var (
	serverBounds = zmtp.Bounds{Message: 16 << 20}
	clientBounds = zmtp.Bounds{Message: 256 << 20}
)

func writeFile(file string, data []byte) error { return atomicfile.Write(file, data) }
