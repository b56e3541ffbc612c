/**
 * One stream per browser without a shared worker: the tab that holds a lock runs the hub and talks to the others over a
 * BroadcastChannel. When it closes, the next in line takes over and resumes after the last event that it received.
 */
import { RecentEvents } from './recent-events.ts'
import { type HubMessage, StreamHub, type TabMessage, type TabPort } from './stream-hub.ts'

type Letter = { from: string; message: TabMessage } | { to: string; message: HubMessage }

const name = 'rustymail-stream'
const everybody = '*'
/** Maximum tabs that a leader serves; past this, the one silent for longest is dropped. */
const maxFollowers = 100

/** Returns whether this browser offers locks; they require HTTPS or localhost. */
export function canElect(): boolean {
  return typeof BroadcastChannel === 'function' && typeof navigator.locks === 'object'
}

export class StreamLeader {
  readonly #id = crypto.randomUUID()
  readonly #recent = new RecentEvents()
  readonly #followers = new Map<string, TabPort>()
  readonly #pipe = new MessageChannel()
  #channel: BroadcastChannel | undefined
  #hub: StreamHub | undefined
  #term: AbortController | undefined
  #lastTold: HubMessage | undefined

  /** Starts, and returns the port through which this tab talks to the hub, wherever that runs. */
  start(signal: AbortSignal): MessagePort {
    this.#run()
    // A page in the back/forward cache must not keep the lock.
    addEventListener('pagehide', () => this.#leave(), { signal })
    addEventListener('pageshow', event => event.persisted && this.#run(), { signal })
    signal.addEventListener('abort', () => this.#leave())
    return this.#pipe.port1
  }

  #run(): void {
    this.#term = new AbortController()
    const { signal } = this.#term
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = ({ data }: MessageEvent<Letter>) => this.#read(data)
    this.#pipe.port2.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#post({ from: this.#id, message: data })
    this.#stand(signal).catch(() => {
      if (signal.aborted || this.#hub) return
      // The lock request failed; open a stream for this tab only.
      this.#channel?.close()
      this.#channel = undefined
      this.#lead()
    })
  }

  /** Waits for the lock without a timeout, and holds it until the term ends. */
  async #stand(signal: AbortSignal): Promise<void> {
    await navigator.locks.request(name, { signal }, async () => {
      this.#lead()
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    })
  }

  #leave(): void {
    if (!this.#hub) this.#post({ from: this.#id, message: { type: 'leave' } })
    this.#hub?.stop()
    this.#hub = undefined
    this.#followers.clear()
    this.#channel?.close()
    this.#channel = undefined
    this.#term?.abort()
  }

  #lead(): void {
    this.#hub = new StreamHub(this.#recent)
    this.#hub.connect(this.#pipe.port2)
    const hello: HubMessage = { type: 'hello' }
    this.#pipe.port2.postMessage(hello)
    this.#post({ to: everybody, message: hello })
  }

  #read(letter: Letter): void {
    if ('to' in letter) {
      if (!this.#hub && (letter.to === everybody || letter.to === this.#id)) this.#follow(letter.message)
      return
    }
    if (!this.#hub) return
    const port = this.#followers.get(letter.from) ?? this.#makePort(letter.from)
    this.#followers.delete(letter.from)
    if (letter.message.type !== 'leave') this.#followers.set(letter.from, port)
    port.onmessage?.(new MessageEvent('message', { data: letter.message }))
    const [oldest] = this.#followers.keys()
    if (this.#followers.size > maxFollowers && oldest !== undefined) this.#followers.delete(oldest)
  }

  /** Records what this tab would need to know as a leader, and passes the message on. */
  #follow(message: HubMessage): void {
    if (message.type === 'snapshot') this.#recent.replace(message.events, message.stats)
    if (message.type === 'event' && !this.#recent.take(message.event)) return
    // The next user to sign in may be another one.
    if ('status' in message && message.status.state === 'signed_out') this.#recent.clear()
    this.#pipe.port2.postMessage(message)
  }

  #makePort(id: string): TabPort {
    const port: TabPort = {
      onmessage: null,
      postMessage: message => {
        if (message.type === 'snapshot') return this.#post({ to: id, message })
        // The hub posts the same message to each tab in turn; one broadcast is enough.
        if (message === this.#lastTold) return
        this.#lastTold = message
        this.#post({ to: everybody, message })
      },
    }
    this.#hub?.connect(port)
    return port
  }

  #post(letter: Letter): void {
    this.#channel?.postMessage(letter)
  }
}
