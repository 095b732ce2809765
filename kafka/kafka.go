// Package kafka reads events from a topic of a Kafka broker, and writes those that
// could not be stored to a topic beside it.
//
// A Consumer is a member of a consumer group. It gives messages in runs, and the
// group's offsets move on only when the caller says that a run is done: what was
// given out when the program ended, however it ended, is given out again. The
// package knows nothing of what messages hold. Data flows: topic → []Message →
// (the caller) → Done.
package kafka

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Config says where a topic is and who reads it.
type Config struct {
	// Brokers are host and port of some brokers, Topic the topic's name.
	Brokers []string
	Topic   string
	// Group is the consumer group that reads it.
	Group string
	// Once ends the reading at the end that the topic has when it begins.
	Once bool
	// Most is the greatest number of messages of a run, 0 for 5,000.
	Most int
	// Notice is told when a broker is lost and when it is back; nil is nobody.
	Notice func(string)
}

// ErrURL is wrapped by errors about an address.
var ErrURL = errors.New("no address of a topic")

// ParseURL reads "kafka://HOST:PORT,HOST:PORT/TOPIC". A broker without a port has
// 9092.
func ParseURL(text string) (brokers []string, topic string, err error) {
	bad := func() ([]string, string, error) {
		return nil, "", fmt.Errorf("%q is %w; write for example kafka://127.0.0.1:9092/winevent", text, ErrURL)
	}
	rest, ok := strings.CutPrefix(text, "kafka://")
	hosts, topic, slash := strings.Cut(rest, "/")
	if !ok || !slash || topic == "" || strings.ContainsAny(topic, "/?#@ ") || strings.Contains(hosts, "@") {
		return bad()
	}
	if topic, err = url.PathUnescape(topic); err != nil {
		return bad()
	}
	for _, h := range strings.Split(hosts, ",") {
		if h == "" || strings.ContainsAny(h, " ?#") {
			return bad()
		}
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(strings.Trim(h, "[]"), "9092")
		}
		brokers = append(brokers, h)
	}
	return brokers, topic, nil
}

// Message is one message of a topic.
type Message struct {
	// Source is the topic and its partition, "winevent/0"; Offset the message's
	// place there.
	Source string
	Offset int64
	Value  []byte
}
