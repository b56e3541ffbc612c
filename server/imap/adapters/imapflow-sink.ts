/** Builds the output of a stream filter: unchanged runs of the input, insertions, and gaps for dropped bytes. */

export class ByteSink {
  #chunk: Buffer = Buffer.alloc(0)
  #passed: Buffer[] = []
  #passedBytes = 0
  #held: Buffer[] | undefined
  #heldBytes = 0
  /** Offset where the current passed run began in the chunk; -1 while bytes are dropped. */
  #run = 0
  /** True when the output differs from the input. */
  #isTouched = false

  get isPassing(): boolean {
    return this.#run >= 0
  }

  begin(chunk: Buffer): void {
    this.#chunk = chunk
    if (this.#run >= 0) this.#run = 0
    else this.#isTouched = true
  }

  /** Passes the bytes from this offset on. */
  pass(at: number): void {
    if (this.#run < 0) this.#run = at
  }

  /** Drops the bytes from this offset on. */
  drop(at: number): void {
    this.#flush(at)
    this.#run = -1
    this.#isTouched = true
  }

  /** Inserts text; only allowed while bytes are dropped. */
  insert(text: string): void {
    this.#add(Buffer.from(text, 'latin1'))
    this.#isTouched = true
  }

  /** Buffers the bytes passed from this offset on until `release`. */
  hold(at: number): void {
    this.#flush(at)
    this.#run = at
    this.#held = []
    this.#heldBytes = 0
  }

  /** Bytes buffered, with the run up to this offset. */
  heldBytes(at: number): number {
    return this.#heldBytes + (this.#run >= 0 ? at - this.#run : 0)
  }

  /** Truncates the buffered bytes, and drops the input from this offset on. */
  cutHeld(at: number, length: number): void {
    this.#flush(at)
    this.#run = -1
    this.#isTouched = true
    this.#held = [Buffer.concat(this.#held ?? []).subarray(0, length)]
    this.#heldBytes = length
  }

  release(at: number): void {
    this.#flush(at)
    if (this.#run >= 0) this.#run = at
    for (const piece of this.#held ?? []) this.#pass(piece)
    this.#held = undefined
  }

  /** Output bytes of this chunk up to this offset, without buffered ones. */
  passedBytes(at: number): number {
    return this.#passedBytes + (this.#run >= 0 && !this.#held ? at - this.#run : 0)
  }

  /** Returns the output of the chunk, which was read up to this offset; may be empty. */
  end(at: number): Buffer {
    const isWhole = !this.#isTouched && this.#held === undefined
    this.#flush(at)
    const whole = at === this.#chunk.length ? this.#chunk : this.#chunk.subarray(0, at)
    const passed = this.#passed
    this.#passed = []
    this.#passedBytes = 0
    // Buffered bytes are output with a later chunk.
    this.#isTouched = this.#held !== undefined
    return isWhole ? whole : Buffer.concat(passed)
  }

  #flush(at: number): void {
    if (this.#run >= 0 && at > this.#run) this.#add(this.#chunk.subarray(this.#run, at))
    if (this.#run >= 0) this.#run = at
  }

  #add(piece: Buffer): void {
    if (this.#held) {
      this.#held.push(piece)
      this.#heldBytes += piece.length
    } else this.#pass(piece)
  }

  #pass(piece: Buffer): void {
    this.#passed.push(piece)
    this.#passedBytes += piece.length
  }
}
