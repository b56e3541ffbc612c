/**
 * Reads a table of RFC 4180: records of fields, quoted if they contain delimiters, quotes or line ends. Delimited by
 * commas, or by semicolons as some programs write them.
 */

export interface CsvRecord {
  /** The line where it begins, counted from 1. */
  line: number
  fields: string[]
}

export class CsvFault extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.name = 'CsvFault'
    this.line = line
  }
}

/**
 * Skips blank lines.
 * @param most Upper bound of records; one more is read, so that the caller sees that there are more.
 * @throws CsvFault
 */
export function readCsv(text: string, most: number): CsvRecord[] {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  const [first = ''] = source.split(/\r?\n/, 1)
  const delimiter = first.includes(',') || !first.includes(';') ? ',' : ';'
  const records: CsvRecord[] = []
  let [at, line] = [0, 1]
  while (at < source.length && records.length <= most) {
    const record: CsvRecord = { line, fields: [] }
    for (let isLast = false; !isLast; ) {
      const field = source[at] === '"' ? quotedField(source, at, line) : plainField(source, at, delimiter)
      record.fields.push(field.value)
      line += field.lines
      at = field.end
      isLast = source[at] !== delimiter
      if (!isLast) at++
    }
    if (at < source.length) {
      const end = /^(?:\r\n|\n|\r)/.exec(source.slice(at, at + 2))
      if (!end) throw new CsvFault(line, 'text follows a closing quote')
      at += end[0].length
      line++
    }
    if (record.fields.length > 1 || record.fields[0] !== '') records.push(record)
  }
  return records
}

interface Field {
  value: string
  end: number
  /** Line ends in the field. */
  lines: number
}

function plainField(source: string, from: number, delimiter: string): Field {
  let end = from
  while (end < source.length && source[end] !== delimiter && source[end] !== '\n' && source[end] !== '\r') end++
  return { value: source.slice(from, end), end, lines: 0 }
}

function quotedField(source: string, from: number, line: number): Field {
  for (let at = from + 1; ; at++) {
    at = source.indexOf('"', at)
    if (at < 0) throw new CsvFault(line, 'a quote is opened and not closed')
    // A doubled quote is one quote.
    if (source[at + 1] === '"') {
      at++
      continue
    }
    const inside = source.slice(from + 1, at)
    const lines = inside.match(/\r\n|\n|\r/g)?.length ?? 0
    return { value: inside.replaceAll('""', '"'), end: at + 1, lines }
  }
}
