/** The name of an item in a row of FETCH, as its bytes come in: `FLAGS`, `BODY[HEADER.FIELDS (FROM TO)]<0>`. */

const maxLength = 100
const [space, open, close, bracket, bracketEnd] = [0x20, 0x28, 0x29, 0x5b, 0x5d]

export class ItemName {
  #text = ''
  #isInSection = false

  get text(): string {
    return this.#text
  }

  get isHeader(): boolean {
    return /^BODY\[[\d.]*(HEADER|MIME)/i.test(this.#text)
  }

  begin(): void {
    this.#text = ''
    this.#isInSection = false
  }

  /** @returns Whether the name has ended at this byte, or the row, or neither. */
  read(byte: number): 'name' | 'row' | undefined {
    if (byte === bracket) this.#isInSection = true
    else if (byte === bracketEnd) this.#isInSection = false
    if (!this.#isInSection && byte === close) return 'row'
    if (!this.#isInSection && (byte === space || byte === open)) return this.#text === '' ? undefined : 'name'
    if (this.#text.length < maxLength) this.#text += String.fromCharCode(byte)
    return undefined
  }
}
