package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huntbook/huntbook/jupyter"
)

// Spec finds a kernel of the server by name. The error when there is none names those
// that there are.
func (s *Server) Spec(name string) (jupyter.Spec, error) {
	var names []string
	for _, spec := range s.specs {
		if spec.Name == name {
			return spec, nil
		}
		names = append(names, spec.Name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return jupyter.Spec{}, fmt.Errorf("%w as %q; the server has none", jupyter.ErrNoKernel, name)
	}
	return jupyter.Spec{}, fmt.Errorf("%w as %q; the server has %s", jupyter.ErrNoKernel, name, strings.Join(names, ", "))
}

// Kernel is a kernel that runs on a server for us alone.
type Kernel struct {
	*jupyter.Client
	Info jupyter.KernelInfo

	server *Server
	// id and place are the server's ids of the kernel and of its session, session is
	// that of our messages.
	id, place, session string
	delete             sync.Once
}

var serverID = regexp.MustCompile(`^[\w-]{1,100}$`)

// Start starts a kernel in a folder of the server and waits until it is ready, as long
// as ctx lets it. Whoever starts a kernel must end it with Shutdown or Kill.
//
// The kernel's session is not that of a notebook, which a person might have open: it
// would then be theirs, with what ran on it before. It is one as consoles have, since
// without a session servers of Jupyter Notebook 6 know no folder.
func (s *Server) Start(ctx context.Context, name, folder string) (*Kernel, error) {
	k := &Kernel{server: s, session: jupyter.NewID()}
	body, err := json.Marshal(map[string]any{
		"path": path.Join(folder, "huntbook-"+k.session), "name": "huntbook", "type": "console", "kernel": map[string]string{"name": name},
	})
	if err != nil {
		return nil, err
	}
	var started struct {
		ID     string
		Kernel struct{ ID string }
	}
	if err := s.do(ctx, http.MethodPost, "api/sessions", "", body, &started); err != nil {
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	if k.place, k.id = started.ID, started.Kernel.ID; !serverID.MatchString(k.place) || !serverID.MatchString(k.id) {
		return nil, fmt.Errorf("kernel %s: %w", name, s.foreign(""))
	}
	if err := k.connect(ctx); err != nil {
		k.Kill()
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	return k, nil
}

func (k *Kernel) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go k.watch(ctx, cancel)
	c, err := k.server.dial(ctx, k.id, k.session)
	if err == nil {
		k.Client = jupyter.Over(k.session, c)
		var info *jupyter.KernelInfo
		if info, err = k.Client.Ready(ctx); err == nil {
			k.Info = *info
			return nil
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// watch ends the wait for a kernel that does not start: the server tries it several
// times, and meanwhile lets us wait.
func (k *Kernel) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var now struct {
			State string `json:"execution_state"`
		}
		err := k.server.get(ctx, "api/kernels/"+k.id, &now)
		var answer *answerError
		if now.State == "dead" || errors.As(err, &answer) && answer.status == http.StatusNotFound {
			cancel(fmt.Errorf("%w as it started; the server's log says why", jupyter.ErrDead))
		}
	}
}

// Execute runs a cell; see Client. A server leaves out outputs that come too fast, which
// is an error here.
func (k *Kernel) Execute(ctx context.Context, request jupyter.ExecuteRequest, each func(*jupyter.Message)) (*jupyter.ExecuteReply, error) {
	leftOut := ""
	reply, err := k.Client.Execute(ctx, request, func(m *jupyter.Message) {
		if m.Header.MsgType == "stream" && m.Header.Session == k.session {
			leftOut = tooFast(m)
		}
		each(m)
	})
	if err == nil && leftOut != "" {
		err = fmt.Errorf("the server left out outputs, which came too fast for it (ServerApp.%s)", leftOut)
	}
	return reply, err
}

// tooFast is the option that bounds outputs, if that is what a message of the server
// itself tells.
func tooFast(m *jupyter.Message) string {
	var said struct{ Text string }
	_ = m.Decode(&said)
	switch {
	case strings.HasPrefix(said.Text, "IOPub message rate exceeded"):
		return "iopub_msg_rate_limit"
	case strings.HasPrefix(said.Text, "IOPub data rate exceeded"):
		return "iopub_data_rate_limit"
	}
	return ""
}

// Exited is closed when the kernel, or the connection to it, has ended.
func (k *Kernel) Exited() <-chan struct{} { return k.Dead() }

// Interrupt stops the cell that runs. The cell's Execute returns by itself.
func (k *Kernel) Interrupt(ctx context.Context) error {
	return k.server.do(ctx, http.MethodPost, "api/kernels/"+k.id+"/interrupt", "", nil, nil)
}

// Shutdown ends the kernel.
func (k *Kernel) Shutdown(ctx context.Context) {
	k.delete.Do(func() {
		if k.Client != nil {
			k.Client.Close()
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for {
			err := k.server.do(ctx, http.MethodDelete, "api/sessions/"+k.place, "", nil, nil)
			var answer *answerError
			// A server that starts a kernel anew can't end it meanwhile. One that does
			// not answer at all has ended its kernels, most likely.
			if !errors.As(err, &answer) || answer.status < http.StatusInternalServerError {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
}

// Kill ends the kernel: the server asks it, then ends it by force.
func (k *Kernel) Kill() { k.Shutdown(context.Background()) }
