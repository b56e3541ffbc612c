/** Ways to break the event stream: each turns a good server into one with a certain fault. */
import { type Behaviour, encode, type Frame, good, type Problem, type StreamContext } from './event-stream-behaviour.ts'

/** The fault's name, the prefix of the check that must fail, and the behaviour that it overrides. */
export type Fault = [name: string, found: string, change: Partial<Behaviour>]

export const isFact = ({ id, event }: Frame) => id !== undefined && event !== undefined
export const isState = ({ event }: Frame) => event === 'stats_update'

/** Applies a change to each fact that comes while a stream is open. */
export const eachFact = (change: (frame: Frame, context: StreamContext) => Frame[]): Partial<Behaviour> => ({
  later: (frames, context) => frames.flatMap(frame => (isFact(frame) ? change(frame, context) : [frame])),
})
/** Applies a change to the replayed facts. */
export const replay = (change: (facts: Frame[], context: StreamContext) => Frame[]): Partial<Behaviour> => ({
  opening: (frames, context) => {
    const first = frames.findIndex(isFact)
    if (first < 0) return frames
    return [...frames.slice(0, first), ...change(frames.filter(isFact), context), ...frames.slice(-1)]
  },
})
export const header = (name: string, value?: string): Partial<Behaviour> => {
  const { [name]: _left, ...others } = good.streamHead
  return { streamHead: value === undefined ? others : { ...others, [name]: value } }
}
export const data = (
  event: string,
  change: (of: Record<string, unknown>) => Record<string, unknown>,
): Partial<Behaviour> => ({
  encode: frame => encode(frame.event === event && frame.data ? { ...frame, data: change(frame.data) } : frame),
})
export const without = (event: string, field: string) => data(event, ({ [field]: _left, ...others }) => others)
export const notWritten = (isIt: (frame: Frame) => boolean): Partial<Behaviour> => ({
  encode: frame => (isIt(frame) ? '' : encode(frame)),
})
export const raw = (change: (text: string) => string): Partial<Behaviour> => ({
  encode: frame => change(encode(frame)),
})
export const refusal = (change: (problem: Problem) => Partial<Problem>): Partial<Behaviour> => ({
  problem: problem => ({ ...problem, ...change(problem) }),
})
export const gapInstead = (reason: string, told: ReturnType<Behaviour['locate']>): Partial<Behaviour> => ({
  locate: (log, id) => {
    const right = log.locate(id)
    return 'gap' in right && right.gap === reason ? told : right
  },
})
