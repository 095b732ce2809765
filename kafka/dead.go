package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/huntbook/huntbook/sink"
)

// DeadTopic keeps dead letters in a topic, which is made when the first one comes:
// each message is the record as it came, with the headers reason, source and record.
type DeadTopic struct {
	client *kgo.Client
	topic  string
	made   bool
}

// DeadTopic returns the topic of that name on the consumer's brokers.
func (c *Consumer) DeadTopic(topic string) (*DeadTopic, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.config.Brokers...), kgo.ClientID("huntbook"), kgo.ProducerBatchMaxBytes(64<<20))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &DeadTopic{client: client, topic: topic}, nil
}

// Keep sends the letters and waits until the brokers have them.
func (d *DeadTopic) Keep(ctx context.Context, letters []sink.Dead) error {
	if len(letters) == 0 {
		return nil
	}
	if !d.made {
		made, err := kadm.NewClient(d.client).CreateTopic(ctx, 1, -1, nil, d.topic)
		if err == nil {
			err = made.Err
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("kafka: the topic %s for dead letters can't be made: %w; name a file with --dead-letter", d.topic, err)
		}
		d.made = true
	}
	records := make([]*kgo.Record, len(letters))
	for i, l := range letters {
		records[i] = &kgo.Record{Topic: d.topic, Value: l.Event, Headers: []kgo.RecordHeader{
			{Key: "reason", Value: []byte(l.Reason)},
			{Key: "source", Value: []byte(l.Source)},
			{Key: "record", Value: []byte(strconv.Itoa(l.Record))},
		}}
	}
	if err := d.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("kafka: the topic %s for dead letters: %w", d.topic, err)
	}
	return nil
}

// Close ends the connection.
func (d *DeadTopic) Close() { d.client.Close() }
