/** Rows of a CSV of which some lines may be broken: a broken line never takes the lines after it along. */
import { parse } from 'csv-parse/sync'

/** A description may go over a few lines; a quote that nobody closes must not swallow the file. */
const longestRow = 10

/** The cells of each row, `width` of them in a good one. A line with an unclosed quote comes as its first cell alone. */
export function* csvRows(lines: readonly string[], width: number): Generator<readonly string[]> {
  for (let at = 0; at < lines.length; ) {
    const row = rowAt(lines, at, width)
    if (lines[at]!.trim() !== '') yield row.cells
    at += row.lines
  }
}

export function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r?\n/)
}

function rowAt(lines: readonly string[], start: number, width: number): { cells: readonly string[]; lines: number } {
  let text = lines[start]!
  for (let count = 1; count <= longestRow; count++) {
    const cells = cellsOf(text)
    if (cells !== undefined) return { cells, lines: count }
    const next = lines[start + count]
    // A line that is a whole row by itself belongs to nobody else's quote.
    if (next === undefined || (cellsOf(next)?.length ?? 0) >= width) break
    text += `\n${next}`
  }
  return { cells: [firstCell(lines[start]!)], lines: 1 }
}

/** Undefined when a quote is open at the end. */
function cellsOf(text: string): readonly string[] | undefined {
  if (!text.includes('"')) return text.split(',')
  try {
    return parse(text, { relax_quotes: true, relax_column_count: true })[0] ?? ['']
  } catch {
    return undefined
  }
}

function firstCell(line: string): string {
  const cell = /^(?:"([^"]*)"|([^",]*))(?:,|$)/.exec(line)
  return cell?.[1] ?? cell?.[2] ?? ''
}
