/** What stands before the title of the window while something is wrong; set by the shell, read by the heading of each page. */
import { createContext, useContext } from 'react'

/** Empty while all is well. */
export const AlarmMark = createContext('')

export function useAlarmMark(): string {
  return useContext(AlarmMark)
}
