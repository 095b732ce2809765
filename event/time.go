package event

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// stampOrder is the order in which an event's own time stamps are believed.
// @timestamp comes before UtcTime although many flat Mordor datasets have local
// time in it (4 to 19 hours off, some on a 12-hour clock) or the time of
// arrival: only Sysmon's events have a UtcTime, and a dataset's rows must be on
// one clock, the one that Elasticsearch sorts and filters them by.
var stampOrder = []string{
	"TimeCreated.SystemTime",
	"@timestamp",
	"UtcTime",
	"TimeCreated",
	"EventTime",
	"eventTime",
	"time",
	"timestamp",
	"Timestamp",
	"creationTime",
	"CreationTime",
	"createdDateTime",
	"TimeGenerated",
	"ts",
}

const stampCount = 15 // places in the order, from 1

// utcTime is the place of the stamp that is UTC by definition.
const utcTime = 3

// stampOf returns the place in the order of the stamp at a path, 0 for none.
func stampOf(path string) int8 {
	if rest, ok := strings.CutPrefix(strings.TrimPrefix(path, "Event."), "System."); ok {
		path = plainAttributes.Replace(rest)
	}
	for _, data := range []string{"event_data.", "winlog.event_data.", "Event.EventData.", "EventData."} {
		if path == data+"UtcTime" {
			return utcTime
		}
	}
	for i, name := range stampOrder {
		if path == name {
			return int8(i) + 1
		}
	}
	return 0
}

// stamp returns the event's time in nanoseconds since 1970 UTC, or NoTime.
func (b *Builder) stamp() int64 {
	for place, i := range b.stamps {
		if i == 0 {
			continue
		}
		e := &b.scan.entries[i-1]
		var t int64
		var ok bool
		switch {
		case e.kind == Number:
			t, ok = parseUnix(b.text(e))
		case e.kind == String && place == utcTime:
			t, ok = parseTime(b.text(e), time.UTC)
		case e.kind == String:
			t, ok = parseTime(b.text(e), b.location)
		}
		if ok {
			return t
		}
	}
	return NoTime
}

// The years that fit into nanoseconds since 1970.
const firstYear, lastYear = 1678, 2261

// nanoseconds is a time bound as nanoseconds, clamped to what fits.
func nanoseconds(t time.Time) int64 {
	switch y := t.UTC().Year(); {
	case y < firstYear:
		return NoTime
	case y > lastYear:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// parseTime reads "2006-01-02T15:04:05.999999999Z07:00" and its relatives: a space
// instead of T, any number of digits of a second, no seconds' fraction, no zone.
func parseTime(s []byte, zone *time.Location) (int64, bool) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' && s[10] != 't' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	century, year := two(s[0:2]), two(s[2:4])
	month, day := two(s[5:7]), two(s[8:10])
	hour, minute, second := two(s[11:13]), two(s[14:16]), two(s[17:19])
	if century|year|month|day|hour|minute|second < 0 {
		return 0, false
	}
	if year += 100 * century; year < firstYear || year > lastYear ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	s = s[19:]
	nano := 0
	if len(s) > 1 && (s[0] == '.' || s[0] == ',') {
		s = s[1:]
		n := 0
		for scale := 100_000_000; n < len(s) && s[n]-'0' <= 9; n++ {
			nano += int(s[n]-'0') * scale
			scale /= 10
		}
		if n == 0 {
			return 0, false
		}
		s = s[n:]
	}
	offset, named, ok := parseZone(s)
	if !ok {
		return 0, false
	}
	if !named && zone != time.UTC {
		return time.Date(year, time.Month(month), day, hour, minute, second, nano, zone).UnixNano(), true
	}
	days := daysSince1970(year, month, day)
	return (int64(days)*86400+int64(hour*3600+minute*60+second-offset))*1e9 + int64(nano), true
}

// parseZone reads what follows a time: nothing, Z, UTC or an offset, which is
// returned in seconds.
func parseZone(s []byte) (offset int, named, ok bool) {
	if len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	switch {
	case len(s) == 0:
		return 0, false, true
	case len(s) == 1 && (s[0] == 'Z' || s[0] == 'z'), string(s) == "UTC", string(s) == "GMT":
		return 0, true, true
	case s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	minutes := 0
	switch {
	case len(s) == 6 && s[3] == ':':
		minutes = two(s[4:6])
	case len(s) == 5:
		minutes = two(s[3:5])
	case len(s) != 3:
		return 0, false, false
	}
	hours := two(s[1:3])
	if hours|minutes < 0 || hours > 23 || minutes > 59 {
		return 0, false, false
	}
	offset = hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// two reads two digits; what is none makes it negative.
func two(s []byte) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// daysSince1970 counts in the Gregorian calendar, in years that begin in March.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

func daysIn(year, month int) int {
	switch {
	case month == 2 && (year%4 != 0 || year%100 == 0 && year%400 != 0):
		return 28
	case month == 2:
		return 29
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// parseUnix reads seconds, milliseconds, microseconds or nanoseconds since 1970;
// how many digits there are tells which. Numbers before 1973 are no times: they
// are durations and counters.
func parseUnix(s []byte) (int64, bool) {
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || f < 1e8 || f >= 9e18 {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(string(s), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	unit := int64(1)
	for f < 1e17 {
		unit *= 1000
		f *= 1000
		if unit == 1e9 {
			break
		}
	}
	if n > math.MaxInt64/unit {
		return 0, false
	}
	t := n * unit
	for _, c := range fraction {
		if unit /= 10; unit == 0 {
			break
		}
		t += int64(c-'0') * unit
	}
	return t, true
}
