/**
 * The YAML parser's complaints in the operator's words, each with what to do.
 *
 * One fault makes a parser stumble over everything after it, so only the first complaint of each line is passed on.
 */
import type { Document, ErrorCode } from 'yaml'

export interface SyntaxFault {
  readonly offset: number
  readonly message: string
}

/** More than these help nobody: the later ones are nearly always the first one's echo. */
const MAX_FAULTS = 20
const TOO_DEEP = 'lists or maps are nested too deeply to read; no setting needs more than a few levels'

/** Our own sentence where the parser's does not help. */
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  MULTIPLE_DOCS: 'a second document begins here; keep one, without --- lines between',
  NON_STRING_KEY: 'a key must be a plain text; check the indentation, and put a text that begins with [ or { in quotes',
  TAB_AS_INDENT: 'a tab is used to indent; use spaces',
}

/** What to do, after the parser's sentence. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT: 'close the bracket, and indent what belongs to it',
  BAD_SCALAR_START: 'put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'indent keys of one map alike, and put a text that contains ": " in quotes',
  MISSING_CHAR: 'close what was opened, and separate the parts of [ ] and { } by commas',
  MULTILINE_IMPLICIT_KEY: 'check the indentation, and that the key ends in ":"',
  TAG_RESOLVE_FAILED: 'remove the tag (the word with "!")',
  UNEXPECTED_TOKEN: 'check the indentation and the quotes',
}

/** `lineOf`: the line an offset is on. */
export function syntaxFaults(
  document: Document.Parsed,
  unmask: (text: string) => string,
  lineOf: (offset: number) => number,
): SyntaxFault[] {
  const found = [...document.errors, ...document.warnings]
  const exhausted = found.find((error) => error.code === 'RESOURCE_EXHAUSTION')
  if (exhausted !== undefined) return [{ offset: exhausted.pos[0], message: TOO_DEEP }]
  const faults = found.map((error) => ({ offset: error.pos[0], message: messageOf(error.code, unmask(error.message)) }))
  const { explicit, version } = document.directives.yaml
  if (explicit && version !== '1.2')
    faults.push({
      offset: 0,
      message: `%YAML ${version} reads on, off, yes and no as true and false; remove this line (the file is YAML 1.2)`,
    })
  const lines = new Set<number>()
  const first = faults.sort((a, b) => a.offset - b.offset).filter(({ offset }) => lines.size < lines.add(lineOf(offset)).size)
  return first.slice(0, MAX_FAULTS)
}

function messageOf(code: ErrorCode, message: string): string {
  const lower = message.charAt(0).toLowerCase() + message.slice(1)
  return SENTENCES[code] ?? `${lower}; ${REMEDIES[code] ?? 'correct the YAML'}`
}
