/** Collects what is passed on of the bytes that come in: runs of them as they are, what was put in, and nothing of the rest. */

export class ByteSink {
  #chunk: Buffer = Buffer.alloc(0)
  #passed: Buffer[] = []
  #passedBytes = 0
  #held: Buffer[] | undefined
  #heldBytes = 0
  /** Where the run that is passed on began in the chunk; -1 while nothing is. */
  #run = 0
  /** Whether what goes out is not simply what came in. */
  #isTouched = false

  get isPassing(): boolean {
    return this.#run >= 0
  }

  begin(chunk: Buffer): void {
    this.#chunk = chunk
    if (this.#run >= 0) this.#run = 0
    else this.#isTouched = true
  }

  /** From this place on, bytes are passed on. */
  pass(at: number): void {
    if (this.#run < 0) this.#run = at
  }

  /** From this place on, bytes are dropped. */
  drop(at: number): void {
    this.#flush(at)
    this.#run = -1
    this.#isTouched = true
  }

  /** Only while bytes are dropped. */
  insert(text: string): void {
    this.#add(Buffer.from(text, 'latin1'))
    this.#isTouched = true
  }

  /** What is passed from this place on waits until it is released. */
  hold(at: number): void {
    this.#flush(at)
    this.#run = at
    this.#held = []
    this.#heldBytes = 0
  }

  /** How much waits, with the run up to this place. */
  heldBytes(at: number): number {
    return this.#heldBytes + (this.#run >= 0 ? at - this.#run : 0)
  }

  /** What waits is cut at this length, and bytes are dropped from this place on. */
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

  /** How much goes out of this chunk, up to this place; without what waits. */
  passedBytes(at: number): number {
    return this.#passedBytes + (this.#run >= 0 && !this.#held ? at - this.#run : 0)
  }

  /** What is to go out of this chunk, of which only so much was read; empty when that is nothing. */
  end(at: number): Buffer {
    const isWhole = !this.#isTouched && this.#held === undefined
    this.#flush(at)
    const whole = at === this.#chunk.length ? this.#chunk : this.#chunk.subarray(0, at)
    const passed = this.#passed
    this.#passed = []
    this.#passedBytes = 0
    // What is held goes out with a later chunk.
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
