import { createContext } from 'react'
import type { WebClient } from '../web/web-client.ts'

export interface HalyardValue {
  readonly client: WebClient
  /** Whether components that read flags wait until there are some. */
  readonly suspends: boolean
  /** Whether the client still holds the values of another user than is rendered for: they are not given. */
  readonly isOtherUser: boolean
}

export const HalyardContext = /* @__PURE__ */ createContext<HalyardValue | null>(null)
