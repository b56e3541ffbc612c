/** Automated mail: shop orders, builds, monitoring alerts, parcels, receipts and mailing-list posts. */
import type { MailComposerOptions } from 'nodemailer/lib/mail-composer'
import { pdf } from './seed-attachments.ts'
import { escapeHtml } from './seed-conversations.ts'
import type { Letter } from './seed-mail.ts'
import { customers, owner, team } from './seed-people.ts'
import type { Random } from './seed-random.ts'

const products = [
  ['Terra weather station', 249],
  ['Marina weather station', 329],
  ['Wall display', 89],
  ['Rain gauge funnel NL-R2', 11.5],
  ['Extension mast NL-M6', 64],
  ['Soil probe, three depths', 118],
  ['Calibration with certificate', 49],
] as const satisfies readonly (readonly [string, number])[]

export function notices(random: Random, now: Date): Letter[] {
  const ago = (days: number) => new Date(now.getTime() - days * 86_400_000 - random.int(0, 600) * 60_000)
  const notice = (at: Date, mail: MailComposerOptions): Letter => ({
    folder: 'INBOX',
    at,
    flags: ['\\Seen'],
    mail: { to: owner, headers: { 'Auto-Submitted': 'auto-generated' }, ...mail },
  })
  return [
    ...Array.from({ length: 26 }, (_, index) => notice(ago(index * 2.2 + 0.3), shopOrder(random, 20_640 - index))),
    ...Array.from({ length: 14 }, (_, index) => notice(ago(index * 4 + 0.6), build(random, 1_904 - index * 3))),
    ...Array.from({ length: 10 }, (_, index) => notice(ago(index * 5.5 + 1.1), watchdog(random, index))),
    ...Array.from({ length: 9 }, (_, index) => notice(ago(index * 6 + 0.8), parcel(random, index))),
    ...Array.from({ length: 12 }, (_, index) => notice(ago(index * 4.7 + 2), receipt(random, index))),
  ]
}

export function shopOrder(random: Random, number: number): MailComposerOptions {
  const customer = random.pick(customers)
  const lines = Array.from({ length: random.int(1, 3) }, () => ({
    product: random.pick(products),
    count: random.int(1, 4),
  }))
  const total = lines.reduce((sum, { product, count }) => sum + product[1] * count, 0).toFixed(2)
  const rows = lines.map(
    ({ product, count }) =>
      `<tr><td>${product[0]}</td><td align="right">${count}</td><td align="right">${(product[1] * count).toFixed(2)}</td></tr>`,
  )
  const text = lines.map(({ product, count }) => `${count} x ${product[0]}`).join('\n')
  return {
    from: { name: 'Northlight Shop', address: 'orders@shop.northlight.example' },
    replyTo: customer,
    subject: `Order ${number} from ${customer.name}: ${total}`,
    text: `New order ${number}\n\n${text}\n\nTotal ${total}\n`,
    html: `<h2>Order ${number}</h2><p>${escapeHtml(customer.name)} &lt;${customer.address}&gt;</p><table border="0" cellpadding="6" style="border-collapse:collapse;font:14px sans-serif"><tr><th align="left">Item</th><th>Pieces</th><th>Amount</th></tr>${rows.join('')}<tr><td><b>Total</b></td><td></td><td align="right"><b>${total}</b></td></tr></table><p><a href="https://shop.northlight.example/admin/orders/${number}">Open the order</a></p>`,
  }
}

function build(random: Random, number: number): MailComposerOptions {
  const failed = random.chance(0.3)
  const part = random.pick(['firmware', 'web', 'archive-service', 'setup-page'])
  const log = failed
    ? `Step 4 of 6: test\n  radio/sleep_test.c:118  expected 0.8 mA, measured 1.4 mA\n  1 failed, 311 passed in 48.2 s`
    : `Step 6 of 6: package\n  312 passed in ${random.int(40, 60)}.${random.int(0, 9)} s\n  ${part}-0.9.${number % 50}.bin  ${random.int(380, 420)} kB`
  return {
    from: { name: 'Build', address: 'build@ci.northlight.example' },
    to: team,
    cc: owner,
    subject: `[${part}] Build ${number} ${failed ? 'failed' : 'passed'}`,
    text: `${log}\n\nhttps://ci.northlight.example/${part}/${number}\n`,
  }
}

function watchdog(random: Random, index: number): MailComposerOptions {
  const host = random.pick(['archive-1', 'archive-2', 'shop', 'ingest'])
  const percent = random.int(81, 93)
  const back = index % 2 === 0
  return {
    from: { name: 'Watchdog', address: 'watchdog@ops.northlight.example' },
    subject: back ? `OK: ${host} answers again` : `WARNING: disk of ${host} is ${percent} % full`,
    text: back
      ? `${host} answered in ${random.int(20, 90)} ms after ${random.int(2, 14)} minutes without an answer.\n`
      : `${host}: /var/lib/readings ${percent} % used, ${random.int(20, 90)} GB left.\nAt the present rate it is full in ${random.int(9, 30)} days.\n`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Priority': back ? '5' : '1', Importance: back ? 'low' : 'high' },
  }
}

function parcel(random: Random, index: number): MailComposerOptions {
  const number = `MF${random.int(100_000_000, 999_999_999)}`
  const state = ['is on its way', 'arrives tomorrow between 9:10 and 11:10', 'was delivered'][index % 3] ?? ''
  return {
    from: { name: 'Meridian Freight', address: 'tracking@meridian-freight.example' },
    subject: `Your parcel ${number} ${state}`,
    text: `Your parcel ${number} ${state}.\n\nFollow it: https://meridian-freight.example/t/${number}\n`,
    html: `<div style="font:15px sans-serif"><img src="https://meridian-freight.example/mail/banner.png" alt="Meridian Freight" width="480" height="90"><p>Your parcel <b>${number}</b> ${state}.</p><p><a href="https://meridian-freight.example/t/${number}">Follow your parcel</a></p><img src="https://meridian-freight.example/p/${number}.gif" width="1" height="1" alt=""></div>`,
  }
}

function receipt(random: Random, index: number): MailComposerOptions {
  const sellers = [
    ['Harbour Hosting', 'billing@harbour-hosting.example', 'Servers'],
    ['Ferry & Rail', 'tickets@ferry-rail.example', 'Return ticket'],
    ['Paper & Ink', 'orders@paper-ink.example', 'Labels and toner'],
    ['Parts Depot', 'invoice@parts-depot.example', 'Connectors, resistors, crimp terminals'],
  ] as const
  const [name, address, what] = sellers[index % sellers.length] ?? sellers[0]
  const amount = (random.int(1_900, 48_000) / 100).toFixed(2)
  const number = `${random.int(2, 9)}${String(4_711 + index * 13)}`
  return {
    from: { name, address },
    subject: `Receipt ${number} from ${name}`,
    text: `${what}\nAmount: ${amount}\nPaid by card ending 4021.\n\nThe receipt is attached.\n`,
    html: `<div style="font:15px sans-serif;max-width:520px"><img src="https://${address.split('@')[1]}/logo.svg" alt="${escapeHtml(name)}" height="32"><h1 style="font-size:28px">${amount}</h1><p>${what}<br>Receipt ${number}, paid by card ending 4021.</p><img src="https://px.${address.split('@')[1]}/o?m=${number}" width="1" height="1" alt=""></div>`,
    attachments: [
      {
        filename: `receipt-${number}.pdf`,
        content: pdf(`${name}: receipt ${number}`, [what, `Amount ${amount}`, 'Paid by card']),
      },
    ],
  }
}
