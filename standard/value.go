package standard

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// take makes texts of a text; none when there is nothing to make.
type take func(string) []string

// function is a take with its name in a standard.
type function struct {
	name, prose string
	take        take
}

// functions are what derived and rewritten fields may be made with.
var functions = []function{
	{"account-domain", `what stands before the backslash of DOMAIN\name`, func(s string) []string { return before(s, `\`) }},
	{"account-name", `what stands behind the backslash of DOMAIN\name`, func(s string) []string { return behind(s, `\`) }},
	{"addresses", "the IP addresses in the results of Sysmon's DNS queries, a list", addresses},
	{"as-it-is", "the same", some},
	{"ends-in-dollar", "true or false", func(s string) []string { return []string{strconv.FormatBool(strings.HasSuffix(s, "$"))} }},
	{"extension", "of a path, without the dot", func(s string) []string { return some(strings.TrimPrefix(path.Ext(lastPart(s)), ".")) }},
	{"folder", "of a path", func(s string) []string { return some(s[:max(strings.LastIndexAny(s, `\/`), 0)]) }},
	{"hexadecimal", "the same if it begins with 0x, else nothing", hexadecimal},
	{"last-part", "of a path", func(s string) []string { return some(lastPart(s)) }},
	{"lower-case", "the same in lower case", func(s string) []string { return some(strings.ToLower(s)) }},
	{"registry-hive", "HKLM of a registry path", func(s string) []string { return some(hives[firstPart(s)]) }},
	{"registry-key", "a registry path without its hive", registryKey},
	{"registry-string", "Sysmon's Details, DWORD and QWORD as numbers", registryString},
	{"registry-type", "the type of Sysmon's Details", registryType},
	{"without-braces", "a GUID without braces", func(s string) []string { return some(strings.Trim(s, "{}")) }},
}

// functionNames lists the functions for messages.
func functionNames() string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// take returns the function of that name, or the one that looks into the table.
func (s *Standard) take(name string) (take, bool) {
	if i := slices.IndexFunc(functions, func(f function) bool { return f.name == name }); i >= 0 {
		return functions[i].take, true
	}
	table, ok := s.def.Tables[name]
	return func(value string) []string { return some(table[value]) }, ok
}

// some is the text unless it is empty.
func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func before(s, mark string) []string {
	s, _, found := strings.Cut(s, mark)
	if !found {
		return nil
	}
	return some(s)
}

func behind(s, mark string) []string {
	_, s, _ = strings.Cut(s, mark)
	return some(s)
}

func firstPart(s string) string {
	s, _, _ = strings.Cut(s, `\`)
	return s
}

func lastPart(s string) string { return s[strings.LastIndexAny(s, `\/`)+1:] }

func isHex(s string) bool { return len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') }

func hexadecimal(s string) []string {
	if !isHex(s) {
		return nil
	}
	return []string{s}
}

// hives are the short names of the registry's hives.
var hives = map[string]string{
	"HKEY_CLASSES_ROOT": "HKCR", "HKCR": "HKCR",
	"HKEY_CURRENT_CONFIG": "HKCC", "HKCC": "HKCC",
	"HKEY_CURRENT_USER": "HKCU", "HKCU": "HKCU",
	"HKEY_LOCAL_MACHINE": "HKLM", "HKLM": "HKLM",
	"HKEY_USERS": "HKU", "HKU": "HKU",
}

func registryKey(s string) []string {
	if hives[firstPart(s)] == "" {
		return nil
	}
	return behind(s, `\`)
}

// registryString is what Sysmon's Details say, numbers without their frame.
func registryString(s string) []string {
	if _, number, ok := registryNumber(s); ok {
		return []string{number}
	}
	return some(s)
}

func registryType(s string) []string {
	kind, _, ok := registryNumber(s)
	switch {
	case ok:
		return []string{kind}
	case s == "":
		return nil
	case s == "Binary Data":
		return []string{"REG_BINARY"}
	}
	return []string{"REG_SZ"}
}

// registryNumber reads "DWORD (0x00000001)" and "QWORD (0x00000000-0x00000001)".
func registryNumber(s string) (kind, number string, ok bool) {
	for _, frame := range []string{"DWORD (", "QWORD ("} {
		inner, found := strings.CutPrefix(s, frame)
		if inner, closed := strings.CutSuffix(inner, ")"); found && closed && isHex(inner) {
			n, err := strconv.ParseUint(strings.ReplaceAll(inner[2:], "-0x", ""), 16, 64)
			return "SZ_" + frame[:5], strconv.FormatUint(n, 10), err == nil
		}
	}
	return "", "", false
}

// addresses are the IP addresses of Sysmon's QueryResults: "type:  5 a.example;
// ::ffff:10.0.0.1;" and the like.
func addresses(s string) []string {
	var found []string
	for part := range strings.SplitSeq(s, ";") {
		if a, err := netip.ParseAddr(strings.TrimSpace(part)); err == nil {
			found = append(found, a.Unmap().String())
		}
	}
	return found
}

// fieldType says how a field's values are written.
type fieldType uint8

const (
	textType fieldType = iota
	keywordType
	longType
	booleanType
	dateType
	ipType
)

var fieldTypes = map[string]fieldType{
	"keyword": keywordType, "long": longType, "boolean": booleanType, "date": dateType, "ip": ipType,
}

// fit writes a text as a value of the type; false when it is none. Numbers and
// booleans come without quotes.
func (t fieldType) fit(s string) (value string, bare, ok bool) {
	switch t {
	case longType:
		value, ok = integer(s)
		return value, true, ok
	case booleanType:
		value = strings.ToLower(s)
		return value, true, value == "true" || value == "false"
	case dateType:
		value, ok = date(s)
		return value, false, ok
	case ipType:
		value, ok = address(s)
		return value, false, ok
	}
	return s, false, true
}

// integer reads decimal and hexadecimal numbers that fit into 64 bits with sign.
func integer(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if isHex(s) {
		n, err := strconv.ParseUint(s[2:], 16, 63)
		return strconv.FormatUint(n, 10), err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return strconv.FormatInt(n, 10), err == nil
}

// date reads the times of Windows events, which are UTC.
func date(s string) (string, bool) {
	t, ok := parseTime(s)
	if !ok {
		return "", false
	}
	return string(appendTime(nil, t)), true
}

// address reads an IP address as Windows writes it: with a zone, in brackets
// with a port, or mapped into version 6.
func address(s string) (string, bool) {
	s = strings.TrimSpace(s)
	a, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return "", false
		}
		a = withPort.Addr()
	}
	if a.Is4In6() {
		return a.Unmap().String(), true
	}
	if zone := a.Zone(); zone != "" {
		return strings.TrimSuffix(s, "%"+zone), true
	}
	if a.String() == s {
		return s, true
	}
	return a.WithZone("").String(), true
}
