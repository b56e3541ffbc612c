/** The log of this process and its last lines in memory, wired by hand. A part of the composition root. */
import type { Config } from './config.ts'
import { logRoutes } from './logs/log-routes.ts'
import { LogService } from './logs/log-service.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import { LogLines, type LogOutput } from './platform/log-lines.ts'
import { stderrOutput } from './platform/log-output.ts'
import { LogSecrets } from './platform/log-secrets.ts'
import { createLogger, type Logger } from './platform/logger.ts'

export interface ComposedLogs {
  logger: Logger
  addRoutes(http: HttpServer): void
}

/**
 * Composes the log.
 * @param given A logger in place of the real one; its lines are not kept.
 * @param out The output in place of stderr.
 */
export function composeLogs(config: Config, given?: Logger, out: LogOutput = stderrOutput()): ComposedLogs {
  const lines = new LogLines({ out, secrets: new LogSecrets(secretsOf(config)) })
  const service = new LogService({ lines, level: config.logLevel })
  return {
    logger: given ?? createLogger(config.logLevel, lines),
    addRoutes: http => logRoutes(http, service),
  }
}

/**
 * Returns the secrets that the environment gave, so that the log can redact them exactly, without guessing their form.
 */
export function secretsOf({ apiKey, secretKey, account, oidc, assistant, mailOAuth }: Config): string[] {
  const { openai, openrouter, anthropic, gemini, mistral, azure } = assistant
  const known = [
    ...[apiKey, secretKey?.toString('base64'), secretKey?.toString('base64url'), secretKey?.toString('hex')],
    ...[account?.imap.password, account?.smtp?.password, oidc?.clientSecret],
    ...[openai, openrouter, anthropic, gemini, mistral, azure].map(provider => provider?.apiKey),
    ...[mailOAuth.google, mailOAuth.microsoft].map(client => client?.clientSecret),
  ]
  return known.filter(secret => typeof secret === 'string')
}
