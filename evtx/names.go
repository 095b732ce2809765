package evtx

// names gives numbers to the keys of JSON objects: the names of elements and
// attributes, and of Data elements. It lives on from chunk to chunk, since names
// are the same in most.
type names struct {
	ids   map[string]int32 // by key
	utf16 map[string]int32 // by the name as the chunk has it
	keys  []string         // `"Name":`
	bytes int              // in keys
	buf   []byte
}

// Ids of names that the JSON's shape depends on.
const (
	nameData int32 = iota
	nameName
	nameEventData
	nameUserData
)

// Bounds on what the names of a file may take; then they are forgotten.
const (
	maxNames     = 1 << 15
	maxNameBytes = 4 << 20
)

func (n *names) reset() {
	*n = names{ids: map[string]int32{}, utf16: map[string]int32{}, buf: n.buf}
	for _, key := range []string{"Data", "Name", "EventData", "UserData"} {
		n.id([]byte(key))
	}
}

func (n *names) full() bool {
	return len(n.keys) > maxNames || len(n.utf16) > maxNames || n.bytes > maxNameBytes
}

// ofUTF16 is the id of a name in UTF-16.
func (n *names) ofUTF16(name []byte) int32 {
	if id, ok := n.utf16[string(name)]; ok {
		return id
	}
	n.buf = appendUTF16(n.buf[:0], name)
	id := n.id(n.buf)
	n.utf16[string(name)] = id
	n.bytes += len(name)
	return id
}

// id is the id of a name that is escaped for JSON already.
func (n *names) id(name []byte) int32 {
	if id, ok := n.ids[string(name)]; ok {
		return id
	}
	id := int32(len(n.keys))
	n.ids[string(name)] = id
	n.keys = append(n.keys, `"`+string(name)+`":`)
	n.bytes += 2 * len(name)
	return id
}
