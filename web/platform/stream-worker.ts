/** The shared worker: one event stream for all tabs of this browser. */
import { StreamHub } from './stream-hub.ts'

const hub = new StreamHub()

addEventListener('connect', event => {
  const [port] = (event as MessageEvent).ports
  if (port) hub.connect(port)
})
