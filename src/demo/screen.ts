/**
 * The story on the terminal: chapters, what happens, what was measured.
 *
 * Plain lines, one below the other, at most 100 columns. Where there is a person at a terminal the last line counts
 * along while something is waited for; nobody else ever gets a control character. NO_COLOR is obeyed.
 */
import { createPaint } from '../cli/terminal.ts'
import { plain } from '../cli/table.ts'
import type { Paint, Style } from '../cli/terminal.ts'

export interface Screen {
  readonly paint: Paint
  chapter(title: string): void
  /** A paragraph of the story. */
  say(text: string): void
  /** Something that happened, with its time since the chapter's moment zero. */
  event(ms: number, text: string): void
  /** A line of a log: its time, and a text that stays in its column. */
  entry(time: string, text: string): void
  /** A command line and what it printed. */
  command(line: string, output: readonly string[]): void
  /** Ready-made lines. */
  block(lines: readonly string[]): void
  /** Something that was claimed, and whether it held. */
  verdict(text: string, holds: boolean): void
  /** The line that counts along; null takes it away. */
  ticker(text: string | null): void
}

export interface ScreenOptions {
  readonly write: (text: string) => void
  /** A terminal that can redraw its last line. */
  readonly live: boolean
  readonly colors: boolean
  /** Its width; null = unknown. */
  readonly columns: number | null
}

const MAX_COLUMNS = 100
const MIN_COLUMNS = 40
const INDENT = '  '
/** `12:34:56.789` */
const TIME_ROOM = 12

export function createScreen({ write, live, colors, columns }: ScreenOptions): Screen {
  const paint = createPaint(colors)
  const width = Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, columns ?? MAX_COLUMNS))
  let shown = false
  const clear = (): void => {
    if (shown) write('\r\u001b[2K')
    shown = false
  }
  const line = (text: string): void => {
    clear()
    write(`${text}\n`)
  }
  const paragraph = (first: string, hanging: string, text: string, style: (line: string) => string): void => {
    for (const [index, part] of wrap(text, width - hanging.length).entries()) line(`${index === 0 ? first : hanging}${style(part)}`)
  }
  const entry = (style: Style, time: string, text: string): void =>
    paragraph(`${INDENT}${paint(style, time.padStart(TIME_ROOM))}  `, ' '.repeat(INDENT.length + TIME_ROOM + 2), text, (part) => part)
  return {
    paint,
    chapter: (title) => {
      line('')
      line(`${paint('bold', title)} ${paint('dim', '─'.repeat(Math.max(0, width - title.length - 1)))}`)
    },
    say: (text) => paragraph(INDENT, INDENT, text, (part) => part),
    event: (ms, text) => entry('yellow', `+${Math.round(ms).toLocaleString('en-US')} ms`, text),
    entry: (time, text) => entry('dim', time, text),
    command: (text, output) => {
      paragraph(`${INDENT}$ `, `${INDENT}    `, text, (part) => paint('bold', part))
      for (const each of output) paragraph(`${INDENT}  `, `${INDENT}  `, plain(each), (part) => paint('dim', part))
    },
    block: (lines) => {
      for (const each of lines) line(`${INDENT}${each}`.trimEnd())
    },
    verdict: (text, holds) => {
      const mark = holds ? paint('green', '✓') : paint('red', '✗')
      paragraph(`${INDENT}${mark} `, `${INDENT}  `, holds ? text : `NOT TRUE: ${text}`, (part) => part)
    },
    ticker: (text) => {
      if (!live) return
      clear()
      if (text === null) return
      // One column short: a full line would wrap on some terminals and could not be taken back.
      write(`${INDENT}${text}`.slice(0, width - 1))
      shown = true
    },
  }
}

/** Lines of at most `room` characters, broken at spaces where there are any. */
export function wrap(text: string, room: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > room) {
    const space = rest.lastIndexOf(' ', room)
    const end = space > 0 ? space : room
    lines.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return [...lines, rest]
}

/** `1,312 ms`, `0.21 ms`: as many digits as are worth reading. */
export function msText(ms: number): string {
  if (Number.isNaN(ms)) return '-'
  return `${ms >= 10 ? Math.round(ms).toLocaleString('en-US') : Number(ms.toPrecision(2))} ms`
}
