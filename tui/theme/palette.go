package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// palette names the colours by what they are for. Nil is the terminal's own.
type palette struct {
	faint, border, focus, accent color.Color
	key, text, number, literal   color.Color
	sent, received               color.Color
	good, warn, bad              color.Color
	match                        color.Color
}

// dark is for light text on a dark background.
func dark() palette {
	return palette{
		faint:    lipgloss.Color("#7d8590"),
		border:   lipgloss.Color("#3d444d"),
		focus:    lipgloss.Color("#58a6ff"),
		accent:   lipgloss.Color("#79c0ff"),
		key:      lipgloss.Color("#79c0ff"),
		text:     lipgloss.Color("#a5d6a7"),
		number:   lipgloss.Color("#e3b341"),
		literal:  lipgloss.Color("#d2a8ff"),
		sent:     lipgloss.Color("#e3b341"),
		received: lipgloss.Color("#56d4dd"),
		good:     lipgloss.Color("#56d364"),
		warn:     lipgloss.Color("#e3b341"),
		bad:      lipgloss.Color("#ff7b72"),
		match:    lipgloss.Color("#e3b341"),
	}
}

// light is for dark text on a light background.
func light() palette {
	return palette{
		faint:    lipgloss.Color("#6e7781"),
		border:   lipgloss.Color("#c4ccd4"),
		focus:    lipgloss.Color("#0969da"),
		accent:   lipgloss.Color("#0550ae"),
		key:      lipgloss.Color("#0550ae"),
		text:     lipgloss.Color("#116329"),
		number:   lipgloss.Color("#953800"),
		literal:  lipgloss.Color("#8250df"),
		sent:     lipgloss.Color("#9a6700"),
		received: lipgloss.Color("#1b7c83"),
		good:     lipgloss.Color("#1a7f37"),
		warn:     lipgloss.Color("#9a6700"),
		bad:      lipgloss.Color("#cf222e"),
		match:    lipgloss.Color("#9a6700"),
	}
}
