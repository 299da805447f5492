import { openReader } from '../sdk/open-reader.ts'
import type { Reader as SdkReader } from '../sdk/sync/reader.ts'
import { makeHeadVerifier } from '@halyard/shared/protocol/head.ts'
import { compareVersions, formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { BareStack } from '../dev/bare-stack.ts'
import type { EnvironmentName } from '../dev/seed.ts'
import { followStream, type Follower } from './follow-stream.ts'
import { pollEdge, type Poller } from './poll-edge.ts'
import { makeStreamReader, type StreamReader } from './stream-reader.ts'

/** Everybody who reads while something is broken: streams of both classes, and polls with and without a minimum version. */
export interface Readers {
  readonly polls: readonly Poller[]
  readonly streams: readonly StreamReader[]
  readonly sdks: readonly SdkReader[]
  /** Whether all are at these versions or above. */
  readonly areAt: (heads: ReadonlyMap<string, Version>) => boolean
  readonly describe: () => string
  /** The edge's memory is empty: who asks for no minimum may be answered from less. */
  readonly isolateDied: () => void
  /** Tells what readers saw that they must not. */
  readonly stop: (fail: (what: string) => void) => Promise<void>
  readonly figures: () => Record<string, number>
  /** Polls that got no answer, so far. */
  readonly unanswered: () => number
  readonly openStreams: () => number
}

interface OneReader {
  readonly name: string
  readonly environment: EnvironmentName
  readonly at: () => Version | null
}

interface StreamOne extends OneReader {
  readonly reader: StreamReader
  readonly follower: Follower
}

interface SdkOne extends OneReader {
  readonly sdk: SdkReader
  readonly wentBack: readonly string[]
}

interface PollOne extends OneReader {
  readonly poller: Poller
  readonly isMonotone: boolean
}

export interface ReadersOptions {
  readonly environments: readonly EnvironmentName[]
  readonly random: () => number
  /** What streams carry is spoiled: only readers that are made for it listen. */
  readonly isSpoiled?: boolean
}

export function startReaders(stack: BareStack, { environments, random, isSpoiled }: ReadersOptions): Readers {
  const streams = (isSpoiled ? [] : environments).flatMap((environment) => [
    openStream(stack, { environment, keyClass: 'serverKey', random }),
    openStream(stack, { environment, keyClass: 'clientKey', random }),
  ])
  const sdks = environments.map((environment) => openSdk(stack, environment))
  const polls = environments.flatMap((environment) => [
    openPoll(stack, environment, true),
    openPoll(stack, environment, false),
  ])
  // What clients are told moves with what they may see: they have no version to reach.
  const exact = [...polls, ...sdks, ...streams.filter(({ name }) => name.startsWith('serverKey'))]
  return {
    polls: polls.map(({ poller }) => poller),
    streams: streams.map(({ reader }) => reader),
    sdks: sdks.map(({ sdk }) => sdk),
    areAt: (heads) =>
      exact.every(({ at, environment }) => {
        const [held, head] = [at(), heads.get(environment)]
        return !head || (held !== null && compareVersions(held, head) >= 0)
      }),
    describe: () => [...polls, ...sdks, ...streams].map(({ name, at }) => `${name} ${show(at())}`).join(', '),
    isolateDied: () => polls.forEach(({ poller, isMonotone }) => !isMonotone && poller.forget()),
    stop: async (fail) => {
      for (const { follower } of streams) follower.stop()
      for (const { sdk } of sdks) sdk.close()
      await Promise.all(polls.map(({ poller }) => poller.stop()))
      for (const { name, reader } of streams) for (const what of reader.torn) fail(`${name}: ${what}`)
      for (const { name, wentBack } of sdks) for (const what of wentBack) fail(`${name} went back: ${what}`)
      for (const { name, poller } of polls) {
        for (const what of poller.wentBack) fail(`${name} went back: ${what}`)
        for (const what of poller.torn) fail(`${name} was answered in two ways: ${what}`)
        for (const what of poller.blank) fail(`${name} got no value: ${what}`)
      }
    },
    unanswered: () => sum(polls.map(({ poller }) => poller.counts.withoutAnswer)),
    openStreams: () => streams.filter(({ follower }) => follower.isOpen()).length,
    figures: () => ({
      'answers to polls': sum(polls.map(({ poller }) => poller.counts.answers)),
      'polls without an answer': sum(polls.map(({ poller }) => poller.counts.withoutAnswer)),
      'streams opened': sum(streams.map(({ follower }) => follower.counts.opened)),
      'older versions offered, never taken': sum(streams.map(({ reader }) => reader.olderOffered())),
    }),
  }
}

interface StreamWish {
  readonly environment: EnvironmentName
  readonly keyClass: 'serverKey' | 'clientKey'
  readonly random: () => number
}

function openStream(
  { urls, seed, secrets }: BareStack,
  { environment, keyClass, random }: StreamWish,
): StreamOne {
  const reader = makeStreamReader(makeHeadVerifier(secrets.trustedKeys))
  const follower = followStream({
    edgeUrl: urls.edge,
    key: seed.environments[environment][keyClass],
    isPatient: false, // they see more
    random,
    onText: reader.take,
    since: () => show(reader.at()),
  })
  return { name: `${keyClass} stream of ${environment}`, environment, at: reader.at, reader, follower }
}

/** The reader that users install. */
function openSdk({ urls, seed, secrets }: BareStack, environment: EnvironmentName): SdkOne {
  const { serverKey: key } = seed.environments[environment]
  const sdk = openReader({ edge: urls.edge, key, trustedKeys: secrets.trustedKeys })
  const wentBack: string[] = []
  let at: Version | null = null
  sdk.onChange(({ head, token }) => {
    if (at && compareVersions(head, at) <= 0) wentBack.push(`${token} after ${formatVersion(at)}`)
    at = head
  })
  return { name: `SDK of ${environment}`, environment, at: () => at, sdk, wentBack }
}

function openPoll({ urls, seed }: BareStack, environment: EnvironmentName, isMonotone: boolean): PollOne {
  const { serverKey: key } = seed.environments[environment]
  const poller = pollEdge({ edgeUrl: urls.edge, key, flag: 'new-checkout', isMonotone, pauseMs: 25 })
  const name = `poll of ${environment}${isMonotone ? ' with a minimum' : ''}`
  return { name, environment, at: poller.at, poller, isMonotone }
}

function show(at: Version | null): string | null {
  return at && formatVersion(at)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
