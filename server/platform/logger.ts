/** The log: one JSON line an outcome on stderr; what could be a secret is never written. */
import { type DestinationStream, destination, type Logger as PinoLogger, pino } from 'pino'

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
export function createLogger(level: LogLevel, out: DestinationStream = destination({ fd: 2, sync: false })): Logger {
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
