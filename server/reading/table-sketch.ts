/** Classifies a table while its cells are read: a data table is written in rows, a layout table as ordinary text. */
import type { Mark, TextLines } from './text-lines.ts'

/** Bounds of a data cell; a larger one makes it a layout table. */
const maxCellLength = 200
const maxCellLines = 3

export class TableSketch {
  readonly #lines: TextLines
  readonly #begin: Mark
  readonly #rows: string[][] = []
  #isData = true

  constructor(lines: TextLines) {
    this.#lines = lines
    this.#begin = lines.here()
  }

  setLayout(): void {
    this.#isData = false
  }

  beginRow(): void {
    this.#rows.push([])
  }

  /** @param begin Start of the cell, which ends here. */
  addCell(begin: Mark): void {
    if (!this.#isData) return
    const text = this.#lines.since(begin)
    if (text.length > maxCellLength || this.#lines.linesSince(begin) > maxCellLines) return this.setLayout()
    const row = this.#rows.at(-1)
    if (row) row.push(text)
    else this.#rows.push([text])
  }

  /** A data table has at least two rows with two non-empty cells each. */
  end(): void {
    const rows = this.#rows.map(row => row.filter(text => text !== '')).filter(row => row.length > 0)
    if (!this.#isData || rows.filter(row => row.length > 1).length < 2) return
    this.#lines.replaceSince(
      this.#begin,
      rows.map(row => row.join(' | ')),
    )
  }
}
