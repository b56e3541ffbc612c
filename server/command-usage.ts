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
import { nearestOf } from './nearest-word.ts'

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
  const named = namesIn(words)
  return commands.find(command => command.split(' ').every((word, at) => named[at] === word))
}

/** Says what did not happen because of a fault in the command line or the settings: most commands start no server. */
export function notDoneBy(words: readonly string[]): string {
  const command = commandIn(words)
  if (command === undefined) return namesIn(words).length > 0 ? 'Nothing was run' : 'RustyMail was not started'
  return command === 'serve' || command === 'mcp' ? 'RustyMail was not started' : `rustymail ${command} was not run`
}

/** Returns the words that are neither options nor their values. */
function namesIn(words: readonly string[]): string[] {
  const isValue = (word: string, option = '') => {
    if (!option.startsWith('--') || option.includes('=')) return false
    const known: OptionData | undefined = options[option.slice(2) as OptionName]
    return known ? known.type === 'string' : !commands.some(command => command.split(' ')[0] === word)
  }
  return words.filter((word, at) => !word.startsWith('-') && !isValue(word, words[at - 1]))
}

/** Says that there is no such command, and which one was meant. @param names What was given in its place. */
export function unknownCommand(names: readonly string[]): string {
  const [first = ''] = names
  const known = commandIn(names)
  if (known !== undefined)
    return `${known} takes no ${names.slice(known.split(' ').length).join(' ')}; ${listOf(known)}`
  const forms = commands.filter(each => each.startsWith(`${first} `))
  const given = forms.length > 0 ? names.slice(0, 2).join(' ') : first
  for (const meant of new Set([given, names.slice(0, 2).join(' ')])) {
    const near = nearestOf(meant, commands)
    if (near !== undefined) return `${meant}: unknown command; did you mean ${near}?`
  }
  return `${given}: unknown command; try ${(forms.length > 0 ? forms : commands).join(', ')}`
}

/** Says that there is no such option, and which one was meant. @param option As it was given: `--ofrce`. */
export function unknownOption(option: string, command: Command | undefined): string {
  const known = Object.keys(command === undefined ? options : dataOf(command).options)
  const near = nearestOf(option.replace(/^-+/, ''), known)
  const hint = near === undefined ? listOf(command) : `did you mean --${near}?`
  return `${option} is not an option${command ? ` of ${command}` : ''}; ${hint}`
}

/** Names the command that lists what can be given: that of the command itself if it is known. */
export function listOf(command: Command | undefined): string {
  return command === undefined ? 'rustymail --help lists all commands' : `rustymail ${command} --help lists its options`
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
