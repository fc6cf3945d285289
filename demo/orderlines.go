package demo

import (
	"fmt"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// checkLines holds the lines of an order against their rules. The bounds also
// keep the sum of an order well inside 64 bits.
func (v *violations) checkLines(lines []*demov1.OrderLine) {
	if len(lines) > 100 {
		return // told already, and 100 more violations help nobody
	}
	for i, line := range lines {
		at := fmt.Sprintf("lines[%d].", i)
		price := line.GetUnitPrice()
		v.check(line.GetSku() != "" && len(line.GetSku()) <= 64, at+"sku", "must be 1 to 64 bytes")
		v.check(len(line.GetTitle()) <= 200, at+"title", "must be at most 200 bytes")
		v.check(line.GetQuantity() >= 1 && line.GetQuantity() <= 1000, at+"quantity", "must be 1 to 1000")
		v.check(capitals(price.GetCurrency(), 3), at+"unit_price.currency", "must be three capital letters")
		v.check(price.GetCurrency() == lines[0].GetUnitPrice().GetCurrency(), at+"unit_price.currency", "must be the same in all lines")
		v.check(price.GetUnits() >= 0 && price.GetUnits() <= 1e9, at+"unit_price.units", "must be 0 to 1000000000")
		v.check(price.GetNanos() >= 0 && price.GetNanos() <= 999_999_999, at+"unit_price.nanos", "must be 0 to 999999999")
	}
}
