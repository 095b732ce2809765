package jupyter

// Carrier carries the messages of one kernel for somebody who has no sockets to it, as
// a Jupyter server does. A message is its parts: the header, the parent's header, the
// metadata, the content, and buffers if it has some. Nothing is signed.
type Carrier interface {
	// Send sends a message on a channel, "shell" or "control". Where it can't, Recv
	// has an error.
	Send(channel string, parts [][]byte)
	// Recv waits for a message of the kernel, on any channel. Its error says how the
	// connection ended, and is ErrDead if it was the kernel that ended.
	Recv() (channel string, parts [][]byte, err error)
	Close()
}

// NewID makes an id for Over that nobody else has.
func NewID() string { return newID() }

// Over talks to a kernel through a carrier. The id is that of the session, which a
// carrier may have to know before there is a client.
func Over(id string, carrier Carrier) *Client {
	c := newClient(&session{id: id, username: "huntbook"})
	c.shell, c.control = carried{carrier, "shell"}, carried{carrier, "control"}
	go func() {
		err := c.carry(carrier)
		c.once.Do(func() {
			c.died = func() error { return err }
			close(c.dead)
		})
	}()
	return c
}

// carry hands over what comes, until its end.
func (c *Client) carry(carrier Carrier) error {
	for {
		channel, parts, err := carrier.Recv()
		if err != nil {
			return err
		}
		m, err := c.session.decode(append([][]byte{delimiter, nil}, parts...))
		if err != nil {
			continue // not a message of a kernel
		}
		switch channel {
		case "shell", "control":
			c.answer(m)
		case "iopub":
			// A server starts a kernel that died anew, under the same id.
			var status statusContent
			if m.Header.MsgType == "status" && m.Decode(&status) == nil && (status.State == "restarting" || status.State == "dead") {
				return ErrDead
			}
			c.output(m)
		}
	}
}

// carried is one of the channels that a carrier carries.
type carried struct {
	carrier Carrier
	channel string
}

func (s carried) Send(frames [][]byte) { s.carrier.Send(s.channel, frames[2:]) } // behind delimiter and signature

func (s carried) Close() { s.carrier.Close() }
