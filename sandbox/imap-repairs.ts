/**
 * Plugins for hoodiecrow-imap 2.1.0 that fix what a real client stumbles over; each says what is broken without it.
 */
import type { FetchHandler, ImapConnection, ImapServer, Mailbox, StoredMessage } from 'hoodiecrow-imap'
import createBodyStructure from 'hoodiecrow-imap/lib/bodystructure.js'
import fetchItems from 'hoodiecrow-imap/lib/commands/handlers/fetch.js'
import parseMime, { type MimeNode } from 'hoodiecrow-imap/lib/mimeparser.js'

/** Longer than any client stays in one IDLE (RFC 2177 asks for less than 29 minutes). */
const idleLimitMs = 30 * 60 * 1000

/**
 * IDLE (RFC 2177). The one that comes with hoodiecrow keeps a timer of 30 minutes alive for each connection that
 * closes while idle, so that the process cannot end, and goes on pushing after DONE, into other commands' answers.
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
 * BODY[…]. hoodiecrow changes the client's query while it answers, so that from the second message on a partial fetch
 * (`BODY.PEEK[1]<0.1024>`) is empty.
 */
export function partialFetch(server: ImapServer): void {
  const getBody: FetchHandler = (connection, message, query) =>
    fetchItems.BODY(connection, message, query.partial ? { ...query, partial: [...query.partial] } : query)
  server.fetchHandlers.BODY = getBody
  server.fetchHandlers['BODY.PEEK'] = getBody
}

/**
 * What hoodiecrow reads wrongly in a message: it takes `message/delivery-status` for `message/rfc822`, which gives clients a broken
 * BODYSTRUCTURE, answers an embedded message without its headers, and loses spaces and underscores of `filename*`.
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
    // Upper case escapes the comparison that treats every message/* as an embedded message.
    if (type.subtype.toLowerCase() !== 'rfc822') type.type = 'MESSAGE'
    // `text` is the embedded message's body, and wins over `body`, its whole.
    if (!isRoot) Object.defineProperty(node, 'text', { get: () => undefined, set: () => {} })
  }
  // hoodiecrow makes an encoded word (RFC 2047) of it, and leaves as they are what means something else there.
  const params = node.parsedHeader['content-disposition']?.params
  if (params?.filename && node.header.some(line => /\bfilename\*/i.test(line))) {
    params.filename = params.filename.replaceAll('_', '=5F').replaceAll(' ', '_')
  }
  for (const child of node.childNodes ?? []) repair(child, false)
  return node
}

/** Throws when hoodiecrow could not answer a FETCH of this message, which would break the whole folder. */
export function assertReadable(raw: string): void {
  createBodyStructure(repair(parseMime(raw), true), { upperCaseKeys: true })
}

/**
 * A handler that throws would leave its connection waiting forever (hoodiecrow never takes up the next command), and
 * is printed to the console. Apply after every other plugin.
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
        const text = `The sandbox could not do this: ${String(error).replaceAll(/\s+/g, ' ')}`
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

/** Other connections hear of changed flags (RFC 9051, section 7.5.2); hoodiecrow tells only the one that changed them. */
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
