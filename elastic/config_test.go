package elastic

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	id := "hunt:" + base64.StdEncoding.EncodeToString([]byte("eu.example.org$abc$kib"))
	port := "hunt:" + base64.StdEncoding.EncodeToString([]byte("eu.example.org:9243$abc$kib"))
	for _, c := range []struct {
		config     Config
		want, auth string
	}{
		{Config{Addresses: []string{"http://es:9200"}}, "http://es:9200", ""},
		{Config{Addresses: []string{"https://es:9200/search/"}}, "https://es:9200/search", ""},
		{Config{Addresses: []string{"https://bob:pa%2Fss@es:9200/"}}, "https://es:9200", "Basic " + basic("bob:pa/ss")},
		{Config{Addresses: []string{"https://bob:x@es:9200"}, User: "eve", Password: "y"}, "https://es:9200", "Basic " + basic("eve:y")},
		{Config{Addresses: []string{"https://bob:x@es:9200"}, APIKey: "a2V5"}, "https://es:9200", "ApiKey a2V5"},
		{Config{Addresses: []string{"https://es"}, APIKey: "id:key"}, "https://es", "ApiKey " + basic("id:key")},
		{Config{Addresses: []string{"https://es"}, Token: "t0k"}, "https://es", "Bearer t0k"},
		{Config{Addresses: []string{"https://es"}, User: "bob"}, "https://es", "Basic " + basic("bob:")},
		{Config{CloudID: id}, "https://abc.eu.example.org:443", ""},
		{Config{CloudID: port}, "https://abc.eu.example.org:9243", ""},
	} {
		urls, auth, err := c.config.resolve()
		if err != nil {
			t.Errorf("%+v: %v", c.config, err)
			continue
		}
		if urls[0].String() != c.want || auth != c.auth {
			t.Errorf("%+v: got %s, %q, want %s, %q", c.config, urls[0], auth, c.want, c.auth)
		}
	}
}

func basic(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "there is no address"},
		{Config{Addresses: []string{"es:9200"}}, `"es:9200" is no address of a cluster`},
		{Config{Addresses: []string{"ftp://bob:secret@es"}}, `"ftp://es" is no address`},
		{Config{Addresses: []string{"https://bob:sec%ret@es:9200"}}, `"https://es:9200" is no address`},
		{Config{Addresses: []string{"https://bob:sec/ret@es:9200"}}, `"https://es:9200" is no address`},
		{Config{CloudID: "hunt:secret"}, "the cloud id is none"},
		{Config{CloudID: "hunt:" + basic("host"), Addresses: []string{"http://es"}}, "not both"},
		{Config{Addresses: []string{"http://es"}, User: "bob", APIKey: "secret"}, "give one of"},
		{Config{Addresses: []string{"http://es"}, Token: "secret\nsecret"}, "the token holds spaces"},
		{Config{Addresses: []string{"http://es"}, CAFile: "config_test.go"}, "config_test.go holds no certificate"},
		{Config{Addresses: []string{"http://es"}, CAFile: "nowhere.pem"}, "nowhere.pem"},
		{Config{Addresses: []string{"http://es"}, CertFile: "nowhere.pem"}, "the client's certificate"},
		{Config{Addresses: []string{"http://es"}, Fingerprint: "abc"}, "is no SHA-256"},
	} {
		_, err := New(c.config)
		if err == nil || !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.config, err, c.want)
		} else if strings.Contains(err.Error(), "sec") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func TestRedact(t *testing.T) {
	for address, want := range map[string]string{
		"https://es:9200":                    "https://es:9200",
		"https://bob:secret@es:9200":         "https://es:9200",
		"https://bob:se/cr@et@es:9200/x":     "https://es:9200/x",
		"https://bob:secret@es:9200/x@y":     "https://es:9200/x@y",
		"bob:secret@es":                      "es",
		"https://bob%:secret@es:9200/logs-*": "https://es:9200/logs-*",
		"https://user@es:9200":               "https://es:9200",
	} {
		if got := Redact(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
