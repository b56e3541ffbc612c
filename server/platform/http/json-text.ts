/**
 * An answer that is JSON already, made on another thread: it leaves as it is, unchecked. Only for what is made field by field from data of
 * our own; a test holds it against the contract.
 */
export class JsonText {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
}
