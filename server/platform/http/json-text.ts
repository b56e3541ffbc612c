/**
 * An answer that is JSON already, made on another thread, or asked for too often to be checked each time: it leaves as it is, unchecked. Only
 * for what is made field by field from data of our own; a test holds it against the contract.
 */
export class JsonText {
  readonly text: string | Buffer

  constructor(text: string | Buffer) {
    this.text = text
  }
}
