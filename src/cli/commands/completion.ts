/**
 * `banyan completion bash|zsh|fish`: a completion script, generated from the commands themselves.
 *
 * The script is static: completing must not start a process or ask a gateway on every press of Tab.
 */
import type { Command } from 'commander'
import type { CliIo } from '../io.ts'
import { usage } from '../session.ts'

export function register(program: Command, io: CliIo): void {
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .addHelpText(
      'after',
      '\nbash: source <(banyan completion bash)\nzsh:  source <(banyan completion zsh)\nfish: banyan completion fish | source',
    )
    .action((shell: string) => {
      const script = scriptFor(shell, program.name() || 'banyan', commandsOf(program))
      if (script === null) return io.exit(usage(io, `the shell is ${JSON.stringify(shell)}: it must be bash, zsh or fish`))
      return io.stdout(script)
    })
}

interface Known {
  readonly name: string
  readonly about: string
  /** `--long` spellings. */
  readonly options: readonly { readonly flag: string; readonly about: string }[]
}

function commandsOf(program: Command): readonly Known[] {
  return program.commands.flatMap((command) => {
    const options = command.options.flatMap(({ long, description }) =>
      typeof long === 'string' ? [{ flag: long, about: description }] : [],
    )
    const names = [command.name(), ...command.aliases()]
    return names.map((name): Known => ({
      name,
      about: command.description(),
      options: [...options, { flag: '--help', about: 'show help' }],
    }))
  })
}

function scriptFor(shell: string, program: string, commands: readonly Known[]): string | null {
  if (shell === 'bash') return bash(program, commands)
  if (shell === 'zsh') return zsh(program, commands)
  if (shell === 'fish') return fish(program, commands)
  return null
}

function bash(program: string, commands: readonly Known[]): string {
  const words = (list: readonly string[]): string => `COMPREPLY=($(compgen -W ${quote(list.join(' '))} -- "$cur"))`
  const cases = commands.map(({ name, options }) => `      ${name}) ${words(options.map(({ flag }) => flag))} ;;`)
  return [
    `_${program}() {`,
    '  local cur="${COMP_WORDS[COMP_CWORD]}"',
    '  COMPREPLY=()',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    ${words(commands.map(({ name }) => name))}`,
    '  elif [ "${cur#-}" != "$cur" ]; then',
    '    case "${COMP_WORDS[1]}" in',
    ...cases,
    '    esac',
    '  fi',
    '}',
    `complete -o default -F _${program} ${program}`,
  ].join('\n')
}

function zsh(program: string, commands: readonly Known[]): string {
  // In _arguments' specs brackets and colons have a meaning of their own.
  const about = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')
  const cases = commands.map(
    ({ name, options }) =>
      `    ${name}) _arguments ${options.map((option) => quote(`${option.flag}[${about(option.about)}]`)).join(' ')} '*:file:_files' ;;`,
  )
  return [
    `#compdef ${program}`,
    `_${program}() {`,
    '  local -a commands',
    `  commands=(${commands.map(({ name, about: text }) => quote(`${name}:${about(text)}`)).join(' ')})`,
    '  if (( CURRENT == 2 )); then',
    "    _describe 'command' commands",
    '    return',
    '  fi',
    '  local name="${words[2]}"',
    '  shift words',
    '  (( CURRENT-- ))',
    '  case "$name" in',
    ...cases,
    '  esac',
    '}',
    `compdef _${program} ${program}`,
  ].join('\n')
}

function fish(program: string, commands: readonly Known[]): string {
  const line = (condition: string, rest: string): string => `complete -c ${program} -n ${quote(condition)} ${rest}`
  return commands
    .flatMap(({ name, about, options }) => [
      line('__fish_use_subcommand', `-f -a ${name} -d ${fishQuote(about)}`),
      ...options.map(({ flag, about: text }) => line(`__fish_seen_subcommand_from ${name}`, `-l ${flag.slice(2)} -d ${fishQuote(text)}`)),
    ])
    .join('\n')
}

/** For bash and zsh: nothing is special inside single quotes but the quote. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** In fish a backslash escapes inside single quotes too. */
function fishQuote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
