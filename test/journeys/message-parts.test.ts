/**
 * Both bodies of a message are read for programs and agents on another thread, so that no message blocks the server.
 */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { mailApi } from '../../contract/mail.ts'
import { readParts } from '../../server/reading/read-parts.ts'
import { fill, type MailWorld, startMailWorld } from '../support/mail-world.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { shareOf } from '../support/thread-cost.ts'

const hostile = {
  text: `Dear Ann. ${'a1@b.example '.repeat(20_000)}`,
  html: `<p>Dear Ann.</p>${'<p>x</p>'.repeat(64 * 1024)}`,
}

async function deliver(world: MailWorld) {
  const { people, mailboxes } = world
  const { id } = mailboxes[1]!
  await world.deliver(1, { subject: 'hostile', ...hostile })
  const path = `${fill(api.mail.listMessages.path, { account_id: id })}?limit=1`
  const [item] = api.mail.listMessages.response.parse(await people.tell(people.admin, 'GET', path)).items
  const { proof } = await people.token(['mail:read'], [id])
  return { id, ref: item!.ref, proof }
}

test('opening a message whose parts are dear to read costs the thread of the server little', async () => {
  const world = await startMailWorld(2)
  let message: unknown
  const prepare = async () => {
    const { id, ref, proof } = await deliver(world)
    const path = fill(mailApi.getMessage.path, { account_id: id, ref })
    return async () => {
      message = await world.people.tell(proof, 'GET', path)
    }
  }
  const share = await shareOf(prepare, () => readParts(hostile), 0.5)
  expect(message).toMatchObject({ subject: 'hostile', parts_differ: true })
  expect(share).toBeLessThan(0.5)
})

test('so does reading it page by page over MCP', async () => {
  const world = await startMailWorld(2)
  let notes: unknown[] = []
  const prepare = async () => {
    const { id, ref, proof } = await deliver(world)
    const client = await connectMcp(world.people.url, proof)
    return async () => {
      notes = []
      for (let [cursor, page]: [unknown, number] = [undefined, 0]; page < 3; page++) {
        const input = {
          refs: [`${id}.${ref}`],
          view: 'new',
          max_chars: 18_000,
          ...(cursor === undefined ? {} : { cursor }),
        }
        const answer = (await callTool(client, 'mail_read', input)).value
        notes.push((answer.messages as { note: string }[])[0]?.note)
        cursor = answer.cursor
      }
    }
  }
  const share = await shareOf(prepare, () => readParts(hostile), 0.5)
  expect(notes).toEqual(Array(3).fill(expect.stringMatching(/The text part says something else/)))
  expect(share).toBeLessThan(0.5)
})
