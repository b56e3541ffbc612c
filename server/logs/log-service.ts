/** The last lines of the log, for administrators of all accounts, since a line may concern any of them. */
import { randomBytes } from 'node:crypto'
import { type LogFilter, type LogLevelName, type LogLine, logBounds, logLevels } from '../../contract/logs.ts'
import type { HeldLine, LogLines } from '../platform/log-lines.ts'
import { shownText } from '../platform/log-secrets.ts'
import type { LogLevel } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { seesAll } from '../platform/visible-figures.ts'

export interface LogServiceOptions {
  lines: Pick<LogLines, 'held' | 'newest' | 'bytes'>
  /** The configured log level. */
  level: LogLevel
}

export interface LogQuery extends LogFilter {
  limit: number
  cursor?: string | undefined
  after?: string | undefined
}

const wholeServer = 'The log requires an administrator with access to all accounts.'

export class LogService {
  readonly #options: LogServiceOptions
  /** The id of this process: numbers of another one mean other lines. */
  readonly #run = randomBytes(4).toString('hex')

  constructor(options: LogServiceOptions) {
    this.#options = options
  }

  /** Lists the newest first. Costs as much as there are lines to search, and nothing while nobody asks. */
  list(principal: Principal, { limit, cursor, after, ...filter }: LogQuery) {
    if (!seesAll(principal)) throw new Problem('beyond_own_rights', wholeServer)
    const { lines, level } = this.#options
    const { held, newest, bytes } = lines
    const oldest = held[0]?.number ?? newest + 1
    const below = cursor === undefined ? newest + 1 : this.#place(cursor)
    if (below === undefined) throw new Problem('stale_cursor', 'The server has started again. List from the beginning.')
    const known = after === undefined ? undefined : this.#place(after)
    const matches = matcherOf(filter)
    const items: LogLine[] = []
    let hasMore = false
    for (let index = Math.min(below - oldest, held.length) - 1; index >= 0; index--) {
      const line = held[index]!
      if (known !== undefined && line.number <= known) break
      const view = viewOf(line)
      if (!matches(view)) continue
      hasMore = items.length === limit
      if (hasMore) break
      items.push(view)
    }
    const isKnown = after === undefined || (known !== undefined && known + 1 >= oldest && known <= newest)
    return {
      items,
      next_cursor: hasMore ? this.#cursorOf(items.at(-1)!.number) : null,
      newest: this.#cursorOf(newest),
      is_complete: isKnown && !(after !== undefined && hasMore),
      written_level: level,
      held: { lines: held.length, bytes, since: held[0] ? viewOf(held[0]).at : null },
    }
  }

  /** Yields JSON lines, the oldest first. */
  *export(principal: Principal, filter: LogFilter): Generator<string> {
    if (!seesAll(principal)) throw new Problem('beyond_own_rights', wholeServer)
    const matches = matcherOf(filter)
    // A copy, so that lines written meanwhile do not shift it.
    for (const line of [...this.#options.lines.held]) {
      const view = viewOf(line)
      if (matches(view)) yield `${JSON.stringify(view)}\n`
    }
  }

  #cursorOf(number: number): string {
    return `${this.#run}-${number}`
  }

  /** Returns the number in a cursor; undefined for one of another process. */
  #place(cursor: string): number | undefined {
    const [run, number = ''] = cursor.split('-')
    return run === this.#run ? Number(number) : undefined
  }
}

function matcherOf({ level, account_id, request_id, q }: LogFilter): (line: LogLine) => boolean {
  const least = level === undefined ? 0 : logLevels.indexOf(level)
  const words = (q ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter(word => word !== '')
  return line => {
    if (logLevels.indexOf(line.level) < least) return false
    if (account_id !== undefined && line.account_id !== account_id) return false
    if (request_id !== undefined && line.request_id !== request_id) return false
    if (words.length === 0) return true
    const text = JSON.stringify([line.level, line.message, line.fields, line.error]).toLowerCase()
    return words.every(word => text.includes(word))
  }
}

function viewOf({ number, text }: HeldLine): LogLine {
  const {
    level,
    time,
    msg,
    account_id,
    request_id,
    err,
    error = err,
    ...others
  } = JSON.parse(text) as Record<string, unknown>
  const fault = faultOf(error)
  const fields = { ...others, ...(fault === null && error !== undefined && { error }), ...fault?.more }
  return {
    number,
    at: typeof time === 'string' ? time : new Date(0).toISOString(),
    level: isLevel(level) ? level : 'info',
    message: shown(msg ?? ''),
    account_id: typeof account_id === 'string' ? shown(account_id) : null,
    request_id: typeof request_id === 'string' ? shown(request_id) : null,
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [shown(name), shown(value)])),
    error: fault && { type: fault.type, message: fault.message, stack: fault.stack },
  }
}

function faultOf(error: unknown) {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return null
  const { type, message, stack, ...more } = error as Record<string, unknown>
  const lines = String(stack).split('\n').map(shown)
  return { type: shown(type ?? 'Error'), message: shown(message ?? ''), stack: lines.join('\n'), more }
}

function shown(value: unknown): string {
  const text = shownText(typeof value === 'string' ? value : JSON.stringify(value))
  return text.length > logBounds.text ? `${text.slice(0, logBounds.text)}…` : text
}

function isLevel(level: unknown): level is LogLevelName {
  return logLevels.includes(level as LogLevelName)
}
