/**
 * What hub and relays say to each other. Both are of one script, but after a deploy an older one may live on for
 * minutes: fields that are not known are ignored, and those that may be missing have a default.
 */
import { regions, type Held, type ReadAnswer, type Region } from '@halyard/shared/protocol/hub.ts'

/** A relay tells the hub that it is there, and asks what is new: every `heartbeatSec` while it has sockets. */
export interface RelayBeat {
  /** Its region and number, `weur/0`. */
  readonly relay: string
  /** With none it takes its leave. */
  readonly sockets: number
  /** By its own clock: what arrives late does not undo what was said after it. */
  readonly sentAt: number
  readonly held: Held
  /** The token of what it holds. */
  readonly version?: string
}

/** What a relay is told, when it asks and when something was published; it asks for what is missing in between. */
export interface RelayUpdate extends ReadAnswer {
  /** The token at which what client keys may see last changed; without it, that of the head. */
  readonly clientAt?: string
  /** How many relays its region has. */
  readonly shards?: number
}

/** What a relay holds after it was told; null instead: it has no sockets and wants to hear nothing. */
export interface RelayAck {
  readonly version: string
}

/** The region that is meant; one is always meant: an older edge names none. */
export function regionOf(text: string | null): Region {
  return regions.find((region) => region === text) ?? 'weur'
}

/** The name of a relay's object. */
export function relayName(environment: string, relay: string): string {
  return `${environment}/${relay}`
}
