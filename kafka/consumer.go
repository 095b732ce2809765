package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Consumer reads a topic. It is for one goroutine.
type Consumer struct {
	config Config
	client *kgo.Client
	admin  *kadm.Client
	// ends are the offsets behind the last message of each partition, as they
	// were at the beginning.
	ends map[int32]int64
	run  []*kgo.Record
	// sources are the names of the partitions.
	sources map[int32]string
}

// The waits for brokers: for the first answer, for a run of messages when the end
// is looked for, and for a commit while brokers are away.
const (
	firstAnswer = 15 * time.Second
	endPoll     = 500 * time.Millisecond
	commitWait  = 5 * time.Minute
)

// Open joins the group. The error is one line: no broker there, no such topic.
func Open(ctx context.Context, c Config) (*Consumer, error) {
	if c.Most == 0 {
		c.Most = 5000
	}
	watch := &watch{away: map[string]bool{}}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("huntbook"),
		kgo.ConsumerGroup(c.Group),
		kgo.ConsumeTopics(c.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		// A partition goes to another member only between runs.
		kgo.BlockRebalanceOnPoll(),
		kgo.RebalanceTimeout(commitWait),
		// How long the partitions of a program that was killed lie idle.
		kgo.SessionTimeout(10 * time.Second),
		kgo.HeartbeatInterval(3 * time.Second),
		// Marks of transactions count as messages, so that the end can be told.
		kgo.KeepControlRecords(),
		kgo.WithHooks(watch),
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	k := &Consumer{config: c, client: client, admin: kadm.NewClient(client), sources: map[int32]string{}}
	if err := k.check(ctx); err != nil {
		client.Close()
		return nil, err
	}
	watch.tell(c.Notice)
	return k, nil
}

// check asks whether the topic is there, and where it ends.
func (c *Consumer) check(ctx context.Context) error {
	first, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel()
	if err := c.client.Ping(first); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("kafka: %s: %s; check the address, and whether the broker runs", strings.Join(c.config.Brokers, ", "), reason(err))
	}
	err := c.exists(first)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.InvalidTopicException):
		return fmt.Errorf("kafka: %s: there is no topic %q; %s", c.config.Brokers[0], c.config.Topic, c.others(first))
	case err != nil:
		return fmt.Errorf("kafka: the topic %s: %w", c.config.Topic, err)
	}
	if !c.config.Once {
		return nil
	}
	ends, err := c.admin.ListEndOffsets(first, c.config.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("kafka: the end of topic %s: %w", c.config.Topic, err)
	}
	c.ends = map[int32]int64{}
	starts, err := c.admin.ListStartOffsets(first, c.config.Topic)
	if err != nil {
		return fmt.Errorf("kafka: the beginning of topic %s: %w", c.config.Topic, err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if start, ok := starts.Lookup(o.Topic, o.Partition); !ok || start.Offset < o.Offset {
			c.ends[o.Partition] = o.Offset
		}
	})
	return nil
}

// exists asks for the topic, a few times, since brokers hear of a new one a little
// later.
func (c *Consumer) exists(ctx context.Context) error {
	for try := 1; ; try++ {
		topics, err := c.admin.ListTopics(ctx, c.config.Topic)
		if err == nil {
			err = topics[c.config.Topic].Err
		}
		if !errors.Is(err, kerr.UnknownTopicOrPartition) || try == 4 {
			return err
		}
		if err := pause(ctx, endPoll); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// others names the topics that there are.
func (c *Consumer) others(ctx context.Context) string {
	topics, err := c.admin.ListTopics(ctx)
	if err != nil {
		return "create it, or check its name"
	}
	names := topics.Names()
	switch {
	case len(names) == 0:
		return "the broker has none yet: send something to it first"
	case len(names) > 10:
		names = append(names[:10], "…")
	}
	return "there are " + strings.Join(names, ", ")
}

// reason is a network error in few words.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.As(err, &dns):
		return "there is no host " + dns.Name
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &op) && op.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection was closed (does the broker want TLS or a user, which huntbook does not speak?)"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// Next gives the next run of messages, at least one, waiting for it if need be. It
// returns io.EOF when reading Once and all is done. Next may be called again only
// after Done.
func (c *Consumer) Next(ctx context.Context) ([]Message, error) {
	for {
		if c.config.Once {
			if end, err := c.atEnd(ctx); end || err != nil {
				return nil, errors.Join(err, eof(end))
			}
		}
		poll, cancel := ctx, context.CancelFunc(func() {})
		if c.config.Once {
			poll, cancel = context.WithTimeout(ctx, endPoll)
		}
		fetches := c.client.PollRecords(poll, c.config.Most)
		cancel()
		if err := ctx.Err(); err != nil {
			c.client.AllowRebalance()
			return nil, context.Cause(ctx)
		}
		if err := failure(fetches); err != nil {
			c.client.AllowRebalance()
			return nil, fmt.Errorf("kafka: the topic %s: %w", c.config.Topic, err)
		}
		c.run = fetches.Records()
		messages := make([]Message, 0, len(c.run))
		for _, r := range c.run {
			if r.Attrs.IsControl() {
				continue
			}
			messages = append(messages, Message{Source: c.source(r), Offset: r.Offset, Value: r.Value})
		}
		if len(messages) > 0 {
			return messages, nil
		}
		if err := c.Done(ctx); err != nil {
			return nil, err
		}
	}
}

func eof(end bool) error {
	if end {
		return io.EOF
	}
	return nil
}

func (c *Consumer) source(r *kgo.Record) string {
	s := c.sources[r.Partition]
	if s == "" {
		s = r.Topic + "/" + strconv.Itoa(int(r.Partition))
		c.sources[r.Partition] = s
	}
	return s
}

// failure is the error among fetches that does not pass by itself.
func failure(fetches kgo.Fetches) error {
	for _, f := range fetches.Errors() {
		if !passes(f.Err) {
			return f.Err
		}
	}
	return nil
}

// passes tells of an error that the client gets over by itself: a broker that is
// away, another leader, messages that the broker has thrown away meanwhile.
func passes(err error) bool {
	var network net.Error
	var lost *kgo.ErrDataLoss
	var broker *kerr.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) ||
		errors.As(err, &network) || errors.As(err, &lost) || errors.As(err, &broker) && broker.Retriable
}

// atEnd tells whether the group has done all that was in the topic at the beginning.
func (c *Consumer) atEnd(ctx context.Context) (bool, error) {
	if len(c.ends) == 0 {
		return true, nil
	}
	done, err := c.admin.FetchOffsetsForTopics(ctx, c.config.Group, c.config.Topic)
	if err == nil {
		err = done.Error()
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		return false, nil //nolint:nilerr // the group's coordinator is away; it is asked again
	}
	for partition, end := range c.ends {
		o, ok := done.Lookup(c.config.Topic, partition)
		if !ok || o.At < end {
			return false, nil
		}
	}
	return true, nil
}

// Done tells the group that the last run is done, and waits for brokers that are
// away. When the group has given the messages to another member meanwhile, that one
// does them again, which is no error.
func (c *Consumer) Done(ctx context.Context) error {
	defer c.client.AllowRebalance()
	if len(c.run) == 0 {
		return nil
	}
	for end, wait := time.Now().Add(commitWait), endPoll; ; wait = min(2*wait, 10*time.Second) {
		err := c.client.CommitRecords(ctx, c.run...)
		switch {
		case err == nil, errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.RebalanceInProgress), errors.Is(err, kerr.FencedInstanceID):
			c.run = nil
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(end):
			return fmt.Errorf("kafka: %s takes no offsets of group %s: %w", c.config.Brokers[0], c.config.Group, err)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// Close leaves the group.
func (c *Consumer) Close() {
	c.client.AllowRebalance()
	c.client.Close()
}

// watch tells when a broker can't be reached, and when it can again.
type watch struct {
	notice func(string)
	mu     sync.Mutex
	away   map[string]bool
}

// tell makes it tell what happens from now on.
func (w *watch) tell(notice func(string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notice = notice
}

// OnBrokerConnect is called by the client.
func (w *watch) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	broker := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notice == nil || errors.Is(err, context.Canceled) {
		return
	}
	switch {
	case err != nil && !w.away[broker]:
		w.notice(fmt.Sprintf("kafka: %s: %s; waiting for it", broker, reason(err)))
	case err == nil && w.away[broker]:
		w.notice(fmt.Sprintf("kafka: %s is back", broker))
	}
	w.away[broker] = err != nil
}
