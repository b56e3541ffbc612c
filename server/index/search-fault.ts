/** What of a search cannot be read, and where it stands. */
export class SearchFault extends Error {
  /** The character, counted from 1. */
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}
