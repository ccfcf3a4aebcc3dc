package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// The pictures stand on pages that are light or dark: they bring their own
// background, on which every colour can be read.
const (
	background = "#161b22"
	bar        = "#21262d"
	border     = "#57606a"
	foreground = "#e6edf3"
	faint      = "#9da7b3"
)

// palette is the colours of SGR that the plugins use.
var palette = map[int]string{31: "#ff7b72", 33: "#e3b341", 36: "#56d4dd"}

// fonts are monospaced ones of several systems; the last one every reader has.
const fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"

// Sizes in units of the picture.
const (
	charWidth  = 8
	lineHeight = 19
	fontSize   = 13
	margin     = 16
	barHeight  = 30
)

// svg draws a window with lines of text. Nothing is loaded from elsewhere: the
// font is whatever the reader has, and textLength makes its columns ours.
func svg(title, says string, lines [][]span) ([]byte, error) {
	width, height := columns*charWidth+2*margin, barHeight+len(lines)*lineHeight+2*margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title desc" font-family="%[5]s" font-size="%[6]d" fill="%[7]s">
<title id="title">%[3]s</title>
<desc id="desc">%[4]s</desc>
<style>
.b { font-weight: bold }
.f { fill: %[8]s }
`, width, height, escape(title), escape(says), fonts, fontSize, foreground, faint)
	for _, n := range []int{31, 33, 36} {
		fmt.Fprintf(&b, ".c%d { fill: %s }\n", n, palette[n])
	}
	fmt.Fprintf(&b, `</style>
<rect x="0.5" y="0.5" width="%[1]d" height="%[2]d" rx="8" fill="%[3]s" stroke="%[4]s"/>
<path d="M1 %[5]dV9a8 8 0 0 1 8-8h%[6]da8 8 0 0 1 8 8v%[7]dz" fill="%[8]s"/>
<text x="%[9]d" y="20" text-anchor="middle" class="f">%[10]s</text>
`, width-1, height-1, background, border, barHeight, width-18, barHeight-9, bar, width/2, escape(title))
	for i, line := range lines {
		y := barHeight + margin + i*lineHeight + fontSize
		for _, s := range line {
			if s.column+s.width > columns {
				return nil, fmt.Errorf("line %d is wider than %d columns: %q", i+1, columns, s.text)
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" textLength="%d"%s>%s</text>`+"\n", margin+s.column*charWidth, y, s.width*charWidth, class(s.style), escape(s.text))
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes(), nil
}

func class(s style) string {
	var names []string
	if s.bold {
		names = append(names, "b")
	}
	if s.faint {
		names = append(names, "f")
	}
	if s.color != 0 {
		names = append(names, fmt.Sprintf("c%d", s.color))
	}
	if names == nil {
		return ""
	}
	return ` class="` + strings.Join(names, " ") + `"`
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
