package elastalertdsl

import (
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

func TestGolden(t *testing.T) { targettest.Golden(t, Target) }
