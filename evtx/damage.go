package evtx

import "strconv"

// Kind is what is damaged.
type Kind string

// The kinds.
const (
	BadHeader  Kind = "header"  // the file's header
	BadChunk   Kind = "chunk"   // a chunk's header or checksum
	BadRecord  Kind = "record"  // a record that can't be read
	NoRecord   Kind = "gap"     // no record where one should be
	Truncated  Kind = "cut off" // the file ends too early
	NoChunk    Kind = "no chunk"
	MissedSome Kind = "missing" // fewer records than the chunk's header counts
)

// Damage is one place that could not be read as it should.
type Damage struct {
	Kind Kind
	// Offset is where it begins in the stream, in bytes.
	Offset int64
	// Record is the id of the damaged record, 0 when it is not known.
	Record uint64
	// Reason is one clause for the user: "the checksum of … is wrong".
	Reason string
}

// String is the damage on one line, with its place.
func (d Damage) String() string {
	s := d.Reason + " (at byte " + strconv.FormatInt(d.Offset, 10)
	if d.Record > 0 {
		s += ", record " + strconv.FormatUint(d.Record, 10)
	}
	return s + ")"
}

// MaxDamage is how many places a Summary keeps; all are counted.
const MaxDamage = 100

// Summary says what was read and what could not be.
type Summary struct {
	// Records counts those that Next returned, Recovered those among them for
	// which no header and no valid checksum vouches.
	Records, Recovered int
	// Lost counts records that were found but can't be read. What lies in a
	// gap can't be counted.
	Lost int
	// Chunks counts the chunks that were found, BadChunks those among them
	// whose header or checksum is wrong, ExtraChunks those beyond the number
	// in the file's header.
	Chunks, BadChunks, ExtraChunks int
	// Dirty says that the file was copied while Windows had it open: its
	// headers may lag behind its records. Full says that the log has reached
	// its greatest size.
	Dirty, Full bool
	// Damages counts the damaged places; Damage holds the first of them.
	Damages int
	Damage  []Damage
}

// Summary says what was read up to here; it is complete after io.EOF.
func (r *Reader) Summary() Summary {
	s := r.summary
	s.Damage = append([]Damage(nil), s.Damage...)
	return s
}

func (r *Reader) damage(kind Kind, offset int64, record uint64, reason string) {
	r.summary.Damages++
	if len(r.summary.Damage) < MaxDamage {
		r.summary.Damage = append(r.summary.Damage, Damage{kind, offset, record, reason})
	}
}
