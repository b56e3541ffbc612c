/** Plugins for hoodiecrow-imap 2.1.0 that fix bugs which real clients run into; each says what is broken without it. */
import type { FetchHandler, ImapConnection, ImapServer, Mailbox, StoredMessage } from 'hoodiecrow-imap'
import createBodyStructure from 'hoodiecrow-imap/lib/bodystructure.js'
import fetchItems from 'hoodiecrow-imap/lib/commands/handlers/fetch.js'
import parseMime, { type MimeNode } from 'hoodiecrow-imap/lib/mimeparser.js'

/** Longest IDLE in milliseconds, longer than any client stays in one (RFC 2177 asks for less than 29 minutes). */
const idleLimitMs = 30 * 60 * 1000

/**
 * Replaces IDLE (RFC 2177). hoodiecrow's own leaks a 30-minute timer for each connection that closes while idle, which
 * keeps the process alive, and goes on pushing after DONE, into the responses of other commands.
 */
export function idle(server: ImapServer): void {
  server.registerCapability('IDLE')
  server.setCommandHandler('IDLE', (connection, { tag }, _data, done) => {
    const { socket } = connection
    if (!socket || connection.state === 'Not Authenticated') {
      connection.send({ tag, command: 'NO', attributes: [{ type: 'TEXT', value: 'Login first' }] }, 'IDLE FAILED')
      return done()
    }
    const timer = setTimeout(() => socket.destroy(), idleLimitMs)
    const forget = () => clearTimeout(timer)
    socket.once('close', forget)
    connection.inputHandler = line => {
      forget()
      socket.off('close', forget)
      connection.inputHandler = false
      connection.directNotifications = false
      const isDone = line.trim().toUpperCase() === 'DONE'
      const text = isDone ? 'IDLE ended' : 'Expected DONE'
      connection.send({ tag, command: isDone ? 'OK' : 'BAD', attributes: [{ type: 'TEXT', value: text }] }, 'IDLE')
      done()
    }
    socket.write('+ idling\r\n')
    connection.directNotifications = true
    connection.processNotifications()
  })
}

/**
 * Fixes BODY[…]: hoodiecrow mutates the client's query while it answers, so a partial fetch (`BODY.PEEK[1]<0.1024>`) is
 * empty from the second message on.
 */
export function partialFetch(server: ImapServer): void {
  const getBody: FetchHandler = (connection, message, query) =>
    fetchItems.BODY(connection, message, query.partial ? { ...query, partial: [...query.partial] } : query)
  server.fetchHandlers.BODY = getBody
  server.fetchHandlers['BODY.PEEK'] = getBody
}

/**
 * Fixes what hoodiecrow misparses in a message: it treats `message/delivery-status` as `message/rfc822`, which breaks
 * BODYSTRUCTURE, returns an embedded message without its headers, and drops spaces and underscores from `filename*`.
 */
export function messageTrees(server: ImapServer): void {
  server.messageHandlers.push((_server, message) => {
    let tree: MimeNode | false | undefined
    Object.defineProperty(message, 'parsed', {
      get: () => {
        tree ??= repair(parseMime(message.raw), true)
        return tree
      },
      enumerable: false,
    })
  })
}

function repair(node: MimeNode | false, isRoot: boolean): MimeNode | false {
  if (!node) return node
  const type = node.parsedHeader['content-type']
  if (type?.type === 'message') {
    // Upper case avoids the comparison that treats every message/* as an embedded message.
    if (type.subtype.toLowerCase() !== 'rfc822') type.type = 'MESSAGE'
    // `text` is only the body of the embedded message, and would take precedence over `body`, the whole message.
    if (!isRoot) Object.defineProperty(node, 'text', { get: () => undefined, set: () => {} })
  }
  // hoodiecrow turns it into an encoded word (RFC 2047) without escaping the characters that are special there.
  const params = node.parsedHeader['content-disposition']?.params
  if (params?.filename && node.header.some(line => /\bfilename\*/i.test(line))) {
    params.filename = params.filename.replaceAll('_', '=5F').replaceAll(' ', '_')
  }
  for (const child of node.childNodes ?? []) repair(child, false)
  return node
}

/** Throws if hoodiecrow cannot answer a FETCH of this message, because one such message breaks its whole folder. */
export function assertReadable(raw: string): void {
  createBodyStructure(repair(parseMime(raw), true), { upperCaseKeys: true })
}

/**
 * Answers NO when a command handler throws. Without it hoodiecrow never takes the next command, so the connection
 * hangs, and prints the error to the console. Apply after every other plugin.
 */
export function failSoftly(server: ImapServer): void {
  const find = server.getCommandHandler.bind(server)
  server.getCommandHandler = command => {
    const handler = find(command)
    if (!handler) return false
    return (connection, parsed, data, done) => {
      try {
        handler(connection, parsed, data, done)
      } catch (error) {
        const text = `The sandbox failed to run this command: ${String(error).replaceAll(/\s+/g, ' ')}`
        connection.send(
          { tag: parsed.tag, command: 'NO', attributes: [{ type: 'TEXT', value: text }] },
          'FAILED',
          parsed,
        )
        done()
      }
    }
  }
}

/**
 * Pushes flag changes to the other connections (RFC 9051, section 7.5.2); hoodiecrow reports them only to the one that
 * made them.
 */
export function announceFlags(server: ImapServer): void {
  for (const command of ['STORE', 'UID STORE']) {
    const store = server.getCommandHandler(command)
    if (!store) continue
    server.setCommandHandler(command, (connection, parsed, data, done) => {
      store(connection, parsed, data, done)
      const [set] = parsed.attributes ?? []
      if (!connection.selectedMailbox || !isAtom(set)) return
      const isUid = command === 'UID STORE'
      for (const [index, message] of server.getMessageRange(connection.selectedMailbox, set.value, isUid)) {
        announce(server, connection.selectedMailbox, index, message, connection)
      }
    })
  }
}

function isAtom(node: unknown): node is { value: string } {
  return typeof node === 'object' && node !== null && 'value' in node && typeof node.value === 'string'
}

function announce(
  server: ImapServer,
  mailbox: Mailbox,
  index: number,
  { uid, flags }: StoredMessage,
  by: ImapConnection,
): void {
  const list = flags.map(value => ({ type: 'ATOM' as const, value }))
  const items = [{ type: 'ATOM' as const, value: 'UID' }, uid, { type: 'ATOM' as const, value: 'FLAGS' }, list]
  server.notify({ tag: '*', attributes: [index, { type: 'ATOM', value: 'FETCH' }, items] }, mailbox, by)
}
