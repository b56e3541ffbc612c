/** The log: one JSON line an outcome on stderr; what could be a secret is never written. */
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

/** What is told of an error beside its words and stack: libraries hang on it what they were sent, and what they were answered. */
const ofErrors = ['code', 'errno', 'syscall', 'address', 'port', 'status'] as const

/** @param out Only tests give another than stderr, and what stands before it. */
export function createLogger(level: LogLevel, out: DestinationStream = stderrOutput()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: told, error: told },
      redact: { paths: secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    out instanceof LogLines ? out : new LogLines({ out, maxLines: 1 }),
  )
}

function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { type, message, stack, ...others } = stdSerializers.err(error)
  const kept = ofErrors.flatMap(name => {
    const value = others[name]
    return typeof value === 'string' || typeof value === 'number' ? [[name, value] as const] : []
  })
  // A problem is an outcome with words of its own, repeated while it lasts; a stack helps only where the fault is ours.
  const isOutcome = error instanceof Problem && error.code !== 'internal'
  return { type, message, ...(isOutcome ? {} : { stack }), ...Object.fromEntries(kept) }
}
