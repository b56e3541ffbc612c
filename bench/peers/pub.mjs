// Shared by the Node peers: an absolute-schedule publisher. Stamps are the *due* time
// (CLOCK_MONOTONIC ns), so a blocked loop cannot hide its own latency.
export const PORT = +(process.env.PORT || 8000)
export function payload(seq) {
  const o = {
    t: 0,
    n: seq,
    type: 'stats',
    clients: 1234,
    subscriptions: 5678,
    inRate: 1234.5,
    outRate: 98765.4,
    mail: { from: 'agent-17@example.test', subject: 'status report', size: 4821 },
    pad: '',
  }
  return o // t and pad are set by encode()
}
export function makeObject(seq, due) {
  const o = payload(seq)
  o.t = Number(due)
  const l = JSON.stringify(o).length
  o.pad = 'x'.repeat(Math.max(0, 300 - l))
  return o
}
export function frameText(seq, json) {
  return `event: stats\nid: ${seq}\ndata: ${json}\n\n`
}
export function publisher(publish, max = 16) {
  let k = 0,
    burst = 1,
    seq = 0,
    due = 0n,
    step = 0n,
    timer = null
  const tick = () => {
    timer = null
    if (k <= 0) return
    let now = process.hrtime.bigint(),
      n = 0
    while (due <= now && n < max) {
      for (let i = 0; i < burst; i++) publish(++seq, due)
      due += step
      n++
    }
    const wait = Number(due - process.hrtime.bigint()) / 1e6
    if (wait <= 0) setImmediate(tick)
    else timer = setTimeout(tick, Math.max(1, Math.floor(wait)))
  }
  return {
    rate(v, b = 1) {
      k = v
      burst = b
      if (timer) clearTimeout(timer)
      timer = null
      if (k > 0) {
        step = BigInt(Math.round((1e9 * burst) / k))
        due = process.hrtime.bigint() + step
        tick()
      }
    },
  }
}
export function rateQuery(url) {
  const u = new URL(url, 'http://x')
  return [+(u.searchParams.get('k') || 0), +(u.searchParams.get('b') || 1)]
}
process.on('uncaughtException', e => {
  if (!['ECONNRESET', 'EPIPE'].includes(e.code)) {
    console.error(e)
    process.exit(1)
  }
})
