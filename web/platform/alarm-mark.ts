/** The prefix of the window title while something is wrong; set by the shell, read by each page's heading. */
import { createContext, useContext } from 'react'

/** The prefix, or an empty string while nothing is wrong. */
export const AlarmMark = createContext('')

export function useAlarmMark(): string {
  return useContext(AlarmMark)
}
