package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/kafka"
	"github.com/huntbook/huntbook/sink"
)

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ text, brokers, topic string }{
		{"kafka://h:9093/t", "h:9093", "t"},
		{"kafka://h/t.x-y_z", "h:9092", "t.x-y_z"},
		{"kafka://a:1,b/t", "a:1 b:9092", "t"},
		{"kafka://[::1]/t", "[::1]:9092", "t"},
		{"http://h/t", "", ""},
		{"kafka://h", "", ""},
		{"kafka://h/", "", ""},
		{"kafka:///t", "", ""},
		{"kafka://h/t/u", "", ""},
		{"kafka://u:p@h/t", "", ""},
		{"kafka://h,,i/t", "", ""},
		{"", "", ""},
	} {
		brokers, topic, err := kafka.ParseURL(c.text)
		if strings.Join(brokers, " ") != c.brokers || topic != c.topic || (err != nil) != (c.topic == "") || err != nil && !errors.Is(err, kafka.ErrURL) {
			t.Errorf("%q: %q %q %v", c.text, brokers, topic, err)
		}
	}
}

// topic makes a topic with some partitions.
func topic(t *testing.T, broker string, partitions int32) string {
	t.Helper()
	name := servers.Name(t)
	client := producer(t, broker)
	made, err := kadm.NewClient(client).CreateTopic(t.Context(), partitions, 1, nil, name)
	if err == nil {
		err = made.Err
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = kadm.NewClient(producer(t, broker)).DeleteTopic(context.Background(), name) })
	return name
}

func producer(t *testing.T, broker string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// produce sends the numbers from one to another.
func produce(t *testing.T, broker, topic string, from, to int) {
	t.Helper()
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte(strconv.Itoa(i))})
	}
	if err := producer(t, broker).ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, c kafka.Config) *kafka.Consumer {
	t.Helper()
	consumer, err := kafka.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(consumer.Close)
	return consumer
}

// rest reads to the end and gives the values.
func rest(t *testing.T, c *kafka.Consumer) []int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var all []int
	defer c.Close()
	for {
		messages, err := c.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, values(t, messages)...)
		if err := c.Done(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func values(t *testing.T, messages []kafka.Message) []int {
	var all []int
	for _, m := range messages {
		n, err := strconv.Atoi(string(m.Value))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func sameNumbers(t *testing.T, got []int, n int) {
	t.Helper()
	got = slices.Sorted(slices.Values(got))
	if !slices.Equal(got, numbers(n)) {
		t.Errorf("%d numbers, %d of them different, want each of %d once", len(got), len(slices.Compact(got)), n)
	}
}

// Once ends at the end; the next one of the group goes on from there, another group
// begins anew.
func TestOnce(t *testing.T) {
	broker := servers.Kafka(t)
	name := topic(t, broker, 3)
	c := kafka.Config{Brokers: []string{broker}, Topic: name, Group: name, Once: true, Most: 7}
	if got := rest(t, open(t, c)); len(got) != 0 {
		t.Errorf("an empty topic gives %v", got)
	}
	produce(t, broker, name, 0, 100)
	sameNumbers(t, rest(t, open(t, c)), 100)
	if got := rest(t, open(t, c)); len(got) != 0 {
		t.Errorf("what was done comes again: %v", got)
	}
	c.Group += "-2"
	sameNumbers(t, rest(t, open(t, c)), 100)
}

// What is not done is given out again.
func TestNotDone(t *testing.T) {
	broker := servers.Kafka(t)
	name := topic(t, broker, 1)
	produce(t, broker, name, 0, 30)
	c := kafka.Config{Brokers: []string{broker}, Topic: name, Group: name, Once: true, Most: 10}
	first, err := kafka.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	one, err := first.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Next(t.Context()); err != nil { // and not done
		t.Fatal(err)
	}
	first.Close()
	sameNumbers(t, append(values(t, one), rest(t, open(t, c))...), 30)
}

// A member that comes takes partitions over, between runs; together they do all.
func TestRebalance(t *testing.T) {
	broker := servers.Kafka(t)
	name := topic(t, broker, 4)
	c := kafka.Config{Brokers: []string{broker}, Topic: name, Group: name, Once: true, Most: 5}
	produce(t, broker, name, 0, 400)
	var mu sync.Mutex
	seen := map[int]bool{}
	var members sync.WaitGroup
	member := func(consumer *kafka.Consumer, started chan<- bool) {
		for {
			messages, err := consumer.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			for _, n := range values(t, messages) {
				seen[n] = true
			}
			mu.Unlock()
			select {
			case started <- true:
			default:
			}
			if err := consumer.Done(t.Context()); err != nil {
				t.Error(err)
				return
			}
		}
	}
	started := make(chan bool, 1)
	first := open(t, c)
	members.Go(func() { member(first, started) })
	<-started
	second := open(t, c)
	members.Go(func() { member(second, nil) })
	members.Wait()
	if len(seen) != 400 {
		t.Errorf("%d of 400 messages were given out", len(seen))
	}
}

// A broker that restarts in the middle loses nothing, and is told of.
func TestBrokerRestarts(t *testing.T) {
	server := servers.Own(t, servers.OwnKafka)
	name := topic(t, server.Address, 1)
	produce(t, server.Address, name, 0, 50)
	var notices []string
	var mu sync.Mutex
	c := open(t, kafka.Config{Brokers: []string{server.Address}, Topic: name, Group: name, Once: true, Most: 10, Notice: func(s string) {
		mu.Lock()
		defer mu.Unlock()
		notices = append(notices, s)
	}})
	one, err := c.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	// The broker is away while the run is done: that waits for it.
	done := make(chan error)
	go func() { done <- c.Done(t.Context()) }()
	server.Start()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sameNumbers(t, append(values(t, one), rest(t, c)...), 50)
	mu.Lock()
	defer mu.Unlock()
	for _, n := range notices {
		if strings.Contains(n, "\n") || !strings.HasPrefix(n, "kafka: ") {
			t.Errorf("notice %q", n)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	broker := servers.Kafka(t)
	there := topic(t, broker, 1)
	for _, c := range []struct{ broker, topic, want string }{
		{broker, there + "x", "there is no topic \"" + there + "x\"; there are "},
		{"127.0.0.1:1", there, "127.0.0.1:1: the connection was refused; check the address"},
		{"no-such-host.invalid:9092", there, "there is no host no-such-host.invalid"},
	} {
		_, err := kafka.Open(t.Context(), kafka.Config{Brokers: []string{c.broker}, Topic: c.topic, Group: "g"})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s/%s: error %v, want %s", c.broker, c.topic, err, c.want)
		}
	}
}

func TestDeadTopic(t *testing.T) {
	broker := servers.Kafka(t)
	name := topic(t, broker, 1)
	consumer := open(t, kafka.Config{Brokers: []string{broker}, Topic: name, Group: name})
	dead, err := consumer.DeadTopic(name + ".dead")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	t.Cleanup(func() { _, _ = kadm.NewClient(producer(t, broker)).DeleteTopic(context.Background(), name+".dead") })
	for i := range 2 {
		if err := dead.Keep(t.Context(), []sink.Dead{{Source: name + "/0", Record: i, Reason: "why", Event: []byte("{x")}}); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(name+".dead"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var got []string
	for len(got) < 2 {
		for _, r := range reader.PollFetches(t.Context()).Records() {
			text := string(r.Value)
			for _, h := range r.Headers {
				text += fmt.Sprintf(" %s=%s", h.Key, h.Value)
			}
			got = append(got, text)
		}
	}
	if want := "{x reason=why source=" + name + "/0 record=1"; got[1] != want {
		t.Errorf("%q, want %q", got[1], want)
	}
}
