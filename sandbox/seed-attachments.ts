/** Small real files to attach: a PDF, a PNG chart, a CSV and a calendar entry, generated rather than stored. */
import { crc32, deflateSync } from 'node:zlib'
import type { Random } from './seed-random.ts'

/** Returns a PDF of one A4 page of text in Helvetica. Latin letters only. */
export function pdf(title: string, lines: readonly string[]): Buffer {
  const escaped = (text: string) => text.replaceAll(/[\\()]/g, '\\$&').replaceAll(/[^\x20-\x7e]/g, '?')
  const content = [
    `BT /F1 18 Tf 56 780 Td (${escaped(title)}) Tj ET`,
    ...lines.map((line, index) => `BT /F1 11 Tf 56 ${744 - index * 18} Td (${escaped(line)}) Tj ET`),
  ].join('\n')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let text = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const offset = text.length
    text += `${index + 1} 0 obj\n${object}\nendobj\n`
    return String(offset).padStart(10, '0')
  })
  const xref = text.length
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map(at => `${at} 00000 n \n`).join('')}`
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`
  return Buffer.from(text, 'latin1')
}

type Colour = readonly [number, number, number]

/** Returns a bar chart as a PNG, eight bits per channel. */
export function chartPng(random: Random, width = 240, height = 120): Buffer {
  const bars = Array.from({ length: 12 }, () => random.int(Math.floor(height * 0.2), height - 12))
  const barWidth = Math.floor(width / bars.length)
  return png(width, height, (x, y) => {
    const bar = bars[Math.floor(x / barWidth)] ?? 0
    if (y === height - 1) return [90, 98, 112]
    return height - y < bar && x % barWidth > 4 ? [38, 122, 176] : [246, 248, 250]
  })
}

/** Returns a round logo on white as a PNG, for signatures. */
export function logoPng(): Buffer {
  return png(48, 48, (x, y) => {
    const distance = Math.hypot(x - 24, y - 24)
    if (distance > 22) return [255, 255, 255]
    return distance > 13 || y > 24 ? [22, 78, 99] : [250, 204, 21]
  })
}

function png(width: number, height: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 3))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(colourAt(x, y), y * (1 + width * 3) + 1 + x * 3)
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}

/** Returns hourly readings of one weather station as CSV, one line per hour. */
export function readingsCsv(random: Random, from: Date, hours: number): string {
  const lines = ['time,temperature_c,humidity_percent,wind_ms,rain_mm']
  for (let hour = 0; hour < hours; hour++) {
    const time = new Date(from.getTime() + hour * 3_600_000).toISOString()
    const temperature = (11 + 6 * Math.sin(hour / 4) + random.next()).toFixed(1)
    const rain = (random.chance(0.15) ? random.next() * 3 : 0).toFixed(1)
    lines.push(`${time},${temperature},${random.int(48, 96)},${(random.next() * 9).toFixed(1)},${rain}`)
  }
  return `${lines.join('\r\n')}\r\n`
}

export interface Meeting {
  uid: string
  title: string
  place: string
  starts: Date
  minutes: number
  organiser: { name: string; address: string }
  attendees: readonly { name: string; address: string }[]
}

/** Returns an iCalendar file (RFC 5545), lines folded at 73 bytes of ASCII. */
export function calendarEntry(method: 'REQUEST' | 'CANCEL', meeting: Meeting, stamp: Date): string {
  const time = (at: Date) => at.toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Northlight//Calendar//EN',
    `METHOD:${method}`,
    'BEGIN:VEVENT',
    `UID:${meeting.uid}`,
    `DTSTAMP:${time(stamp)}`,
    `DTSTART:${time(meeting.starts)}`,
    `DTEND:${time(new Date(meeting.starts.getTime() + meeting.minutes * 60_000))}`,
    `SUMMARY:${meeting.title}`,
    `LOCATION:${meeting.place}`,
    `ORGANIZER;CN=${meeting.organiser.name}:mailto:${meeting.organiser.address}`,
    ...meeting.attendees.map(({ name, address }) => `ATTENDEE;CN=${name};RSVP=TRUE:mailto:${address}`),
    `STATUS:${method === 'CANCEL' ? 'CANCELLED' : 'CONFIRMED'}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ]
  return `${lines.map(line => line.replaceAll(/.{73}(?=.)/g, '$&\r\n ')).join('\r\n')}\r\n`
}
