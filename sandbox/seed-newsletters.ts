/** HTML newsletters with remote images and tracking pixels, to show that they are blocked. */
import { createHash } from 'node:crypto'
import { escapeHtml } from './seed-conversations.ts'
import type { Letter } from './seed-mail.ts'
import { owner } from './seed-people.ts'
import { type Publisher, publishers } from './seed-publishers.ts'
import type { Random } from './seed-random.ts'

export function newsletters(random: Random, now: Date): Letter[] {
  return publishers.flatMap((publisher, first) =>
    publisher.issues.map((issue, index) => {
      const daysAgo = index * publisher.everyDays + first * 0.9 + 0.35
      const at = new Date(now.getTime() - Math.min(daysAgo, 59) * 86_400_000 + random.int(0, 40) * 60_000)
      return letterOf(publisher, issue, at)
    }),
  )
}

function letterOf(publisher: Publisher, issue: Publisher['issues'][number], at: Date): Letter {
  const { name, domain } = publisher
  const reader = createHash('sha256').update(`${domain}${issue.subject}`).digest('hex').slice(0, 24)
  return {
    folder: 'INBOX',
    at,
    flags: ['\\Seen'],
    mail: {
      from: { name, address: `news@${domain}` },
      replyTo: `hello@${domain}`,
      to: owner,
      subject: issue.subject,
      messageId: `<${reader}@${domain}>`,
      text: `${issue.items.map(([title, text]) => `${title}\n${text}`).join('\n\n')}\n\nUnsubscribe: https://${domain}/u/${reader}\n`,
      html: htmlOf(publisher, issue, reader),
      headers: {
        'List-Id': `${name} <news.${domain}>`,
        'List-Unsubscribe': `<https://${domain}/u/${reader}>, <mailto:leave@${domain}?subject=${reader}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        Precedence: 'bulk',
      },
    },
  }
}

function htmlOf(
  { name, domain, accent }: Publisher,
  { subject, items }: Publisher['issues'][number],
  reader: string,
): string {
  const rows = items.map(
    ([title, text], index) => `
      <tr><td style="padding:16px 24px">
        <img src="https://img.${domain}/issue/${reader.slice(0, 8)}-${index}.jpg" width="552" height="180" alt="${escapeHtml(title)}" style="display:block;background:#e5e9ee">
        <h2 style="font:600 18px/1.3 Georgia,serif;margin:14px 0 6px;color:${accent}">${escapeHtml(title)}</h2>
        <p style="margin:0 0 10px">${escapeHtml(text)}</p>
        <a href="https://click.${domain}/r/${reader}/${index}" style="color:${accent}">Read on</a>
      </td></tr>`,
  )
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title>
<style>body{margin:0;background:#eef1f4;font:15px/1.55 Helvetica,Arial,sans-serif;color:#1d2733}</style></head>
<body><div style="display:none">${escapeHtml(items[0]?.[1] ?? '')}</div>
<table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0" style="background:#fff">
  <tr><td style="background:${accent};color:#fff;padding:20px 24px;font:600 22px Georgia,serif">
    <img src="https://img.${domain}/logo.png" width="36" height="36" alt="" style="vertical-align:middle"> ${escapeHtml(name)}</td></tr>
  <tr><td style="padding:20px 24px 0"><h1 style="font:600 24px/1.25 Georgia,serif;margin:0">${escapeHtml(subject)}</h1></td></tr>${rows.join('')}
  <tr><td style="padding:20px 24px;font-size:12px;color:#5b6775">You get this because you signed up as ${owner.address}.
    <a href="https://${domain}/u/${reader}">Unsubscribe</a></td></tr>
</table>
<img src="https://t.${domain}/open/${reader}.gif" width="1" height="1" alt="">
</body></html>
`
}
