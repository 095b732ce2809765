package servers_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/internal/servers"
)

func TestServersSayWhatTheyAre(t *testing.T) {
	for _, test := range []struct {
		name    string
		address func(testing.TB) string
		says    string
	}{
		{"elasticsearch", servers.Elasticsearch, `"number":"8.19.`},
		{"opensearch", servers.OpenSearch, `"distribution" : "opensearch"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if body := get(t, test.address(t)); !strings.Contains(body, test.says) {
				t.Errorf("the server says %s, want %s in it", body, test.says)
			}
		})
	}
}

func TestElasticsearchIsUsable(t *testing.T) {
	url := servers.Elasticsearch(t)
	if body := get(t, url+"/_license"); !strings.Contains(body, `"type" : "basic"`) && !strings.Contains(body, `"type":"basic"`) {
		t.Errorf("no basic licence: %s", body)
	}
	body := ask(t, http.MethodPost, url+"/_query", `{"query": "ROW a = 3 | EVAL b = a * 7"}`)
	if !strings.Contains(body, `[[3,21]]`) {
		t.Errorf("ES|QL answers %s", body)
	}
}

func TestOwnServerKeepsItsDataAndAddress(t *testing.T) {
	s := servers.Own(t, servers.OwnKafka)
	address := s.Address
	connects := func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	if !connects() {
		t.Fatal("a server that was started is not there")
	}
	s.Kill()
	if connects() {
		t.Fatal("a server that was killed is there")
	}
	s.Start()
	if s.Address != address {
		t.Errorf("started again at %s, want %s", s.Address, address)
	}
	s.Stop()
	if connects() {
		t.Fatal("a server that was stopped is there")
	}
}

func TestNamesDiffer(t *testing.T) {
	a := servers.Name(t)
	if b := servers.Name(t); a == b {
		t.Errorf("two names are %q", a)
	}
	if strings.ToLower(a) != a || strings.ContainsAny(a, `/\*?"<>| ,#:`) {
		t.Errorf("%q is no name of an index", a)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	return ask(t, http.MethodGet, url, "")
}

func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
