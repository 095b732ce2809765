package standard

import (
	"reflect"
	"strings"
	"testing"
)

// The description of the form names every key.
func TestFormIsDescribed(t *testing.T) {
	var all strings.Builder
	for _, k := range form {
		all.WriteString(k.key + "\n")
	}
	d := reflect.TypeFor[definition]()
	for i := range d.NumField() {
		if key := d.Field(i).Tag.Get("yaml"); !strings.Contains(all.String(), key) {
			t.Errorf("the key %s is not described", key)
		}
	}
}
