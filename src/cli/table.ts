/** Aligned text tables: two spaces between columns, no lines, no trailing blanks. */
import type { Paint, Style } from './terminal.ts'

export interface Cell {
  readonly text: string
  readonly style?: Style
}

export interface Column {
  readonly title: string
  /** Numbers stand at the right, words at the left. */
  readonly right?: boolean
}

/** Widths count the plain text: colours take no room. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => widthOf(row[index]?.text ?? ''))))
  const line = (cells: readonly Cell[]): string => {
    const parts = columns.map((column, index) => {
      const cell = cells[index] ?? { text: '' }
      const room = ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(cell.text)))
      const text = cell.style === undefined ? cell.text : paint(cell.style, cell.text)
      if (column.right === true) return room + text
      return index === columns.length - 1 ? text : text + room
    })
    return parts.join('  ').trimEnd()
  }
  return [line(columns.map(({ title }) => ({ text: title, style: 'dim' }))), ...rows.map(line)]
}

const segmenter = new Intl.Segmenter()

/** What a reader counts as characters. */
function widthOf(text: string): number {
  return [...segmenter.segment(text)].length
}

/** `10 %`, `0.25 %`; a dash for what is not known. */
export function percentText(value: number | null): string {
  return value === null ? '-' : `${Number(value.toFixed(2))} %`
}

/** `1,234,567`: counts are read by people. */
export function countText(value: number): string {
  return value.toLocaleString('en-US')
}

/** What came from outside (config, answers of backends) must not steer the terminal. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD').replace(/[\t\n]/g, ' ')
}
