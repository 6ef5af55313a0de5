/**
 * The person at the other end, if there is one: colours, questions, a screen that can be redrawn.
 *
 * Without a terminal there are no colours and no questions: scripts get the same text every time, and never
 * hang waiting for an answer.
 */
import { createInterface } from 'node:readline/promises'
import { isatty } from 'node:tty'
import { styleText } from 'node:util'
import type { CliIo } from './io.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'
export type Paint = (style: Style, text: string) => string

export interface Terminal {
  /** True when there is somebody to ask. */
  readonly interactive: boolean
  /** Leaves the text alone where colours are not wanted (NO_COLOR, no terminal). */
  readonly paint: Paint
  /** Empties the screen before a live view is drawn again; empty text where there is no screen. */
  readonly clear: string
  /** Asks on stderr, so that stdout stays the command's result; null when the input has ended. */
  ask(question: string): Promise<string | null>
}

export function createTerminal(io: CliIo): Terminal {
  const screen = isatty(1)
  // https://no-color.org: present and not empty, whatever the value.
  const colors = screen && (io.env['NO_COLOR'] ?? '') === ''
  return {
    interactive: isatty(0) && isatty(2),
    paint: createPaint(colors),
    clear: screen ? '\u001b[H\u001b[2J' : '',
    ask,
  }
}

export function createPaint(colors: boolean): Paint {
  return (style, text) => (colors ? styleText(style, text, { validateStream: false }) : text)
}

async function ask(question: string): Promise<string | null> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)))
  try {
    return await Promise.race([lines.question(question), ended])
  } finally {
    lines.close()
  }
}
