import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'
import { followStream, type FollowCounts, type Follower } from './follow-stream.ts'

export interface CrowdOptions {
  readonly edgeUrl: string
  readonly key: string
  readonly size: number
  readonly isPatient: boolean
  readonly random: () => number
  /** They come one after another over so long. */
  readonly spreadMs: number
}

/** Many subscribers of one environment, who only look at versions. */
export interface Crowd {
  readonly size: number
  /** How many are connected and hold this version or a newer one. */
  readonly at: (head: Version) => number
  readonly counts: () => FollowCounts
  readonly stop: () => void
}

interface Member {
  at: Version | null
  follower: Follower | null
}

const versionsCache = new Map<string, Version | null>()
const versionsMax = 1_000

export function gatherCrowd(options: CrowdOptions): Crowd {
  const members = Array.from({ length: options.size }, (): Member => ({ at: null, follower: null }))
  const timers = members.map((member, index) =>
    setTimeout(() => (member.follower = join(options, member)), (index / options.size) * options.spreadMs),
  )
  return {
    size: options.size,
    at: (head) =>
      members.filter(({ at, follower }) => follower?.isOpen() && at && compareVersions(at, head) >= 0).length,
    counts: () => total(members.flatMap(({ follower }) => (follower ? [follower.counts] : []))),
    stop: () => {
      for (const timer of timers) clearTimeout(timer)
      for (const { follower } of members) follower?.stop()
    },
  }
}

export function total(all: readonly FollowCounts[]): FollowCounts {
  const sum = (name: keyof FollowCounts) => all.reduce((so, counts) => so + counts[name], 0)
  return {
    tries: sum('tries'),
    opened: sum('opened'),
    unreachable: sum('unreachable'),
    askedToWait: sum('askedToWait'),
    refused: sum('refused'),
    sentAway: sum('sentAway'),
  }
}

function join({ edgeUrl, key, isPatient, random }: CrowdOptions, member: Member): Follower {
  const onText = (text: string) => {
    const kind = /^\{"kind":"(\w+)"/.exec(text)?.[1]
    const at = versionIn(text)
    if (kind === 'snapshot' || kind === 'delta') member.at = at
    const isBehind = kind === 'head' && at && (!member.at || compareVersions(at, member.at) > 0)
    return isBehind ? 'resync' : 'taken'
  }
  const since = () => member.at && formatVersion(member.at)
  return followStream({ edgeUrl, key, isPatient, random, onText, since })
}

/** Of a head that is not verified: thousands of readers in one process leave that to others. */
function versionIn(text: string): Version | null {
  const payload = /"signedHead":"[\w-]+\.([\w-]+)/.exec(text)?.[1]
  if (payload === undefined) return null
  const known = versionsCache.get(payload)
  if (known !== undefined) return known
  const { epoch, version } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const at = parseVersion(`${epoch}.${version}`)
  if (versionsCache.size >= versionsMax) versionsCache.clear()
  versionsCache.set(payload, at)
  return at
}
