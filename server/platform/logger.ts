/** The log: one JSON line an outcome on stderr; what could be a secret is never written. */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { stderrOutput } from './log-output.ts'

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

/** @param out Only tests give another than stderr. */
export function createLogger(level: LogLevel, out: DestinationStream = stderrOutput()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    out,
  )
}
