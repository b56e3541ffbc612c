/** The usage texts of `rustymail`, made of the data of its commands. */
import {
  type Command,
  type CommandData,
  commandData,
  commands,
  type OptionData,
  type OptionName,
  options,
} from './command-data.ts'

/** Thrown when the command line cannot be understood. */
export class UsageError extends Error {}

/** Whether the command has an option of this name. */
export function isOptionOf(command: Command, name: string): boolean {
  return name in dataOf(command).options
}

/** Whether the words ask for a usage text. */
export function asksForHelp(words: readonly string[]): boolean {
  return words.some(word => word === '--help' || word === '-h')
}

/** Returns the command that the words begin with. */
export function commandIn(words: readonly string[]): Command | undefined {
  const named = words.filter(word => !word.startsWith('-'))
  return commands.find(command => command.split(' ').every((word, at) => named[at] === word))
}

/** Returns the usage of the command that the words begin with; of each that they may become (`audit`); else the list of all. */
export function usageFor(words: readonly string[]): string {
  const command = commandIn(words)
  const first = words.find(word => !word.startsWith('-'))
  const found = command === undefined ? commands.filter(each => each.startsWith(`${first} `)) : [command]
  return found.length > 0 ? found.map(usageOf).join('\n\n') : usage()
}

function usage(): string {
  const names = commands.map(command => {
    const [argument] = /^<\w+>/.exec(dataOf(command).forms[0] ?? '') ?? []
    return [argument ? `${command} ${argument}` : command, dataOf(command).summary] as const
  })
  return [
    'Usage: rustymail <command> [options]',
    '',
    'Commands:',
    ...columns(names),
    '',
    'Options of all commands:',
    ...columns([
      ['-h, --help', 'prints this, or after a command its options and an example: rustymail backup --help'],
      ['--version', 'prints the version'],
    ]),
    '',
    ...commandData.serve.notes,
  ].join('\n')
}

function usageOf(command: Command): string {
  const { forms, summary, options: own, notes = [], examples } = dataOf(command)
  return [
    ...forms.map((form, at) => `${at === 0 ? 'Usage:' : '      '} rustymail ${command} ${form}`.trimEnd()),
    '',
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...notes,
    '',
    'Options:',
    ...columns(Object.entries(own).map(([name, text]) => [synopsisOf(name as OptionName), text] as const)),
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map(example => `  ${example}`),
  ].join('\n')
}

function synopsisOf(name: OptionName): string {
  const { value }: OptionData = options[name]
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
}

function dataOf(command: Command): CommandData {
  return commandData[command]
}
