/** Says what is wrong with a JSON body, and where: invalid JSON, names that could set a prototype, unpaired surrogates. */
import { type InputPath, Problem } from '../problem.ts'

/** The problem of a body that was refused before the handler of its route. */
export class BodyFault extends Problem {
  /** Whether the body is JSON, which is refused for what it contains. */
  readonly isJson: boolean

  constructor(path: InputPath, message: string, isJson: boolean) {
    super('bad_request', `${path}: ${message}`, { errors: [{ path, message }] })
    this.isJson = isJson
  }
}

/** Characters of a field's path, which may repeat input. */
const longestPath = 300

/** @param text A body that the parser refused. */
export function faultOfJson(text: string): BodyFault {
  if (text === '') return new BodyFault('body', 'is empty, but its content type says JSON', false)
  try {
    const found = faultOfValue(JSON.parse(text.replace(/^\ufeff/, '')))
    return found ?? new BodyFault('body', 'has a name that is not allowed', true)
  } catch (error) {
    const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(String(error)) ?? []
    const place = line === undefined ? '' : `; see line ${line}, column ${column}`
    return new BodyFault('body', `is not valid JSON${place}`, false)
  }
}

/**
 * Finds a name that could set a prototype, or an unpaired surrogate (`\ud800` in JSON), which UTF-8 cannot encode.
 * @param value Parsed JSON. It may be nested as deeply as `JSON.parse` allows.
 */
export function faultOfValue(value: unknown): BodyFault | undefined {
  const found = find(value, [])
  return found && new BodyFault(['body', ...found.at].join('.').slice(0, longestPath) as InputPath, found.words, true)
}

type Path = readonly string[]
type Found = { at: Path; words: string }

function find(root: unknown, from: Path): Found | undefined {
  const left: [value: unknown, at: Path][] = [[root, from]]
  for (let next = left.pop(); next; next = left.pop()) {
    const [value, at] = next
    if (typeof value === 'string' && !value.isWellFormed()) return { at, words: 'has an unpaired surrogate' }
    if (typeof value !== 'object' || value === null) continue
    for (const [name, member] of Object.entries(value).reverse()) {
      if (!name.isWellFormed()) return { at, words: 'has a name with an unpaired surrogate' }
      if (setsPrototype(name, member)) return { at: [...at, name], words: 'is not an allowed name' }
      if (typeof member === 'string' ? !member.isWellFormed() : typeof member === 'object')
        left.push([member, [...at, name]])
    }
  }
  return undefined
}

/** As in the parser of bodies (`secure-json-parse`). */
function setsPrototype(name: string, member: unknown): boolean {
  if (name === '__proto__') return true
  if (name !== 'constructor' || typeof member !== 'object' || member === null) return false
  return Object.hasOwn(member, 'prototype')
}
