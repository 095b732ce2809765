package match

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// literals finds which of many texts occur in a value, whatever the case of
// ASCII letters, in a pass or a few over the value.
//
// Of every text some windows of up to eight bytes are taken. At positions of the
// value as many bytes are hashed, letters in lower case, into a bit set that
// stays in the cache; only where the bit is set a table is looked up and the text
// compared. Long texts need not be looked for at every position: with a stride of
// eight, eight windows of the text, one after the other, are in the table, and one
// of these must stand at a position that is looked at. So texts are put into
// classes by their length. The texts are folded; the value may be.
type literals struct {
	texts   []string
	classes []class
	longest int // of the texts, in bytes
}

// class holds the texts that are looked for with one stride.
type class struct {
	size, stride int    // of the windows, and between positions
	mask         uint64 // of the bytes that belong to a window
	filter       []uint64
	shift        uint8 // of the hash, so that it indexes filter's bits
	// entries stand in the order of their hash; starts says where those begin
	// whose hash has the same leading bits, all but startShift.
	entries    []window
	starts     []uint32
	startShift uint8
}

// window is a text and where a window stands in it.
type window struct {
	key    uint64
	text   int32
	offset int32
}

// The greatest stride, and how many classes there may be.
const maxStride, maxClasses = 16, 3

func newLiterals(texts []string) *literals {
	l := &literals{texts: texts}
	order := make([]int32, len(texts))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return len(texts[a]) - len(texts[b]) })
	for _, t := range texts {
		l.longest = max(l.longest, len(t))
	}
	for _, members := range classify(texts, order) {
		l.classes = append(l.classes, newClass(texts, members))
	}
	return l
}

// windowFrequency is about how often a window of so many bytes, taken from a
// text, stands at a place of a value.
var windowFrequency = [9]float64{1: 3e-2, 2: 6e-3, 3: 1e-3, 4: 3e-4, 5: 1e-4, 6: 3e-5, 7: 1e-5, 8: 4e-6}

// plan gives windows and stride for so many texts of which the shortest has that
// length, and what a byte of a value then costs: to look at a position costs 1, to
// look into the table 15.
func plan(shortest, texts int) (size, stride int, cost float64) {
	for w := 1; w <= min(shortest, 8); w++ {
		s := min(shortest-w+1, maxStride)
		if c := (1 + 15*float64(texts*s)*windowFrequency[w]) / float64(s); size == 0 || c < cost {
			size, stride, cost = w, s, c
		}
	}
	return size, stride, cost
}

// classify cuts the texts, which are ordered by length, so that as few positions
// as possible have to be looked at.
func classify(texts []string, order []int32) [][]int32 {
	var starts []int // where a new length begins
	for i := range order {
		if i == 0 || len(texts[order[i]]) != len(texts[order[i-1]]) {
			starts = append(starts, i)
		}
	}
	// best[k][i] is the least cost of the texts from starts[i] on in k classes,
	// next[k][i] where the second of these begins.
	n := len(starts)
	cost := func(i, j int) float64 {
		end := len(order)
		if j < n {
			end = starts[j]
		}
		_, _, c := plan(len(texts[order[starts[i]]]), end-starts[i])
		return c + 0.02
	}
	best, next := make([][]float64, maxClasses+1), make([][]int, maxClasses+1)
	for k := 1; k <= maxClasses; k++ {
		best[k], next[k] = make([]float64, n), make([]int, n)
		for i := range n {
			best[k][i], next[k][i] = cost(i, n), n
			for j := i + 1; k > 1 && j < n; j++ {
				if c := cost(i, j) + best[k-1][j]; c < best[k][i] {
					best[k][i], next[k][i] = c, j
				}
			}
		}
	}
	var classes [][]int32
	for i, k := 0, maxClasses; i < n; k-- {
		j := next[k][i]
		end := len(order)
		if j < n {
			end = starts[j]
		}
		classes = append(classes, order[starts[i]:end])
		i = j
	}
	return classes
}

func newClass(texts []string, members []int32) class {
	c := class{}
	c.size, c.stride, _ = plan(len(texts[members[0]]), len(members))
	c.mask = 1<<(8*c.size) - 1
	count := len(members) * c.stride
	filterBits := min(22, max(12, bits.Len(uint(count*8))))
	startBits := min(filterBits, bits.Len(uint(count)))
	c.shift, c.startShift = uint8(64-filterBits), uint8(64-startBits)
	c.filter = make([]uint64, 1<<(filterBits-6))
	c.starts = make([]uint32, 1<<startBits+1)
	unordered := make([]window, 0, count)
	shared := sharedWindows(texts, members)
	for _, i := range members {
		t := texts[i]
		first := rarestPiece(t, c.size+c.stride-1, shared)
		for offset := first; offset < first+c.stride; offset++ {
			w := window{load(t, offset) & c.mask, i, int32(offset)}
			unordered = append(unordered, w)
			h := hash(w.key)
			c.filter[h>>c.shift>>6] |= 1 << (h >> c.shift & 63)
			c.starts[h>>c.startShift+1]++
		}
	}
	for i := range len(c.starts) - 1 {
		c.starts[i+1] += c.starts[i]
	}
	at := slices.Clone(c.starts)
	c.entries = make([]window, count)
	for _, w := range unordered {
		h := hash(w.key) >> c.startShift
		c.entries[at[h]] = w
		at[h]++
	}
	return c
}

// lowerBits make ASCII letters of a window lower case; other bytes may change
// too, in texts and values alike.
const lowerBits = 0x2020202020202020

// load reads eight bytes, or what there is of them.
func load(s string, at int) uint64 {
	if at+8 <= len(s) {
		return load8(s[at:at+8]) | lowerBits
	}
	if len(s) >= 8 {
		return load8(s[len(s)-8:])>>(8*(at+8-len(s))) | lowerBits
	}
	var key uint64
	for i := 0; at+i < len(s); i++ {
		key |= uint64(s[at+i]) << (8 * i)
	}
	return key | lowerBits
}

func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func hash(key uint64) uint64 { return key * 0x9E3779B97F4A7C15 }

// marks tell which texts were found in the current value.
type marks struct {
	at  []uint32
	now uint32
}

func (m *marks) begin(texts int) {
	if len(m.at) < texts {
		m.at, m.now = make([]uint32, texts), 0
	}
	if m.now++; m.now == 0 {
		clear(m.at)
		m.now = 1
	}
}

// recent is the long value of a column that was searched last, and where the
// texts that it holds end. Long values of one program's events, as PowerShell's
// ContextInfo, begin alike: what was found there needs no search.
type recent struct {
	value []byte
	found []foundText
}

type foundText struct {
	text int32
	end  int
}

// The lengths of values that are worth remembering.
const shortestRecent, longestRecent = 512, 64 << 10

// find calls found once for every text that occurs in the value. The recent value
// may be nil.
func (l *literals) find(value string, m *marks, last *recent, found func(text int32)) {
	m.begin(len(l.texts))
	if last == nil || len(value) < shortestRecent || len(value) > longestRecent {
		for i := range l.classes {
			l.findClass(&l.classes[i], value, 0, m, func(text int32, _ int) { found(text) })
		}
		return
	}
	shared := sharedLength(last.value, value)
	known := last.found
	last.found = last.found[:0]
	note := func(text int32, end int) {
		last.found = append(last.found, foundText{text, end})
		found(text)
	}
	for _, f := range known {
		if f.end <= shared {
			m.at[f.text] = m.now
			note(f.text, f.end)
		}
	}
	last.value = append(last.value[:0], value...)
	for i := range l.classes {
		l.findClass(&l.classes[i], value, max(0, shared-l.longest), m, note)
	}
}

// sharedLength is how many bytes two values begin with alike, rounded down.
func sharedLength(a []byte, b string) int {
	n := 0
	for n+8 <= len(a) && n+8 <= len(b) && binary.LittleEndian.Uint64(a[n:]) == load8(b[n:n+8]) {
		n += 8
	}
	return n
}

// findClass looks for the texts of a class that end behind from.
func (l *literals) findClass(c *class, value string, from int, m *marks, found func(text int32, end int)) {
	filter, shift, stride, mask := c.filter, c.shift&63, c.stride, c.mask
	i := from
	for ; i+8 <= len(value); i += stride {
		key := (load8(value[i:i+8]) | lowerBits) & mask
		h := hash(key) >> shift
		if filter[h>>6]&(1<<(h&63)) != 0 {
			l.compare(c, value, i, key, m, found)
		}
	}
	for ; i+c.size <= len(value); i += stride {
		key := load(value, i) & mask
		h := hash(key) >> shift
		if filter[h>>6]&(1<<(h&63)) != 0 {
			l.compare(c, value, i, key, m, found)
		}
	}
}

// compare looks at the texts that have the window that stands at i.
func (l *literals) compare(c *class, value string, i int, key uint64, m *marks, found func(text int32, end int)) {
	bucket := hash(key) >> c.startShift
	for _, w := range c.entries[c.starts[bucket]:c.starts[bucket+1]] {
		if w.key != key || m.at[w.text] == m.now {
			continue
		}
		t := l.texts[w.text]
		from := i - int(w.offset)
		if from >= 0 && from+len(t) <= len(value) && equalLower(value[from:from+len(t)], t) {
			m.at[w.text] = m.now
			found(w.text, from+len(t))
		}
	}
}

// equalLower tells whether a value equals a text of the same length that has no
// ASCII capitals, whatever the case of the value's ASCII letters.
func equalLower(value, lower string) bool {
	i := 0
	for ; i+8 <= len(value) && i+8 <= len(lower); i += 8 {
		if lowerWord(load8(value[i:i+8])) != load8(lower[i:i+8]) {
			return false
		}
	}
	for ; i < len(value); i++ {
		c := value[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// lowerWord makes the ASCII letters among eight bytes lower case.
func lowerWord(w uint64) uint64 {
	const high, low7 = 0x8080808080808080, 0x7F7F7F7F7F7F7F7F
	// A byte's high bit is set where it is at least 'A', or above 'Z'.
	atLeastA := (w & low7) + 0x3F3F3F3F3F3F3F3F
	aboveZ := (w & low7) + 0x2525252525252525
	return w | (atLeastA&^aboveZ&^w&high)>>2
}

// windowCounts tell by hash how many windows of four bytes are alike.
type windowCounts [1 << 14]uint16

func windowHash(s string, at int) uint64 { return hash(load(s, at)&(1<<32-1)) >> 50 }

func (w *windowCounts) add(text string, n uint16) {
	for i := 0; i+4 <= len(text); i++ {
		if c := &w[windowHash(text, i)]; *c < 1<<15 {
			*c += n
		}
	}
}

// sharedWindows counts the windows of the texts, those of names that logs are
// full of more than others.
func sharedWindows(texts []string, members []int32) *windowCounts {
	counts := *commonWindows
	for _, i := range members {
		counts.add(texts[i], 1)
	}
	return &counts
}

var commonWindows = func() *windowCounts {
	var counts windowCounts
	counts.add(commonNames, 16)
	return &counts
}()

// rarestPiece is the offset of the piece of that length that logs hold, and
// other texts share, least often.
func rarestPiece(t string, length int, shared *windowCounts) int {
	if len(t) == length {
		return 0
	}
	// The score of a piece is that of the one before it, with a byte and a window
	// more at its end and one less at its start.
	score := 0
	add := func(at, sign int) { score += sign * int(commonness[t[at]]) }
	window := func(at, sign int) { score += sign * 3 * int(shared[windowHash(t, at)]) }
	for i := range length {
		add(i, 1)
		if i+4 <= length {
			window(i, 1)
		}
	}
	best, bestScore := 0, score
	for from := 1; from+length <= len(t); from++ {
		add(from-1, -1)
		add(from+length-1, 1)
		if length >= 4 {
			window(from-1, -1)
			window(from+length-4, 1)
		}
		if score < bestScore {
			best, bestScore = from, score
		}
	}
	return best
}

const commonNames = `\windows\system32\ \program files (x86)\ \windowspowershell\v1.0\ \microsoft.net\framework64\
c:\users\administrator\appdata\local\temp\ \programdata\ powershell.exe svchost.exe explorer.exe cmd.exe .exe .dll
hklm\software\microsoft\windows nt\currentversion\ hkcu\ hkey_local_machine system\currentcontrolset\control\services\
security-auditing eventid channel provider name process account logon domain version computer hostname keywords
message severity userid host application parameter value name= command script path policy settings service
wow6432node classes clsid interface explorer internet settings `

// commonness ranks bytes by how often they stand in paths, command lines and
// scripts; the ranks need not be exact, only tell common from rare.
var commonness = func() (ranks [256]uint8) {
	for i := range ranks {
		switch c := byte(i); {
		case strings.IndexByte(` \esitonr`, c) >= 0:
			ranks[i] = 10
		case strings.IndexByte(".xdcmwalpu", c) >= 0:
			ranks[i] = 8
		case c >= 'a' && c <= 'z' || c == '-' || c == '/' || c == ':' || c == '0':
			ranks[i] = 6
		case c >= '1' && c <= '9':
			ranks[i] = 5
		default:
			ranks[i] = 3
		}
	}
	return ranks
}()
