/** A Maildir of many messages, the same ones each time, like a mailbox of several years. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One in twenty has HTML, one in a hundred an attachment; two in three are seen. */
export function fillMaildir(maildir: string, messages: number): void {
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, name), { recursive: true })
  for (let number = 0; number < messages; number++) {
    const at = 1_600_000_000 + number * 600
    const body = Buffer.from(messageOf(number, new Date(at * 1000)).replaceAll('\n', '\r\n'))
    const flags = number % 3 === 0 ? '' : 'S'
    const name = `${at}.M${number}P1.bench,S=${body.length},W=${body.length}:2,${flags}`
    writeFileSync(join(maildir, 'cur', name), body)
  }
}

function messageOf(number: number, date: Date): string {
  const head = `From: Sender ${number % 500} <s${number % 500}@example.net>
To: Alice <alice@test.local>
Subject: Message ${number} of many
Date: ${date.toUTCString().replace('GMT', '+0000')}
Message-ID: <${number}@example.net>
MIME-Version: 1.0
`
  const text = `This is message ${number}.\n${'It says what most messages say, and nothing that matters.\n'.repeat(5)}`
  if (number % 100 === 0) return `${head}${multipart('mixed', text, 'application/pdf', 'JVBERi0xLjQK'.repeat(200))}`
  if (number % 20 === 0) return `${head}${multipart('alternative', text, 'text/html', `<p>${text}</p>`)}`
  return `${head}Content-Type: text/plain; charset=utf-8\n\n${text}`
}

function multipart(kind: string, text: string, type: string, other: string): string {
  const encoding = type === 'text/html' ? '' : 'Content-Transfer-Encoding: base64\n'
  const parts = [`Content-Type: text/plain; charset=utf-8\n\n${text}`, `Content-Type: ${type}\n${encoding}\n${other}\n`]
  return `Content-Type: multipart/${kind}; boundary=bb\n\n${parts.map(part => `--bb\n${part}`).join('')}--bb--\n`
}
