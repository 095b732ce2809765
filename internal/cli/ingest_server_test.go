package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/huntbook/huntbook/internal/servers"
)

// program is the command line as a program of its own, which can be killed.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// TestMain runs the command line under this name.
	path := filepath.Join(t.TempDir(), "huntbook")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, args...)
}

// succeed runs the program to its end and gives its standard error.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	cmd := program(t, args...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("huntbook %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// seedFile is the dataset of the original walk-through.
func seedFile(t *testing.T, name string) string {
	t.Helper()
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(shared, "corpus", "seed", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("the corpus is not here: HUNTBOOK_SHARED says where it is")
	}
	return path
}

// seedLines is the dataset unpacked, an event a line.
func seedLines(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed.json")
	var out, problems bytes.Buffer
	// Without a standard events are printed as they came.
	code := Main(t.Context(), []string{"ingest", "-q", "--standard", "none", "--to", "-", seedFile(t, "empire_elevated_wmi.tar.gz")}, Streams{In: strings.NewReader(""), Out: &out, Err: &problems})
	if code != 0 || bytes.Count(out.Bytes(), []byte("\n")) != seedEvents {
		t.Fatalf("exit code %d\n%s", code, problems.String())
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const seedEvents = 3089

// own is HELK's standard with indices that no other test uses; they end with the
// test. It returns its file and the pattern of the indices.
func own(t *testing.T, urls ...string) (path, indices string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "standard", "builtin", "helk.yml"))
	if err != nil {
		t.Fatal(err)
	}
	prefix := servers.Name(t)
	text := strings.NewReplacer("logs-endpoint-winevent-{log}-", prefix+"-{log}-", "logs-indexme-", prefix+"-indexme-").Replace(string(data))
	path = filepath.Join(t.TempDir(), prefix+".yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, url := range urls {
			for _, thing := range []string{prefix + "-*", "_index_template/huntbook-" + prefix} {
				req, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, url+"/"+thing, nil)
				if err != nil {
					continue
				}
				if resp, err := http.DefaultClient.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}
		}
	})
	return path, prefix + "-*"
}

// get asks a server and reads the JSON that it answers.
func get(t *testing.T, url string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %v %s", url, err, body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}

func documentCount(t *testing.T, url, indices string) int {
	t.Helper()
	get(t, url+"/"+indices+"/_refresh", nil)
	var out struct{ Count int }
	get(t, url+"/"+indices+"/_count", &out)
	return out.Count
}

// brokerClient is a client of a broker.
func brokerClient(t *testing.T, broker string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// produceLines sends each line of a file as a message, with kcat where there is one,
// as the walk-through does.
func produceLines(t *testing.T, broker, topic, path string) {
	t.Helper()
	if kcat, err := exec.LookPath("kcat"); err == nil {
		out, err := exec.Command(kcat, "-t", topic, "-b", broker, "-P", "-l", path).CombinedOutput()
		if err != nil {
			t.Fatalf("kcat: %v\n%s", err, out)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var records []*kgo.Record
	for line := range bytes.Lines(data) {
		records = append(records, &kgo.Record{Topic: topic, Value: bytes.TrimSpace(line)})
	}
	if err := brokerClient(t, broker).ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func makeTopic(t *testing.T, broker, topic string, partitions int32) {
	t.Helper()
	made, err := kadm.NewClient(brokerClient(t, broker)).CreateTopic(t.Context(), partitions, 1, nil, topic)
	if err == nil {
		err = made.Err
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The whole chain of the original post: kcat feeds a broker, which restarts in the
// middle; the events get HELK's standard and land in Elasticsearch, and the rule's
// query finds its three.
func TestChain(t *testing.T) {
	url := servers.Elasticsearch(t)
	broker := servers.Own(t, servers.OwnKafka)
	lines := seedLines(t)
	std, indices := own(t, url)
	const topic = "winevent"
	makeTopic(t, broker.Address, topic, 1)
	data, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	// A half, a broken message, and the other half once the broker was away.
	half := len(data)/2 + bytes.IndexByte(data[len(data)/2:], '\n') + 1
	halves := [2]string{filepath.Join(t.TempDir(), "first.json"), filepath.Join(t.TempDir(), "second.json")}
	for i, part := range [][]byte{append([]byte("{broken\n"), data[:half]...), data[half:]} {
		if err := os.WriteFile(halves[i], part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	produceLines(t, broker.Address, topic, halves[0])

	ingester := program(t, "ingest", "--from", "kafka://"+broker.Address+"/"+topic, "--standard", std, "--to", url, "--group", "chain")
	var problems bytes.Buffer
	ingester.Stderr = &problems
	if err := ingester.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- ingester.Wait() }()
	waitFor := func(what string, holds func() bool) {
		t.Helper()
		for end := time.Now().Add(3 * time.Minute); !holds(); time.Sleep(100 * time.Millisecond) {
			select {
			case err := <-ended:
				t.Fatalf("waiting for %s: huntbook ended: %v\n%s", what, err, problems.String())
			default:
			}
			if time.Now().After(end) {
				t.Fatalf("waiting for %s took too long\n%s", what, problems.String())
			}
		}
	}
	firstHalf := bytes.Count(data[:half], []byte("\n"))
	waitFor("the first half", func() bool { return documentCount(t, url, indices) == firstHalf })
	broker.Kill()
	broker.Start()
	produceLines(t, broker.Address, topic, halves[1])
	waitFor("the second half", func() bool { return documentCount(t, url, indices) == seedEvents })
	if err := ingester.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it ended by itself")
	}
	if n := documentCount(t, url, indices); n != seedEvents {
		t.Errorf("%d documents, want %d", n, seedEvents)
	}

	var query bytes.Buffer
	rule := seedFile(t, "sysmon_wmi_event_subscription.yml")
	if code := Main(t.Context(), []string{"convert", "-t", "es-qs", "-p", "helk", rule}, Streams{In: strings.NewReader(""), Out: &query, Err: io.Discard}); code != 0 {
		t.Fatalf("convert: exit code %d", code)
	}
	var found struct {
		Hits struct{ Total struct{ Value int } }
	}
	get(t, url+"/"+indices+"/_search?q="+urlEscape(strings.TrimSpace(query.String())), &found)
	if found.Hits.Total.Value != 3 {
		t.Errorf("%s has %d hits, want 3", query.String(), found.Hits.Total.Value)
	}

	// The broken message is beside, with its reason.
	reader, err := kgo.NewClient(kgo.SeedBrokers(broker.Address), kgo.ConsumeTopics(topic+".dead-letter"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	dead := reader.PollRecords(t.Context(), 10).Records()
	if len(dead) != 1 || string(dead[0].Value) != "{broken" || len(dead[0].Headers) == 0 || dead[0].Headers[0].Key != "reason" {
		t.Errorf("dead letters: %v", dead)
	}
}

func urlEscape(s string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", "+", "%2B", "&", "%26", "#", "%23", `"`, "%22", `\`, "%5C").Replace(s)
}

// killed is how many moments a run is killed at.
const killed = 20

// killAt runs the program until it has sent so many bulk requests and some time
// more, and kills it then. Whether it was still running is told.
func killAt(t *testing.T, requests *atomic.Int32, after int32, more time.Duration, args ...string) bool {
	t.Helper()
	cmd := program(t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	for from := requests.Load(); requests.Load()-from < after; time.Sleep(time.Millisecond) {
		select {
		case <-ended:
			return false
		default:
		}
	}
	select {
	case <-ended:
		return false
	case <-time.After(more):
	}
	_ = cmd.Process.Kill()
	<-ended
	return true
}

// counting is a proxy before a cluster that counts the bulk requests.
func counting(t *testing.T, url string) (address string, requests *atomic.Int32) {
	requests = &atomic.Int32{}
	return servers.NewProxy(t, url, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/_bulk") {
			requests.Add(1)
		}
		return 0, ""
	}}).URL, requests
}

// An ingester of files that is killed at any moment and run again has each event
// stored once.
func TestKilledOverFiles(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	url, requests := counting(t, upstream)
	std, indices := own(t, upstream)
	args := []string{"ingest", seedFile(t, "empire_elevated_wmi.tar.gz"), "--standard", std, "--to", url}
	hit := 0
	for i := range killed {
		if killAt(t, requests, int32(i%4), time.Duration(i)*5*time.Millisecond, args...) {
			hit++
		}
	}
	if hit < killed/2 {
		t.Errorf("only %d of %d runs were killed before they ended", hit, killed)
	}
	succeed(t, args...)
	if n := documentCount(t, upstream, indices); n != seedEvents {
		t.Errorf("%d documents, want %d", n, seedEvents)
	}
}

// The same from a topic: what was not acknowledged comes again, what was does not.
func TestKilledOverTopic(t *testing.T) {
	upstream, broker := servers.Elasticsearch(t), servers.Kafka(t)
	url, requests := counting(t, upstream)
	std, indices := own(t, upstream)
	topic := servers.Name(t)
	makeTopic(t, broker, topic, 2)
	produceLines(t, broker, topic, seedLines(t))
	args := []string{"ingest", "--from", "kafka://" + broker + "/" + topic, "--standard", std, "--to", url, "--group", topic, "--once"}
	hit := 0
	for i := range killed {
		if killAt(t, requests, int32(i%3), time.Duration(i)*5*time.Millisecond, args...) {
			hit++
		}
		evict(t, broker, topic)
	}
	if hit < killed/2 {
		t.Errorf("only %d of %d runs were killed before they ended", hit, killed)
	}
	succeed(t, args...)
	if n := documentCount(t, upstream, indices); n != seedEvents {
		t.Errorf("%d documents, want %d", n, seedEvents)
	}
	if out := succeed(t, args...); !strings.Contains(out, "0 events stored") {
		t.Errorf("the topic was done, and again: %s", out)
	}
}

// evict tells the broker that a group's members are gone, which it would find out
// by itself ten seconds later.
func evict(t *testing.T, broker, group string) {
	t.Helper()
	client := brokerClient(t, broker)
	groups := describe(t, kadm.NewClient(client), group)
	for _, member := range groups[group].Members {
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = group
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = member.MemberID
		leave.Members = append(leave.Members, m)
		if _, err := leave.RequestWith(t.Context(), client); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// describe asks again while the broker has no coordinator for the group: before the
// first group joins there is none, and the client gives up after a second.
func describe(t *testing.T, admin *kadm.Client, group string) kadm.DescribedGroups {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		groups, err := admin.DescribeGroups(ctx, group)
		if err == nil {
			return groups
		}
		if !kerr.IsRetriable(err) {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// What is wrong on the way into a cluster is told in one line, what was done before
// stays, and the exit code is 1.
func TestIngestTellsWhatIsWrong(t *testing.T) {
	upstream := servers.Elasticsearch(t)
	authority := servers.NewAuthority(t)
	events := filepath.Join(t.TempDir(), "events.json")
	text := `{"Channel":"Security","EventID":4624,"@timestamp":"2024-03-05T15:04:06Z"}`
	if err := os.WriteFile(events, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	std, _ := own(t, upstream)
	answers := func(path string, status int, body string) string {
		return servers.NewProxy(t, upstream, servers.ProxyOptions{Answer: func(r *http.Request) (int, string) {
			if strings.HasSuffix(r.URL.Path, path) {
				return status, body
			}
			return 0, ""
		}}).URL
	}
	expired := authority.Issue(time.Now().Add(-time.Hour), "127.0.0.1")
	for _, c := range []struct {
		name, url string
		more      []string
		want      string
	}{
		{"wrong password", answers("/", 401, `{"error":{"type":"security_exception","reason":"no"}}`), nil, "wants to know who asks; give a user and password"},
		{"expired certificate", servers.NewProxy(t, upstream, servers.ProxyOptions{TLS: &tls.Config{Certificates: []tls.Certificate{expired.Certificate}}}).URL, []string{"--ca", authority.File}, "its certificate expired on "},
		{"not Elasticsearch", answers("/", 200, `{"hello":"world"}`), nil, "is neither Elasticsearch nor OpenSearch"},
		{"no permission for templates", answers("huntbook-"+strings.TrimSuffix(filepath.Base(std), ".yml"), 403, `{"error":{"type":"security_exception","reason":"unauthorized"}}`), nil, "manage_index_templates"},
		{"no permission to write", answers("/_bulk", 403, `{"error":{"type":"security_exception","reason":"unauthorized"}}`), nil, "does not allow this: unauthorized"},
		{"no such index", answers("/_bulk", 200, `{"errors":true,"items":[{"create":{"_index":"i","status":404,"error":{"type":"index_not_found_exception","reason":"no such index [i] and [action.auto_create_index] is [false]"}}}]}`), nil, "no such index [i]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			code := Main(t.Context(), append([]string{"ingest", events, "--standard", std, "--to", c.url}, c.more...), Streams{In: strings.NewReader(""), Out: &out, Err: &problems})
			if text := problems.String(); code != exitFailed || !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "huntbook: ") {
				t.Errorf("exit code %d, %q; want %q", code, text, c.want)
			}
		})
	}
	t.Run("a document that does not fit", func(t *testing.T) {
		std, indices := own(t, upstream)
		dead := filepath.Join(t.TempDir(), "dead.ndjson")
		var problems bytes.Buffer
		ingest := func(line string) int {
			problems.Reset()
			if err := os.WriteFile(events, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			return Main(t.Context(), []string{"ingest", events, "--standard", std, "--to", upstream, "--dead-letter", dead}, Streams{In: strings.NewReader(""), Out: io.Discard, Err: &problems})
		}
		if code := ingest(`{"eventTime":"2024-03-05T15:04:06Z","x":"text"}`); code != exitOK {
			t.Fatalf("exit code %d: %s", code, problems.String())
		}
		bad, good := `{"eventTime":"2024-03-05T15:04:06Z","x":{"y":1}}`, `{"eventTime":"2024-03-05T15:04:06Z","x":"more"}`
		code := ingest(bad + "\n" + good)
		for _, want := range []string{"1 event could not be stored: ", "the first is " + events + " #1: " + bad, "all of them are in " + dead, "1 event stored", "1 refused"} {
			if !strings.Contains(problems.String(), want) {
				t.Errorf("%q is not in\n%s", want, problems.String())
			}
		}
		var letter struct{ Event, Reason string }
		data, err := os.ReadFile(dead)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &letter); err != nil || letter.Event != bad || letter.Reason == "" {
			t.Errorf("letter %s (%v)", data, err)
		}
		if n := documentCount(t, upstream, indices); code != exitFailed || n != 2 {
			t.Errorf("exit code %d, %d documents", code, n)
		}
	})
}
