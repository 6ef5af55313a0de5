/**
 * The person at the other end, if there is one: colours, questions, a screen that can be redrawn.
 *
 * Without a terminal there are no colours and no questions: scripts get the same text every time, and never
 * hang waiting for an answer.
 */
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
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
  readonly ask: (question: string) => Promise<string | null>
  /** Lets go of the input. */
  readonly close: () => void
}

export function createTerminal(io: CliIo): Terminal {
  const screen = isatty(1)
  // https://no-color.org: present and not empty, whatever the value.
  const colors = screen && (io.env['NO_COLOR'] ?? '') === ''
  return {
    interactive: isatty(0) && isatty(2),
    paint: createPaint(colors),
    clear: screen ? '\u001b[H\u001b[2J' : '',
    ...createAsker(),
  }
}

export function createPaint(colors: boolean): Paint {
  return (style, text) => (colors ? styleText(style, text, { validateStream: false }) : text)
}

/**
 * Lines of one reader for all questions: a reader per question would swallow what was typed or pasted ahead. It is
 * opened with the first question, because an open stdin keeps the process alive.
 */
function createAsker(): Pick<Terminal, 'ask' | 'close'> {
  let lines: Interface | null = null
  let answers: AsyncIterator<string> | null = null
  let ended = false
  const open = (): Interface => {
    const opened = createInterface({ input: process.stdin, output: process.stderr })
    opened.once('close', () => (ended = true))
    return opened
  }
  return {
    ask: async (question) => {
      lines ??= open()
      answers ??= lines[Symbol.asyncIterator]()
      if (!ended) {
        lines.setPrompt(question)
        lines.prompt()
      }
      const answer = await answers.next()
      return answer.done === true ? null : answer.value
    },
    close: () => lines?.close(),
  }
}
