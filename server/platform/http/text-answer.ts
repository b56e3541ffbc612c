/** An answer that is there as text. A `Response` makes a stream of it at once, and to read that again costs more than most of what is done for a short one. */
export class TextAnswer {
  readonly words: string
  readonly status: number
  readonly headers: Headers
  /** Nothing to be read bit by bit. */
  readonly body = null

  constructor(
    words: string,
    { status = 200, headers }: { status?: number; headers?: Record<string, string> | Headers } = {},
  ) {
    this.words = words
    this.status = status
    this.headers = new Headers(headers)
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  /** As a `Response` has it. */
  async text(): Promise<string> {
    return this.words
  }
}
