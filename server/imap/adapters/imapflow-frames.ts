/** What is known of the lists that are open while a row of FETCH is read. */

/** Lists are looked into as far as this; `maxDepth` is below it. */
export const deepest = 60

/** By their depth; numbers in arrays, since hostile mail opens millions of lists. */
export class Frames {
  /** Elements so far, those of them that were lists, and those that were kept. */
  readonly elements = new Int32Array(deepest + 1)
  readonly lists = new Int32Array(deepest + 1)
  readonly kept = new Int32Array(deepest + 1)
  /** Lists in it that held a string. */
  readonly filled = new Int32Array(deepest + 1)
  readonly hasString = new Uint8Array(deepest + 1)
  /** Whether it is a part of the message, not a list of parameters or something within an attached message. */
  readonly isPart = new Uint8Array(deepest + 1)

  begin(depth: number, isPart: boolean): void {
    this.elements[depth] = this.lists[depth] = this.kept[depth] = this.filled[depth] = this.hasString[depth] = 0
    this.isPart[depth] = isPart ? 1 : 0
  }
}
