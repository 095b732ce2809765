package ship_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/internal/servers"
	"github.com/huntbook/huntbook/kafka"
	"github.com/huntbook/huntbook/ship"
	"github.com/huntbook/huntbook/sink"
	"github.com/huntbook/huntbook/standard"
)

func helk(t testing.TB) *standard.Standard {
	t.Helper()
	s, err := standard.Load("helk")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keeper is a sink that keeps what it gets, and refuses and fails as it is told.
type keeper struct {
	stored map[string]string
	// refuses tells what it does not take, fails when it takes nothing at all.
	refuses func(json string) bool
	fails   func() error
}

func newKeeper() *keeper {
	return &keeper{stored: map[string]string{}, refuses: func(string) bool { return false }, fails: func() error { return nil }}
}

func (k *keeper) Prepare(context.Context, []standard.Template) error { return nil }

func (k *keeper) Send(_ context.Context, docs []standard.Document) (sink.Result, error) {
	var r sink.Result
	if err := k.fails(); err != nil {
		return r, err
	}
	for _, d := range docs {
		_, known := k.stored[d.ID]
		switch {
		case k.refuses(string(d.JSON)):
			r.Refused = append(r.Refused, sink.Refused{Doc: d, Err: errors.New("does not fit")})
		case known:
			r.Known++
		default:
			k.stored[d.ID] = string(d.JSON)
			r.Stored++
		}
	}
	return r, nil
}

// letters keeps dead letters in memory.
type letters struct{ all []sink.Dead }

func (l *letters) Keep(_ context.Context, dead []sink.Dead) error {
	l.all = append(l.all, dead...)
	return nil
}

func events(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"Channel":"Security","EventID":4624,"@timestamp":"2024-03-05T15:04:06Z","TargetUserName":"user%d"}`, i)
	}
	return lines
}

func read(t *testing.T, lines ...string) *ingest.Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := ingest.Open(t.Context(), []string{path}, ingest.Options{BatchRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestFiles(t *testing.T) {
	k := newKeeper()
	k.refuses = func(json string) bool { return strings.Contains(json, `"user7"`) }
	dead := &letters{}
	lines := append(events(95), `{"broken":`, events(3)[2])
	o := ship.Options{Standard: helk(t), Sink: k, Dead: dead, Workers: 1}
	out, err := ship.Files(t.Context(), read(t, lines...), o)
	if err != nil {
		t.Fatal(err)
	}
	if out.Events != 96 || out.Stored != 94 || out.Known != 1 || out.Refused != 1 || out.Broken != 1 || out.Files.Files != 1 {
		t.Errorf("%+v", out)
	}
	if len(dead.all) != 1 || dead.all[0].Record != 8 || string(dead.all[0].Event) != lines[7] || dead.all[0].Reason != "does not fit" ||
		!strings.HasSuffix(dead.all[0].Source, "events.json") {
		t.Errorf("dead letters: %+v", dead.all)
	}
	if len(out.Reasons) != 1 || out.Reasons[0].Count != 1 || out.Reasons[0].First.Record != 8 {
		t.Errorf("reasons: %+v", out.Reasons)
	}
	// Again: nothing is new.
	out, err = ship.Files(t.Context(), read(t, lines...), o)
	if err != nil || out.Stored != 0 || out.Known != 95 {
		t.Errorf("again: %+v, %v", out, err)
	}
}

// An error ends it, and the outcome tells what was done until then.
func TestFilesFail(t *testing.T) {
	k := newKeeper()
	calls := 0
	gone := errors.New("gone")
	k.fails = func() error {
		if calls++; calls > 3 {
			return gone
		}
		return nil
	}
	out, err := ship.Files(t.Context(), read(t, events(100)...), ship.Options{Standard: helk(t), Sink: k, Workers: 1})
	if !errors.Is(err, gone) || out.Stored != 30 {
		t.Errorf("%+v, %v", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ship.Files(ctx, read(t, events(100)...), ship.Options{Standard: helk(t), Sink: newKeeper()}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// topic makes a topic with the messages in one partition.
func topic(t *testing.T, messages ...string) kafka.Config {
	t.Helper()
	broker, name := servers.Kafka(t), servers.Name(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	made, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, name)
	if err == nil {
		err = made.Err
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = kadm.NewClient(client).DeleteTopics(context.Background(), name, name+".dead")
		client.Close()
	})
	var records []*kgo.Record
	for _, m := range messages {
		records = append(records, &kgo.Record{Topic: name, Value: []byte(m)})
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return kafka.Config{Brokers: []string{broker}, Topic: name, Group: name, Once: true, Most: 10}
}

func shipTopic(t *testing.T, c kafka.Config, o ship.Options) (*ship.Outcome, error) {
	t.Helper()
	consumer, err := kafka.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	return ship.Topic(t.Context(), consumer, event.Options{}, o)
}

// Broken messages and refused events become dead letters; all else is stored, and
// nothing comes again.
func TestTopic(t *testing.T) {
	messages := append(events(40), "broken", `[1]`, "", " ", `{"a":1}`+"\n")
	c := topic(t, messages...)
	k := newKeeper()
	k.refuses = func(json string) bool { return strings.Contains(json, `"user7"`) }
	dead := &letters{}
	o := ship.Options{Standard: helk(t), Sink: k, Dead: dead}
	out, err := shipTopic(t, c, o)
	if err != nil {
		t.Fatal(err)
	}
	if out.Events != 41 || out.Stored != 40 || out.Refused != 1 || out.Broken != 2 {
		t.Errorf("%+v", out)
	}
	var got []string
	for _, d := range dead.all {
		got = append(got, fmt.Sprintf("%s %d %s: %s", strings.TrimPrefix(d.Source, c.Topic), d.Record, d.Reason, d.Event))
	}
	want := "/0 7 does not fit: " + messages[7] + "\n/0 40 a value is missing (byte 1): broken\n/0 41 a JSON value that is not an object: [1]"
	if strings.Join(got, "\n") != want {
		t.Errorf("dead letters:\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if out, err = shipTopic(t, c, o); err != nil || out.Events != 0 {
		t.Errorf("again: %+v, %v", out, err)
	}
}

// Offsets move on only when the events are stored.
func TestTopicFails(t *testing.T) {
	c := topic(t, events(35)...)
	k := newKeeper()
	calls := 0
	gone := errors.New("gone")
	k.fails = func() error {
		if calls++; calls == 3 {
			return gone
		}
		return nil
	}
	o := ship.Options{Standard: helk(t), Sink: k}
	if out, err := shipTopic(t, c, o); !errors.Is(err, gone) || out.Stored != 20 {
		t.Errorf("%+v, %v", out, err)
	}
	out, err := shipTopic(t, c, o)
	if err != nil || out.Events != 15 || out.Stored != 15 || len(k.stored) != 35 {
		t.Errorf("again: %+v, %v; %d stored", out, err, len(k.stored))
	}
}

// failingLetters can't keep anything: then the message must come again.
type failingLetters struct{}

func (failingLetters) Keep(context.Context, []sink.Dead) error { return errors.New("disk full") }

func TestDeadLetterFails(t *testing.T) {
	c := topic(t, "broken")
	o := ship.Options{Standard: helk(t), Sink: newKeeper(), Dead: failingLetters{}}
	if _, err := shipTopic(t, c, o); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v", err)
	}
	dead := &letters{}
	o.Dead = dead
	if out, err := shipTopic(t, c, o); err != nil || out.Broken != 1 || len(dead.all) != 1 {
		t.Errorf("again: %+v, %v", out, err)
	}
}

// A document's id and text do not depend on whether it comes from a file or a topic.
func TestSameFromFilesAndTopic(t *testing.T) {
	lines := events(20)
	files, messages := newKeeper(), newKeeper()
	if _, err := ship.Files(t.Context(), read(t, lines...), ship.Options{Standard: helk(t), Sink: files, Workers: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := shipTopic(t, topic(t, lines...), ship.Options{Standard: helk(t), Sink: messages}); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(files.stored)
	b, _ := json.Marshal(messages.stored)
	if string(a) != string(b) || len(files.stored) != 20 {
		t.Errorf("files %s\ntopic %s", a, b)
	}
}
