package quantity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// quantityKeys are the fields that are a quantity or a map of quantities, in
// every object that is read. A test compares them with the types.
var quantityKeys = map[string]bool{
	"requests": true, "limits": true, "overhead": true, "capacity": true, "allocatable": true,
	"allocatedResources": true, "sizeLimit": true, "divisor": true, "quantity": true, "perPod": true, "perContainer": true,
}

var absurdQuantity = regexp.MustCompile(`^\s*[+-]?[0-9.]+[eE][+-]?[0-9]{4,}\s*$`)

// maxQuantity is the length of the longest quantity that is believed.
const maxQuantity = 256

// CheckJSON refuses an object whose quantities are very long, or have an
// exponent of four digits.
func CheckJSON(raw []byte) error {
	if !mayBeAbsurd(raw) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) == nil {
		return walkQuantities(v, false)
	}
	// No JSON holds no quantity that could reach the parser. What is wrong with
	// it will be said by whoever needs it.
	return nil
}

func walkQuantities(v any, quantity bool) error {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err := walkQuantities(v[k], quantity || quantityKeys[k]); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := walkQuantities(e, quantity); err != nil {
				return err
			}
		}
	case string:
		return absurd(v, quantity)
	case json.Number:
		return absurd(v.String(), quantity)
	}
	return nil
}

func absurd(s string, quantity bool) error {
	if quantity && (len(s) > maxQuantity || absurdQuantity.MatchString(s)) {
		return fmt.Errorf("the quantity %.40q is out of all bounds", s)
	}
	return nil
}

// mayBeAbsurd is a quick look at the bytes that lets nearly every object
// pass: there is no number that long or with such an exponent, and no letter
// or digit is hidden behind an escape.
func mayBeAbsurd(raw []byte) bool {
	digits := 0
	for i := 1; i+4 < len(raw); i++ {
		switch c := raw[i]; {
		case numeric(c):
			if digits++; digits > maxQuantity/2 {
				return true
			}
			continue
		case c == 'e' || c == 'E':
			if exponent(raw, i) {
				return true
			}
		case c == 'u' && raw[i-1] == '\\' && raw[i+1] == '0' && raw[i+2] == '0' && raw[i+3] >= '2' && raw[i+3] <= '7':
			switch string(raw[i+3 : i+5]) {
			case "3c", "3e", "26", "3C", "3E": // what Go escapes for HTML
			default:
				return true
			}
		}
		digits = 0
	}
	return false
}

// exponent reports whether the letter at i stands between a whole number and
// four or more digits that nothing follows.
func exponent(raw []byte, i int) bool {
	from := i
	for from > 0 && numeric(raw[from-1]) {
		from--
	}
	to := i + 1
	if to < len(raw) && (raw[to] == '+' || raw[to] == '-') {
		to++
	}
	digits := to
	for to < len(raw) && raw[to] >= '0' && raw[to] <= '9' {
		to++
	}
	return from < i && to-digits >= 4 && edge(raw, from-1) && edge(raw, to)
}

func numeric(c byte) bool { return c >= '0' && c <= '9' || c == '.' || c == '+' || c == '-' }

// edge reports whether the byte at i may stand beside a value. A backslash
// may: an escaped tab is white space to the parser.
func edge(raw []byte, i int) bool {
	return i < 0 || i >= len(raw) || bytes.IndexByte([]byte("\" \t\r\n:,[]{}\\nrt"), raw[i]) >= 0
}
