/** The failures of a mail server connection: name, advice, and the fields that each concerns. */
import type { ConnectionFault } from '../../contract/problem.ts'
import type { Part, ServerDraft } from './account-draft.ts'

export const partNames: Record<Part, string> = { imap: 'IMAP', smtp: 'SMTP' }

interface FaultWords {
  title: string
  /**
   * Advice below the server's own sentence, which says what happened and often what to check; do not repeat that here.
   */
  advice: string
  /** Errors at the fields that may be wrong. */
  fields: Partial<Record<keyof ServerDraft, string>>
}

export const faultWords: Record<ConnectionFault, FaultWords> = {
  dns: {
    title: 'No server has this name',
    advice: 'Your provider lists its servers in its help pages.',
    fields: { host: 'No server has this name' },
  },
  refused: {
    title: 'Nothing answers on this port',
    advice: 'If the host and port are right, the server is down or a firewall blocks it.',
    fields: { host: 'Is this the right host?', port: 'Nothing answers on this port' },
  },
  tls: {
    title: 'No secure connection',
    advice:
      'Implicit TLS uses port 993 or 465, STARTTLS 143 or 587. If the port is right, the server’s operator must fix it.',
    fields: { tls: 'No secure connection', port: 'Does the port match the kind of TLS?' },
  },
  no_starttls: {
    title: 'The server offers no STARTTLS',
    advice: 'Choose implicit TLS and its port, 993 or 465, if the server supports it. No password was sent.',
    fields: { tls: 'The server does not offer STARTTLS here' },
  },
  starttls_refused: {
    title: 'The server refused STARTTLS',
    advice: 'It offers STARTTLS but does not start it: the server’s operator must fix that. No password was sent.',
    fields: { tls: 'The server refused STARTTLS' },
  },
  login_disabled: {
    title: 'No logins without TLS',
    advice: 'Choose STARTTLS, or implicit TLS and its port, 993 or 465.',
    fields: { tls: 'The server requires TLS before login' },
  },
  plain_port: {
    title: 'This port does not use implicit TLS',
    advice: 'Choose STARTTLS for this port, or the port for implicit TLS, 993 or 465.',
    fields: { tls: 'Not on this port', port: 'Implicit TLS uses 993 or 465' },
  },
  tls_port: {
    title: 'This port uses implicit TLS',
    advice: 'Choose implicit TLS for this port, or the port for STARTTLS, 143 or 587.',
    fields: { tls: 'This port requires implicit TLS', port: 'STARTTLS uses 143 or 587' },
  },
  timeout: {
    title: 'Timed out',
    advice:
      'Usually a wrong port, or a firewall that drops packets. For a slow server, raise the timeout in Configuration.',
    fields: { host: 'Timed out', port: 'Is this the right port?' },
  },
  login: {
    title: 'User or password rejected',
    advice: 'Enter both again. Many providers require an app password, or IMAP to be enabled in their settings first.',
    fields: { user: 'Rejected together with the password', password: 'Rejected together with the user' },
  },
  revoked: {
    title: 'The provider no longer grants access',
    advice: 'The account keeps its mail and settings.',
    fields: {},
  },
  sign_in_provider: {
    title: 'The sign-in provider failed',
    advice: 'It is retried with growing delays. Open connections keep working.',
    fields: {},
  },
  not_imap: {
    title: 'This is not a mail server',
    advice: 'Check the port: IMAP uses 993 or 143, SMTP uses 465 or 587.',
    fields: { host: 'Is this the right host?', port: 'Another service answers on this port' },
  },
  closed: {
    title: 'The server closed the connection',
    advice:
      'Check that the kind of TLS matches the port. Some servers also drop connections after too many failed logins: wait a few minutes.',
    fields: { port: 'The server closed the connection', tls: 'Does it match the port?' },
  },
  limit: {
    title: 'Too many connections',
    advice: 'Close other programs that use this mailbox and retry, or lower the connection limit in Configuration.',
    fields: {},
  },
  flood: {
    title: 'The server sends too much',
    advice:
      'The connection was closed to protect the other accounts and is retried with growing delays. The server’s operator must fix it.',
    fields: { host: 'Sends far more than requested' },
  },
  private_network: {
    title: 'This server is on this machine or a private network',
    advice:
      'Private addresses are blocked until allowed, so that this form cannot be used to probe your network. Allow it if the server is yours.',
    fields: { host: 'On a private network that is not allowed' },
  },
  forbidden_address: {
    title: 'Address blocked',
    advice: 'This address is reserved for the machine or its cloud and cannot be allowed. Check the host.',
    fields: { host: 'Is this the right host?' },
  },
  no_idle: {
    title: 'New mail is delayed',
    advice: 'Nothing is broken: the server cannot announce new mail, so RustyMail polls for it.',
    fields: {},
  },
}
