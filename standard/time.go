package standard

import (
	"strings"
	"time"

	"github.com/huntbook/huntbook/event"
)

// parseTime reads "2019-05-18 20:43:42.991" and RFC 3339; a time without a zone
// is UTC.
func parseTime(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1678 && t.Year() <= 2261 {
			return t.UnixNano(), true
		}
	}
	return event.NoTime, false
}

// appendTime writes a time as Elasticsearch reads it: milliseconds, and what is
// below only when there is something.
func appendTime(dst []byte, nanoseconds int64) []byte {
	t := time.Unix(0, nanoseconds).UTC()
	if nanoseconds%1e6 == 0 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.999999999Z")
}
