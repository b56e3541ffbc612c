/** The log: one JSON line per outcome on stderr; anything that could be a secret is redacted. */
import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers } from 'pino'
import { LogLines } from './log-lines.ts'
import { stderrOutput } from './log-output.ts'
import { Problem } from './problem.ts'

export type Logger = PinoLogger
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

const secretNames = [
  'password',
  'pass',
  'token',
  'setup_token',
  'api_key',
  'apiKey',
  'authorization',
  'cookie',
  'secret',
  'accessToken',
]

/**
 * Properties of errors that are logged besides message and stack; libraries attach requests and responses to others.
 */
const ofErrors = ['code', 'errno', 'syscall', 'address', 'port', 'status'] as const

/** @param out Defaults to stderr; tests pass another one, the server `LogLines` in front of it. */
export function createLogger(level: LogLevel, out: DestinationStream = stderrOutput()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: loggable, error: loggable },
      redact: { paths: secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    out instanceof LogLines ? out : new LogLines({ out, maxLines: 1 }),
  )
}

function loggable(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { type, message, stack, ...others } = stdSerializers.err(error)
  const kept = ofErrors.flatMap(name => {
    const value = others[name]
    return typeof value === 'string' || typeof value === 'number' ? [[name, value] as const] : []
  })
  // A problem is an expected, often repeated outcome; a stack only helps with bugs.
  const isOutcome = error instanceof Problem && error.code !== 'internal'
  return { type, message, ...(isOutcome ? {} : { stack }), ...Object.fromEntries(kept) }
}
