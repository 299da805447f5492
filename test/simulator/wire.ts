/** One WebSocket between a reader and a relay: its ends may disagree for a while on whether it is open. */
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { pingText, pongText } from '@halyard/shared/protocol/stream.ts'
import type { StreamHears } from '../../sdk/sync/reader-ports.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Network } from './network.ts'

export interface WireEnds {
  readonly class: AccessKey['class']
  readonly keyId: string
  /** Who reads, for traces and checks. */
  readonly reader: string
}

/** What the relay has of it. */
export interface Wire extends WireEnds {
  readonly send: (text: string) => void
  readonly close: (code: number, reason: string) => void
  isOpenAtRelay: boolean
  heardAt: number
  /** The connection is gone: each end learns of it in its time. */
  readonly break: () => void
  /** The reader's end: what was sent before waits for it. */
  readonly attach: (hears: StreamHears) => {
    readonly send: (text: string) => void
    readonly close: () => void
  }
}

export interface WireWorld {
  readonly clock: Clock
  readonly chance: Chance
  readonly network: Network
  /** The relay's end is closed. */
  readonly left: (wire: Wire) => void
  /** Hears what the relay sends. */
  readonly told: (text: string) => void
}

/** A connection that broke without a word is noticed after as long as this. */
const noticeMaxMs = 40_000

export function makeWire(world: WireWorld, ends: WireEnds): Wire {
  const { clock, chance, network } = world
  let hears: StreamHears | null = null
  let waiting: (() => void)[] = []
  let isOpenAtReader = true
  let lastAt = 0
  const toReader = (run: (ears: StreamHears) => void) => {
    const go = () => {
      if (hears && isOpenAtReader) run(hears)
    }
    if (hears) go()
    else waiting.push(go)
  }
  const finish = (code: number, reason: string) =>
    toReader((ears) => {
      isOpenAtReader = false
      ears.ended({ code, reason })
    })
  /** In order, but for what the weather does. */
  const carry = (run: () => void) => {
    if (network.areSocketsMute || chance.hits(network.weather.lost / 4)) return
    const isOvertaken = chance.hits(network.weather.late / 4)
    const at = Math.max(clock.now() + network.delayMs(), isOvertaken ? 0 : lastAt)
    lastAt = Math.max(lastAt, at)
    clock.after(at - clock.now(), run)
    if (chance.hits(network.weather.doubled / 4)) clock.after(at - clock.now() + network.delayMs(), run)
  }
  const leaveRelay = () => {
    if (!wire.isOpenAtRelay) return
    wire.isOpenAtRelay = false
    world.left(wire)
  }
  const notice = (run: () => void) =>
    clock.after(chance.hits(0.7) ? network.delayMs() : chance.between(0, noticeMaxMs), run)
  let isBroken = false
  const wire: Wire = {
    ...ends,
    isOpenAtRelay: true,
    heardAt: clock.now(),
    send: (text) => {
      if (!wire.isOpenAtRelay) throw new Error('the socket is closed')
      world.told(text)
      if (!isBroken) carry(() => toReader((ears) => ears.heard(text)))
    },
    close: (code, reason) => {
      if (!wire.isOpenAtRelay) throw new Error('the socket is closed')
      leaveRelay()
      if (!isBroken)
        clock.after(Math.max(network.delayMs(), lastAt - clock.now()), () => finish(code, reason))
    },
    break: () => {
      if (isBroken) return
      isBroken = true
      notice(() => finish(1006, 'the connection broke'))
      notice(leaveRelay)
    },
    attach: (ears) => {
      hears = ears
      for (const go of waiting) clock.after(0, go)
      waiting = []
      return {
        send: (text) => {
          if (text !== pingText || isBroken) return
          carry(() => {
            if (!wire.isOpenAtRelay || isBroken) return
            wire.heardAt = clock.now()
            carry(() => toReader((hearing) => hearing.heard(pongText)))
          })
        },
        close: () => {
          isOpenAtReader = false
          if (!isBroken) clock.after(network.delayMs(), leaveRelay)
        },
      }
    },
  }
  return wire
}
