import { expect, test } from 'vitest'
import { commandData, commands, options } from './command-data.ts'
import { parseCommandLine } from './command-line.ts'
import { notDoneBy, usageFor } from './command-usage.ts'

test('each command prints its own usage: its forms, each of its options with a default, and an example that it understands', () => {
  for (const command of commands) {
    const usage = usageFor([...command.split(' '), '--help'])
    expect(usage).toMatch(new RegExp(`^Usage: rustymail ${command}`))
    for (const [name, text] of Object.entries(commandData[command].options)) {
      expect(usage).toContain(`--${name}`)
      expect(usage).toContain(text)
      expect(text, `--${name} of ${command}`).toContain('default')
    }
    for (const example of commandData[command].examples) {
      const faults: string[] = []
      const words = example.slice(example.indexOf('rustymail ')).split(' ').slice(1)
      expect(parseCommandLine(words, faults).command).toBe(command)
      expect(faults).toEqual([])
      expect(usage).toContain(example)
    }
  }
})

test('the list of commands names each with what it takes; the beginning of several prints those', () => {
  const list = usageFor(['--help'])
  for (const command of commands) expect(list).toContain(`  ${command} `)
  expect(list).toContain('backup <file>')
  expect(usageFor(['nonsense'])).toBe(list)
  expect(usageFor(['audit', '-h'])).toBe(['verify', 'accept'].map(each => usageFor(['audit', each])).join('\n\n'))
  expect(usageFor(['backup', '/backups/rustymail.db', '--help'])).toBe(usageFor(['backup']))
  const lines = [[], ...commands.map(each => each.split(' '))].flatMap(words => usageFor(words).split('\n'))
  expect(lines.filter(({ length }) => length > 120)).toEqual([])
})

test('each option belongs to a command, and is refused by those that would ignore it', () => {
  const used = new Set(commands.flatMap(command => Object.keys(commandData[command].options)))
  expect([...used].toSorted()).toEqual(Object.keys(options).toSorted())
  const faults: string[] = []
  parseCommandLine(['backup', 'x.db', '--retry-login', '--force'], faults)
  expect(faults).toEqual(['--retry-login is not an option of backup; rustymail backup --help lists its options'])
})

const faultOf = (...words: string[]) => {
  const faults: string[] = []
  parseCommandLine(words, faults)
  return faults
}

test.each([
  [['bakcup', '/b.db'], 'bakcup: unknown command; did you mean backup?'],
  [['dianose', 'ann@example.org'], 'dianose: unknown command; did you mean diagnose?'],
  [
    ['user', 'create-admn', '--email', 'ann@example.org'],
    'user create-admn: unknown command; did you mean user create-admin?',
  ],
  [['audti', 'verify'], 'audti verify: unknown command; did you mean audit verify?'],
  [['audit'], 'audit: unknown command; try audit verify, audit accept'],
  [['key', 'rotate', 'now'], 'key rotate takes no now; rustymail key rotate --help lists its options'],
  [['backup', '/b.db', '--ofrce'], '--ofrce is not an option of backup; did you mean --force?'],
  [['backup', '/b.db', '--without_key'], '--without_key is not an option of backup; did you mean --without-key?'],
  [['--prot', '80'], '--prot is not an option; did you mean --port?'],
  [['serve', '-p', '80'], '-p is not an option of serve; rustymail serve --help lists its options'],
])('what was meant by %j is said', (words, fault) => expect(faultOf(...words)).toEqual([fault]))

test('a command that resembles no other is answered with all of them', () => {
  expect(faultOf('fly')).toEqual([`fly: unknown command; try ${commands.join(', ')}`])
})

test.each([
  [['bakcup', '/b.db'], 'Nothing was run'],
  [['--data-dir', '/data', 'backup'], 'rustymail backup was not run'],
  [['audit', 'verify', '--fast'], 'rustymail audit verify was not run'],
  [['--prot', '80'], 'RustyMail was not started'],
  [['serve', '--prot', '80'], 'RustyMail was not started'],
  [['mcp', '--preset', 'none'], 'RustyMail was not started'],
])('what %j did not do is named', (words, said) => expect(notDoneBy(words)).toBe(said))
