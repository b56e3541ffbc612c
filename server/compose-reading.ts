/** Reading of untrusted text, wired by hand: the worker threads and their users. A part of the composition root. */
import { HtmlCleaner } from './reading/html-cleaner.ts'
import { OutgoingBodies } from './reading/outgoing-bodies.ts'
import { PartsReader } from './reading/parts-reader.ts'
import { TextWorker } from './reading/text-worker.ts'

export interface Reading {
  cleaner: HtmlCleaner
  parts: PartsReader
  bodies: OutgoingBodies
  stop(): Promise<void>
}

export function composeReading(): Reading {
  const worker = new TextWorker()
  return {
    cleaner: new HtmlCleaner(worker),
    parts: new PartsReader(worker),
    bodies: new OutgoingBodies(worker),
    stop: () => worker.stop(),
  }
}
