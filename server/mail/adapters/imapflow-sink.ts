/** Collects what is passed on of the bytes that come in: runs of them as they are, what was put in, and nothing of the rest. */

export class ByteSink {
  #chunk: Buffer = Buffer.alloc(0)
  #passed: Buffer[] = []
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
    for (const piece of this.#held ?? []) this.#passed.push(piece)
    this.#held = undefined
  }

  /** What is to go out of this chunk; empty when that is nothing. */
  end(): Buffer {
    const isWhole = !this.#isTouched && this.#held === undefined
    this.#flush(this.#chunk.length)
    const whole = this.#chunk
    const passed = this.#passed
    this.#passed = []
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
    } else this.#passed.push(piece)
  }
}
