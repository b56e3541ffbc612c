/** Each way in which a connection to a mail server fails: its name, what to do, and which fields it concerns. */
import type { ConnectionFault } from '../../contract/problem.ts'
import type { Part, ServerDraft } from './account-draft.ts'

export const partNames: Record<Part, string> = { imap: 'IMAP', smtp: 'SMTP' }

interface FaultWords {
  title: string
  /** Stands below the server's own sentence, which says what happened and often what to check: not again here. */
  advice: string
  /** What stands at the fields that may be wrong. */
  fields: Partial<Record<keyof ServerDraft, string>>
}

export const faultWords: Record<ConnectionFault, FaultWords> = {
  dns: {
    title: 'No server has this name',
    advice: 'Your provider names its servers in its help pages.',
    fields: { host: 'No server has this name' },
  },
  refused: {
    title: 'Nothing answers on this port',
    advice: 'If host and port are right, the server is down or a firewall is in the way.',
    fields: { host: 'Is this the right host?', port: 'Nothing answers on this port' },
  },
  tls: {
    title: 'No secure connection',
    advice:
      'TLS from the first byte has port 993 or 465, STARTTLS has 143 or 587. If they fit, whoever runs the server must fix it.',
    fields: { tls: 'No secure connection this way', port: 'Does the port fit the kind of TLS?' },
  },
  no_starttls: {
    title: 'The server offers no STARTTLS',
    advice: 'Choose TLS from the first byte and its port, 993 or 465, if the server has it. No password was sent.',
    fields: { tls: 'The server does not offer this here' },
  },
  starttls_refused: {
    title: 'The server refused STARTTLS',
    advice: 'It offers STARTTLS and does not start it: whoever runs it must fix that. No password was sent.',
    fields: { tls: 'The server refused to start it' },
  },
  login_disabled: {
    title: 'No logins without TLS',
    advice: 'Choose STARTTLS, or TLS from the first byte and its port, 993 or 465.',
    fields: { tls: 'The server wants TLS before a login' },
  },
  plain_port: {
    title: 'This port has no TLS from the first byte',
    advice: 'Choose STARTTLS for this port, or the port for TLS, 993 or 465.',
    fields: { tls: 'Not on this port', port: 'TLS from the first byte has 993 or 465' },
  },
  tls_port: {
    title: 'This port speaks TLS from the first byte',
    advice: 'Choose TLS from the first byte for this port, or the port for STARTTLS, 143 or 587.',
    fields: { tls: 'This port wants TLS from the first byte', port: 'STARTTLS has 143 or 587' },
  },
  timeout: {
    title: 'No answer in time',
    advice:
      'A wrong port or a firewall that swallows packets looks like this. For a slow server, raise the time limit in Configuration.',
    fields: { host: 'Did not answer in time', port: 'Is this the right port?' },
  },
  login: {
    title: 'User or password refused',
    advice: 'Type both again. Many providers want an app password here, or must first be told to allow IMAP.',
    fields: { user: 'Refused together with the password', password: 'Refused together with the user' },
  },
  not_imap: {
    title: 'This is not a mail server',
    advice: 'Check the port: IMAP has 993 or 143, and SMTP has 465 or 587.',
    fields: { host: 'Is this the right host?', port: 'Something else answers on this port' },
  },
  closed: {
    title: 'The server hung up',
    advice:
      'Check that the kind of TLS fits the port. Some servers also hang up on a machine that failed to log in too often: wait some minutes.',
    fields: { port: 'The server hung up', tls: 'Does it fit the port?' },
  },
  limit: {
    title: 'Too many connections',
    advice: 'Close other programs that read this mailbox and try again, or use fewer connections (Configuration).',
    fields: {},
  },
  flood: {
    title: 'The server sends too much',
    advice:
      'The connection was ended to protect the other accounts, and is tried again more and more rarely. Whoever runs the server must fix it.',
    fields: { host: 'Sends far more than it was asked for' },
  },
  private_network: {
    title: 'This server is on this machine or a private network',
    advice:
      'Such addresses are closed until allowed, so that this form gives nobody a way into your network. Allow it if the server is yours.',
    fields: { host: 'On a private network that is not allowed' },
  },
  forbidden_address: {
    title: 'Never connected to',
    advice: 'Such addresses belong to the machine or its cloud, and cannot be allowed. Check the host.',
    fields: { host: 'Is this the right host?' },
  },
  no_idle: {
    title: 'New mail comes late',
    advice: 'Nothing is broken, and there is nothing to fix here: the server cannot tell of new mail by itself.',
    fields: {},
  },
}
