package notebook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// RuleRef names a rule for FileNames: the path of its file relative to the
// folder that was asked for, with any separators, and its place in the file
// from 1.
type RuleRef struct {
	Path     string
	Document int
}

// The bounds of a file name, in bytes.
const (
	maxPart = 120
	maxPath = 240
)

const ipynb = ".ipynb"

// FileNames returns the path of each rule's notebook, in the order of the
// rules: relative, with "/" between its parts. The folders of the rules are
// kept; no path leaves the folder, none collides with another on any file
// system (case and Unicode forms do not tell them apart), and none has a name
// that Windows reserves or that is too long. The same set of rules gets the same
// names, in whatever order it comes; a rule that is added can change only the
// name of one that it collides with.
func FileNames(rules []RuleRef) []string {
	order := make([]int, len(rules))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(strings.Compare(rules[a].Path, rules[b].Path), cmp.Compare(rules[a].Document, rules[b].Document))
	})
	names := make([]string, len(rules))
	taken := map[string]bool{}
	for _, i := range order {
		suffix := ""
		if rules[i].Document > 1 {
			suffix = fmt.Sprintf("-%d", rules[i].Document)
		}
		name := fileName(rules[i].Path, suffix)
		for n := 0; taken[fold(name)]; n++ {
			name = fileName(rules[i].Path, suffix+"-"+shortHash(fmt.Sprint(rules[i].Path, "\x00", rules[i].Document, "\x00", n)))
		}
		taken[fold(name)] = true
		names[i] = name
	}
	return names
}

// fileName makes one path; suffix stands before the extension.
func fileName(path, suffix string) string {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "." })
	if len(parts) == 0 {
		parts = []string{""}
	}
	folders, file := parts[:len(parts)-1], parts[len(parts)-1]
	for _, end := range []string{".yml", ".yaml"} {
		if len(file) > len(end) && strings.EqualFold(file[len(file)-len(end):], end) {
			file = file[:len(file)-len(end)]
			break
		}
	}
	file = shorten(safeName(file), maxPart-len(ipynb)-len(suffix)) + suffix + ipynb
	dir := make([]string, len(folders))
	for i, f := range folders {
		f = safeName(f)
		// A folder must not have the name that a notebook may have.
		if strings.HasSuffix(fold(f), ipynb) {
			f += "_"
		}
		dir[i] = shorten(f, maxPart)
	}
	return joinShort(dir, file)
}

// joinShort joins folders and file; of folders that make it too long the last
// ones become one, named by their hash.
func joinShort(folders []string, file string) string {
	whole := strings.Join(append(slices.Clone(folders), file), "/")
	if len(whole) <= maxPath {
		return whole
	}
	rest := "_" + shortHash(strings.Join(folders, "/")) + "/" + file
	kept := ""
	for _, f := range folders {
		if len(kept)+len(f)+1+len(rest) > maxPath {
			break
		}
		kept += f + "/"
	}
	return kept + rest
}

// safeName makes one part of a path safe on every file system.
func safeName(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, "_"))
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*/\`, r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return '_'
		}
		return r
	}, s)
	s = strings.TrimRight(strings.TrimLeft(s, " "), " .")
	if strings.HasPrefix(s, ".") {
		s = "_" + s[1:]
	}
	if s == "" || isReserved(s) {
		s = "_" + s
	}
	return s
}

// isReserved tells whether Windows takes the name for a device: CON, NUL, COM1
// and their like, whatever follows a dot.
func isReserved(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	number, isPort := strings.CutPrefix(base, "COM")
	if !isPort {
		number, isPort = strings.CutPrefix(base, "LPT")
	}
	return isPort && number != "" && strings.Contains("0123456789¹²³", number)
}

// shorten cuts a name that has more bytes than that and marks it with its hash.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	mark := "-" + shortHash(s)
	cut := limit - len(mark)
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return strings.TrimRight(s[:cut], " .") + mark
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// fold returns a key that is equal for paths which some file system takes for the
// same.
func fold(s string) string {
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	return strings.ToLower(strings.ToUpper(s))
}
